"""Measures what 20 clients with heavy queries do to the scrapes, to light queries, and to memory.

    python scripts/bench_load.py [--dir FOLDER] [--prometheus] [--clients 20] [--idle 20] [--seconds 90] [--queries]

A server with 30 days of history (``bench_data.py``, kept in ``FOLDER`` for later runs) scrapes 50 targets of 1,000
series every 5 seconds. It is measured while nobody asks but two light clients, one that polls a page and one that asks
the API; then while ``heavy_load.py`` asks as well. A scrape is late by what the gap before it is longer than the
interval. A light query counts from when it was due, so that a stall counts for each query that it held up. Memory is
the most that was resident. With ``--prometheus`` the same is then done to Prometheus, which has no page to poll;
``--queries`` tells what became of each heavy query.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bench_data
import bench_query
from heavy_load import QUERIES, Outcome
from scrape_load import Punctuality, prometheus_config, punctuality, serving
from servers import Server, free_port, glass, prometheus, running

LIGHT_INTERVAL = 0.2
MEMORY_INTERVAL = 0.05
PAGE = "/api/cockpit/overview"
LIGHT = ("up", 'rate(app_metric_0_total{number="7"}[1m])')


# What is watched meanwhile.


@dataclass(slots=True)
class LightClient:
    """Asks for one path after the other at a steady pace, and notes how long each took, in milliseconds."""

    port: int
    paths: Sequence[str]
    took: list[float] = field(default_factory=list)
    failed: int = 0

    def run(self, stop: threading.Event) -> None:
        """Ask over one connection until told to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        begun = time.monotonic()
        number = 0
        while not stop.wait(max(0.0, begun + number * LIGHT_INTERVAL - time.monotonic())):
            self.failed += not self._is_answered(connection, self.paths[number % len(self.paths)])
            self.took.append((time.monotonic() - begun - number * LIGHT_INTERVAL) * 1000)
            number += 1
        connection.close()

    def _is_answered(self, connection: http.client.HTTPConnection, path: str) -> bool:
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        return answer.status == http.HTTPStatus.OK


@dataclass(slots=True)
class Memory:
    """Looks at what a server holds."""

    server: Server
    most: int = 0

    def run(self, stop: threading.Event) -> None:
        """Look until told to stop."""
        while not stop.wait(MEMORY_INTERVAL):
            self.most = max(self.most, self.server.memory())


