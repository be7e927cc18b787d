"""Measures dashboard queries over HTTP beside Prometheus and VictoriaMetrics, and compares the answers.

    python scripts/bench_query.py [--days N] [--dir FOLDER] [--runs N] [--profile QUERY]

All three hold the same samples (``bench_data.py``), 30 days of 120 series and a little more unless said otherwise, in
``FOLDER``, where a later run finds them again. Each query is asked of all three in turn, several times; what counts is
the best wall time of each. Ours must agree with the answer of Prometheus to 1e-9; VictoriaMetrics means other things by
some functions, and is only timed. ``--profile`` shows where our engine spends its time on the one query of that number.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import math
import os
import pstats
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import bench_data
from prometheus_client import CollectorRegistry
from servers import free_port, glass, prometheus, running

from dashboard.database import Database
from dashboard.model.samples import SeriesBatch
from dashboard.promql import Engine
from dashboard.rules.migrations import migrations as rules_migrations
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations

_SECOND, _HOUR, _DAY = 1000, 3_600_000, 86_400_000
_OFF_SAMPLES = 7_300
"""Prometheus 2 counts samples on the left edge of a range, Prometheus 3 and we do not: none lies there."""

RATE = "rate(http_requests_total[5m])"
BUCKETS = "rate(http_request_duration_seconds_bucket[5m])"


@dataclass(frozen=True, slots=True)
class Question:
    """A query and, for a range query, how far back it goes and its step (milliseconds)."""

    query: str
    length: int = 0
    step: int = 0

    @property
    def name(self) -> str:
        """The query with its length and step."""
        length = f"{self.length / _DAY:g}d" if self.length >= _DAY else f"{self.length / _HOUR:g}h"
        return f"{length + '/' + format(self.step / 1000, 'g') + 's' if self.length else 'now':12} {self.query}"


QUESTIONS = (
    Question("memory_megabytes"),
    Question(f"topk(5, {RATE})"),
    Question(f"histogram_quantile(0.95, sum by (le) ({BUCKETS}))"),
    Question("cpu_percent", _HOUR, 15 * _SECOND),
    Question(f"sum by (route) ({RATE})", _HOUR, 15 * _SECOND),
    Question(f"histogram_quantile(0.99, sum by (instance, le) ({BUCKETS}))", _HOUR, 15 * _SECOND),
    Question("sum(jobs_in_queue) / sum(workers_busy)", 6 * _HOUR, 30 * _SECOND),
    Question(f"sum by (instance) ({RATE})", 6 * _HOUR, 30 * _SECOND),
    Question(f"histogram_quantile(0.5, sum by (le) ({BUCKETS}))", 6 * _HOUR, 30 * _SECOND),
    Question("avg_over_time(cpu_percent[10m])", _DAY, 60 * _SECOND),
    Question(f"sum by (route) ({RATE})", _DAY, 60 * _SECOND),
    Question(f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))", _DAY, 60 * _SECOND),
    Question("max by (instance) (memory_megabytes)", 7 * _DAY, 600 * _SECOND),
    Question("sum by (route) (rate(http_requests_total[15m]))", 7 * _DAY, 600 * _SECOND),
    Question("quantile_over_time(0.9, temperature_celsius[30m])", 7 * _DAY, 600 * _SECOND),
    Question("avg_over_time(memory_megabytes[1h])", 30 * _DAY, 1800 * _SECOND),
    Question("sum by (instance) (rate(http_requests_total[1h]))", 30 * _DAY, 1800 * _SECOND),
    Question(
        "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[1h])))",
        30 * _DAY,
        1800 * _SECOND,
    ),
)
"""Each panel has as many steps as it is wide, as Grafana asks for them."""

Points = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        root = options.dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-query-")))
        batches = list(bench_data.batches(options.days))
        end = int(batches[0].timestamps[-1]) + _OFF_SAMPLES
        prepare(root, batches, FILLS)
        if options.profile is not None:
            profile(root, QUESTIONS[options.profile], end)
            return
        servers = {name: stack.enter_context(serve(root)) for name, serve in SERVERS.items()}
        compare(servers, end, options.runs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=30.125, help="a little more than what is asked for")
    parser.add_argument("--dir", type=Path, help="where the samples are kept for later runs")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", type=int, metavar="NUMBER", help="profile our engine on one query, without HTTP")
    return parser.parse_args()


# Asking.


def compare(servers: dict[str, str], end: int, runs: int) -> None:
    """Ask everything of everybody, and tell the times and ratios."""
    ratios: dict[str, list[float]] = {"prometheus": [], "victoria": []}
    print(f"{'':82}" + "".join(f"{name:>12}" for name in servers) + "   ms")
    for number, question in enumerate(QUESTIONS):
        best = dict.fromkeys(servers, math.inf)
        answers: dict[str, bytes] = {}
        for _ in range(runs):
            for name, address in servers.items():
                began = time.perf_counter()
                answers[name] = ask(address, question, end)
                best[name] = min(best[name], (time.perf_counter() - began) * 1000)
        for name, ratio in ratios.items():
            ratio.append(best["ours"] / best[name])
        wrong = difference(points(answers["ours"]), points(answers["prometheus"]))
        shown = "".join(f"{milliseconds:12.1f}" for milliseconds in best.values())
        print(f"{number:2} {question.name[:78]:79}{shown}   {wrong}", flush=True)
    for name, ratio in ratios.items():
        print(f"ours / {name}: {math.exp(sum(map(math.log, ratio)) / len(ratio)):.3f}")


def ask(address: str, question: Question, end: int) -> bytes:
    """Ask one question over HTTP."""
    asked = {"query": question.query, "time": f"{end / 1000:.3f}"}
    path = "query"
    if question.length:
        start = f"{(end - question.length) / 1000:.3f}"
        path = "query_range"
        asked = {"query": question.query, "start": start, "end": f"{end / 1000:.3f}", "step": f"{question.step / 1000}"}
    body = urllib.parse.urlencode(asked).encode()
    try:
        with urllib.request.urlopen(f"{address}/api/v1/{path}", body, timeout=300) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"{address}: {error.read().decode()}")


def points(body: bytes) -> Points:
    """Return the samples of an answer."""
    return {
        tuple(sorted(series["metric"].items())): [
            (float(at), float(value)) for at, value in series.get("values") or [series["value"]]
        ]
        for series in json.loads(body)["data"]["result"]
    }


def difference(ours: Points, theirs: Points) -> str:
    """Say in what two answers differ by more than 1e-9; nothing if they do not."""
    if ours.keys() != theirs.keys():
        return f"{len(ours)} series, not {len(theirs)}"
    for labels, wanted in theirs.items():
        found = ours[labels]
        if [at for at, _ in found] != [at for at, _ in wanted]:
            return f"other times of {dict(labels)}"
        for (at, mine), (_, other) in zip(found, wanted, strict=True):
            if not math.isclose(mine, other, rel_tol=1e-9) and not (math.isnan(mine) and math.isnan(other)):
                return f"{mine} at {at}, not {other}"
    return ""


def profile(root: Path, question: Question, end: int) -> None:
    """Show where our engine spends its time on one question."""
    with _store(root / "ours", end) as storage:
        engine = Engine(storage, registry=CollectorRegistry())

        def run() -> None:
            if question.length:
                engine.range(question.query, end - question.length, end, question.step)
            else:
                engine.instant(question.query, end)

        run()
        began = time.process_time()
        for _ in range(5):
            run()
        print(f"{question.name}: {(time.process_time() - began) * 200:.2f} ms of CPU")
        with cProfile.Profile() as profiler:
            run()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(22)


# The servers and their samples.


def prepare(root: Path, batches: Sequence[SeriesBatch], names: Iterable[str]) -> None:
    """Store the samples for the servers of those names, where they are not there from an earlier run."""
    for name in names:
        if not (root / name).exists():
            print(f"storing the samples for {name}", flush=True)
            (root / name).mkdir(parents=True)
            FILLS[name](root / name, batches)


def _fill_ours(directory: Path, batches: Sequence[SeriesBatch]) -> None:
    end = int(batches[0].timestamps[-1])
    with _store(directory, end) as storage:
        storage.import_batches(iter(batches))
        storage.upkeep(end + 1)


@contextmanager
def _store(directory: Path, now: int) -> Iterator[Storage]:
    database = Database.open(directory, [migrations, rules_migrations])
    storage = Storage(database, registry=CollectorRegistry(), clock=lambda: now, retention=10**13)
    storage.open()
    try:
        yield storage
    finally:
        storage.close()
        database.close()


def _fill_prometheus(directory: Path, batches: Sequence[SeriesBatch]) -> None:
    file = directory / "samples.om"
    bench_data.write_openmetrics(file, batches)
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=240h"]
    subprocess.run([*command, str(file), str(directory / "data")], check=True, stdout=subprocess.DEVNULL)
    file.unlink()


def _fill_victoria(directory: Path, batches: Sequence[SeriesBatch]) -> None:
    file = directory / "samples.txt"
    bench_data.write_text(file, batches)
    with _victoria(directory.parent) as address, file.open("rb") as body:
        request = urllib.request.Request(f"{address}/api/v1/import/prometheus", body, method="POST")  # noqa: S310
        request.add_header("Content-Length", str(file.stat().st_size))
        urllib.request.urlopen(request, timeout=3600).close()  # noqa: S310 - our own server on loopback.
        for step in ("force_flush", "force_merge"):
            urllib.request.urlopen(f"{address}/internal/{step}", timeout=600).close()  # noqa: S310
        time.sleep(5)
    file.unlink()


@contextmanager
def _ours(root: Path) -> Iterator[str]:
    config, port = root / "ours" / "prometheus.yml", free_port()
    config.write_text("scrape_configs: []\n")
    with running("ours", port, glass(config, root / "ours", port, "--retention=10y"), root / "ours.log") as server:
        server.wait()
        yield server.url


@contextmanager
def _prometheus(root: Path) -> Iterator[str]:
    config, port = root / "prometheus" / "prometheus.yml", free_port()
    config.write_text("{}\n")
    command = prometheus(config, root / "prometheus" / "data", port, "--storage.tsdb.retention.time=10y")
    with running("prometheus", port, command, root / "prometheus.log") as server:
        server.wait()
        yield server.url


@contextmanager
def _victoria(root: Path) -> Iterator[str]:
    port = free_port()
    options = [f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y", "-loggerLevel=ERROR"]
    # Its cache of answers would answer for it: it keeps none of them younger than what it is asked here.
    command = ["victoria-metrics", f"-storageDataPath={root / 'victoria' / 'data'}", *options, "-search.disableCache"]
    with running("victoria", port, command, root / "victoria.log") as server:
        server.wait("/health")
        yield server.url


SERVERS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "ours": _ours,
    "prometheus": _prometheus,
    "victoria": _victoria,
}

FILLS: dict[str, Callable[[Path, Sequence[SeriesBatch]], None]] = {
    "ours": _fill_ours,
    "prometheus": _fill_prometheus,
    "victoria": _fill_victoria,
}

if __name__ == "__main__":
    os.environ.setdefault("GOMAXPROCS", "2")
    main()