@contextmanager
def watching(tasks: Sequence[Callable[[threading.Event], None]]) -> Iterator[None]:
    """Run tasks in threads of their own."""
    stop = threading.Event()
    threads = [threading.Thread(target=task, args=(stop,)) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# What is measured.


@dataclass(frozen=True, slots=True)
class Phase:
    """What was seen over some time."""

    scraped: Punctuality
    memory: int
    cpu: float
    seconds: float
    light: dict[str, LightClient]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server did, idle and under load."""

    idle: Phase
    busy: Phase
    heavy: list[Outcome]

    @property
    def answered(self) -> list[float]:
        """How long the heavy queries took that were answered."""
        return [outcome.seconds for outcome in self.heavy if outcome.status == http.HTTPStatus.OK]

    @property
    def more_memory(self) -> int:
        """What the load took in memory."""
        return self.busy.memory - self.idle.memory


def phase(server: Server, targets: int, interval: float, work: Callable[[], None]) -> Phase:
    """Watch a server while something is done; ``targets`` is the port of those that it scrapes."""
    light = {"api": LightClient(server.port, [_instant(query) for query in LIGHT])}
    if server.name == "ours":
        light["page"] = LightClient(server.port, [PAGE])
    memory = Memory(server)
    begun, cpu = time.time(), server.cpu()
    with watching([memory.run, *(client.run for client in light.values())]):
        work()
    end = time.time()
    scraped = punctuality(targets, server.name, begun, end, interval)
    return Phase(scraped, memory.most, server.cpu() - cpu, end - begun, light)


def _instant(query: str) -> str:
    return f"/api/v1/query?{urllib.parse.urlencode({'query': query})}"


def measure(server: Server, targets: int, end: int, wanted: argparse.Namespace) -> Figures:
    """Measure one server, idle and under load."""
    time.sleep(wanted.warm_up)
    idle = phase(server, targets, wanted.interval, lambda: time.sleep(wanted.idle))
    outcomes: list[Outcome] = []

    def load() -> None:
        options = [f"--clients={wanted.clients}", f"--seconds={wanted.seconds}"]
        file = Path(__file__).with_name("heavy_load.py")
        command = [sys.executable, str(file), str(server.port), str(end), *options]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        outcomes.extend(Outcome(**each) for each in json.loads(told))

    busy = phase(server, targets, wanted.interval, load)
    return Figures(idle, busy, outcomes)


# What is told.


def show(name: str, figures: Figures, wanted: argparse.Namespace) -> None:
    for title, seen in (("idle", figures.idle), ("busy", figures.busy)):
        latest = seen.scraped.longest - wanted.interval
        print(
            f"{name} {title}: {seen.scraped.scrapes} scrapes, {seen.scraped.missed} missed, the latest by "
            f"{latest:.2f} s ({latest / wanted.interval:.0%} of the interval); {seen.memory / 2**20:.0f} MiB; "
            f"{seen.cpu / seen.seconds:.2f} CPUs"
        )
        for kind, client in seen.light.items():
            shown = ", ".join(f"p{share} {percentile(client.took, share):.0f}" for share in (50, 90, 99, 100))
            print(f"{name} {title}: {kind}: {len(client.took)} light queries, {client.failed} failed, ms: {shown}")
    statuses = Counter(outcome.status for outcome in figures.heavy)
    told = ", ".join(f"{count} {status or 'cut short at the end'}" for status, count in sorted(statuses.items()))
    print(f"{name} busy: heavy queries: {told}; median {_median(figures.answered):.2f} s")
    print(f"{name}: {figures.more_memory / 2**20:.0f} MiB over idle")


def show_queries(heavy: Sequence[Outcome]) -> None:
    for number, query in enumerate(QUERIES):
        own = [outcome for outcome in heavy if outcome.number == number]
        statuses = Counter(outcome.status for outcome in own)
        size = max((outcome.bytes for outcome in own), default=0)
        print(f"{_median([each.seconds for each in own]):7.2f} s {size:9} B {dict(statuses)} {query.query}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that no more than ``share`` per cent are below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))] if ordered else math.nan


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


def compare(ours: Figures, theirs: Figures) -> None:
    api = [each.busy.light["api"].took for each in (ours, theirs)]
    ratios = {
        "light p50": percentile(api[0], 50) / percentile(api[1], 50),
        "light p99": percentile(api[0], 99) / percentile(api[1], 99),
        "memory over idle": ours.more_memory / theirs.more_memory,
        "median of heavy": _median(ours.answered) / _median(theirs.answered),
        "heavy answered": len(ours.answered) / max(1, len(theirs.answered)),
    }
    print("ours / prometheus: " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))


# The servers.


def measured(name: str, root: Path, end: int, wanted: argparse.Namespace) -> Figures:
    """Start a server over a copy of the history, measure it and tell."""
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="bench-load-")))
        shutil.copytree(root / name, folder / name)
        targets = undo.enter_context(serving(wanted.series))
        file, port = folder / "prometheus.yml", free_port()
        file.write_text(prometheus_config(targets, wanted.interval, {"good": wanted.targets}), encoding="utf-8")
        asker = "ours" if name == "ours" else "theirs"
        server = undo.enter_context(running(asker, port, COMMANDS[name](folder, file, port), folder / "log"))
        server.wait()
        figures = measure(server, targets, end, wanted)
    print(f"load average {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    show(name, figures, wanted)
    if wanted.queries:
        show_queries(figures.heavy)
    return figures


COMMANDS: dict[str, Callable[[Path, Path, int], list[str]]] = {
    "ours": lambda folder, file, port: glass(file, folder / "ours", port, "--retention=10y"),
    "prometheus": lambda folder, file, port: prometheus(
        file, folder / "prometheus" / "data", port, "--storage.tsdb.retention.time=10y"
    ),
}


def main() -> None:
    wanted = _options()
    with ExitStack() as undo:
        root = wanted.dir or Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="bench-load-")))
        batches = list(bench_data.batches(wanted.days))
        end = int(batches[0].timestamps[-1])
        names = ["ours", "prometheus"] if wanted.prometheus else ["ours"]
        bench_query.prepare(root, batches, names)
        del batches
        figures = [measured(name, root, end, wanted) for name in names]
        if wanted.prometheus:
            compare(*figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=30.125, help="a little more than what is asked for")
    parser.add_argument("--dir", type=Path, help="where the history is kept for later runs, as by bench_query.py")
    parser.add_argument("--prometheus", action="store_true", help="measure Prometheus as well")
    parser.add_argument("--targets", type=int, default=50)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--interval", type=int, default=5, help="seconds")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--warm-up", type=float, default=20, help="seconds")
    parser.add_argument("--idle", type=float, default=20, help="seconds without load")
    parser.add_argument("--seconds", type=float, default=90, help="of load")
    parser.add_argument("--queries", action="store_true", help="tell what became of each heavy query")
    return parser.parse_args()


if __name__ == "__main__":
    main()
