"""A real Prometheus that holds the same samples as our engine, and how to compare what both answer.

The Prometheus that Debian ships is older than the one we follow, so that samples stay off the left edges of ranges,
and counters that begin within a range begin at 0: there the two are known to differ.
"""

from __future__ import annotations

import json
import math
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cramjam
import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import STALE, FloatArray, IntArray, SeriesBatch
from dashboard.promql import Matrix, QueryResult, Ranges, Scalar, Vector

START = 1_700_000_000 // 7200 * 7200
STEP = 15
COUNT = 480
AT = START + 5403.3
LATE = START + COUNT * STEP + 100.7
OFF = 400
WINDOW = (START + 603.3, START + 6603.3, 75)

Points = list[tuple[float, float]]
Answer = dict[tuple[tuple[str, str], ...], Points]


class Samples:
    """The series of both servers."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(20)
        self.series: dict[Labels, tuple[IntArray, FloatArray]] = {}
        for fill in (self._counters, self._gauges, self._histograms, self._odd_histograms, self._infos):
            fill()

    def add(self, name: str, labels: dict[str, str], values: FloatArray, *, first: int = 0, late: int = 0) -> None:
        """Add a series whose samples start at a step, each ``late`` milliseconds later."""
        times = (START + (first + np.arange(len(values))) * STEP) * 1000 + late + OFF
        self.series[Labels.of({"__name__": name, **labels})] = (times.astype(np.int64), values)

    def thin(self, name: str, gaps: slice) -> None:
        for labels, (times, values) in self.series.items():
            if labels.metric_name == name:
                kept = np.ones(len(times), dtype=bool)
                kept[gaps] = False
                self.series[labels] = (times[kept], values[kept])

    def _counters(self) -> None:
        for number, job in enumerate(("api", "web", "db")):
            for instance in ("1", "2"):
                for status in ("200", "500"):
                    labels = {"job": job, "instance": instance, "status": status}
                    values = np.cumsum(self.random.poisson(3 if status == "200" else 0.3, COUNT)).astype(float)
                    values -= values[0]
                    for reset in self.random.integers(20, COUNT, 3):
                        values[reset:] -= values[reset]
                    self.add("http_requests_total", labels, values, late=number * 1234)
        self.add("large_total", {"job": "api"}, 1e15 + np.cumsum(self.random.random(COUNT) * 1e3))
        self.add("fractions_total", {"job": "web"}, np.arange(COUNT) + np.sin(np.arange(COUNT)) / 2)
        self.add("young_total", {"job": "web"}, np.arange(120) * 2.0, first=300)
        self.add("gappy_total", {"job": "web"}, np.arange(COUNT) * 1.5)
        self.thin("gappy_total", slice(100, 160))
        restarting = np.arange(COUNT) * 2.0
        for stop in (120, 300):
            restarting[stop + 8 :] -= restarting[stop + 8]
        restarting[120], restarting[300] = STALE, STALE
        self.add("restarting_total", {"job": "db", "room": "hall"}, restarting)
        self.thin("restarting_total", slice(121, 128))

    def _gauges(self) -> None:
        steps = np.arange(COUNT)
        for number, room in enumerate(("attic", "cellar", "hall", "porch")):
            wave = 10 * np.sin(steps / (20 + number)) + self.random.normal(0, 1, COUNT)
            self.add("temperature", {"room": room, "floor": str(number % 2)}, wave)
        strange = self.random.normal(0, 5, COUNT)
        strange[50:60], strange[100:110], strange[200:210] = math.nan, math.inf, -math.inf
        self.add("strange", {"room": "attic"}, strange)
        self.add("steps", {"room": "attic"}, np.round(self.random.random(COUNT) * 3))
        self.add("steps", {"room": "hall"}, np.round(self.random.random(COUNT) * 3))
        self.add("ended", {"room": "attic"}, np.full(100, 7.0))
        self.add("third", {"room": "attic"}, np.full(COUNT, 1 / 3))
        self.add("sparse", {"room": "hall"}, steps * 1.0)
        self.thin("sparse", slice(60, 90))
        self.add("huge", {"room": "hall"}, np.tile([1e100, 1.0, -1e100, 1.0], COUNT // 4))
        for number, room in enumerate(("attic", "hall")):
            flapping = np.round(self.random.normal(0, 3, COUNT))
            flapping[self.random.random(COUNT) < 0.15] = STALE
            self.add("flapping", {"room": room, "job": "api"}, flapping, late=number * 777)

    def _histograms(self) -> None:
        bounds = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
        for job in ("api", "web"):
            observed = self.random.poisson(1.5, (len(bounds) + 1, COUNT)).cumsum(axis=0).cumsum(axis=1).astype(float)
            observed -= observed[:, :1]
            for bound, values in zip((*map(str, bounds), "+Inf"), observed, strict=True):
                self.add("latency_seconds_bucket", {"job": job, "le": bound}, values)
            self.add("latency_seconds_count", {"job": job}, observed[-1])
            self.add("latency_seconds_sum", {"job": job}, observed[-1] * 0.3)

    def _odd_histograms(self) -> None:
        for bound, level in (("-1", 2.0), ("0", 5.0), ("1", 4.0), ("+Inf", 9.0)):
            self.add("uneven_bucket", {"le": bound}, np.arange(COUNT) * level)
        for bound in ("1", "2"):
            self.add("topless_bucket", {"le": bound}, np.arange(COUNT) * float(bound))
        # Buckets that come and go, so that a histogram has other bounds from step to step.
        for number, bound in enumerate(("0.1", "1", "1.0", "10", "+Inf", "many")):
            counts = np.arange(COUNT) * float(number + 1)
            counts[self.random.random(COUNT) < 0.2] = STALE
            self.add("mixed_bucket", {"job": "api", "le": bound}, counts)

    def _infos(self) -> None:
        for job, version in (("api", "1.0"), ("web", "2.0"), ("db", "3.0")):
            self.add("build_info", {"job": job, "version": version}, np.ones(240))
            self.add("build_info", {"job": job, "version": version + ".1"}, np.ones(200), first=280)

    def select(self, matchers: Sequence[Matcher], start: int, end: int, **_: object) -> list[SeriesBatch]:
        found: dict[bytes, list[tuple[Labels, IntArray, FloatArray]]] = {}
        for labels, (times, values) in self.series.items():
            if all(matcher.matches(labels.get(matcher.name)) for matcher in matchers):
                inside = (times >= start) & (times <= end)
                found.setdefault(times[inside].tobytes(), []).append((labels, times[inside], values[inside]))
        return [
            SeriesBatch([row[0] for row in rows], rows[0][1], np.stack([row[2] for row in rows]))
            for rows in found.values()
        ]

    def requests(self) -> Iterator[bytes]:
        """Write all samples as the bodies of remote write, a stretch of time each."""
        for first in range(START, START + COUNT * STEP + 60, 600):
            yield _message(self._between(first * 1000, (first + 600) * 1000))

    def _between(self, start: int, end: int) -> Iterator[bytes]:
        for labels, (times, values) in self.series.items():
            inside = (times >= start) & (times < end)
            if inside.any():
                pairs = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
                points = zip(times[inside].tolist(), values[inside], strict=True)
                yield _field(1, b"".join(pairs) + b"".join(_field(2, _sample(at, value)) for at, value in points))


def _message(parts: Iterator[bytes]) -> bytes:
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _sample(at: int, value: np.float64) -> bytes:
    # The bits of the staleness marker are written as they are.
    return b"\x09" + value.tobytes() + b"\x10" + _varint(at)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


class Prometheus:
    """A running Prometheus; ``major`` is its version."""

    def __init__(self, port: int, major: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.major = major

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def store(self, samples: Samples) -> None:
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        for body in samples.requests():
            request = urllib.request.Request(f"{self.url}/api/v1/write", body, headers)
            urllib.request.urlopen(request, timeout=30).close()

    def ask(self, path: str, **parameters: object) -> dict[str, Any]:
        if self.major < 3:
            # What Prometheus 3 calls what it is was called after others before.
            query = str(parameters["query"])
            parameters["query"] = query.replace("double_exponential_smoothing", "holt_winters")
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=30) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.load(error))


@contextmanager
def running(folder: Path, samples: Samples) -> Iterator[Prometheus]:
    """Run the Prometheus that is on the path, with the samples in it."""
    config = folder / "prometheus.yml"
    config.write_text("{}\n")
    version = subprocess.run(["prometheus", "--version"], check=True, capture_output=True, text=True)
    major = int((version.stdout + version.stderr).partition("version ")[2].partition(".")[0])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(folder, config, port, major), stdout=log, stderr=log)
        try:
            peer = Prometheus(port, major)
            until = time.monotonic() + 30
            while not peer.ready():
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
            peer.store(samples)
            yield peer
        finally:
            process.terminate()
            process.wait(timeout=20)


def _command(folder: Path, config: Path, port: int, major: int) -> list[str]:
    newer = ["promql-experimental-functions", "promql-duration-expr"] if major > 2 else ["promql-at-modifier"]
    features = [*newer, "promql-per-step-stats"]
    return [
        "prometheus",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--config.file={config}",
        "--storage.tsdb.retention.time=10y",
        "--web.enable-remote-write-receiver",
        f"--enable-feature={','.join(features)}",
    ]


def theirs(answer: dict[str, Any]) -> Answer:
    """Return what Prometheus answered, by series."""
    result = answer["data"]["result"]
    if answer["data"]["resultType"] == "scalar":
        return {(): [(float(result[0]), float(result[1]))]}
    return {
        tuple(sorted(series["metric"].items())): [
            (float(at), float(value)) for at, value in series.get("values", [series.get("value")])
        ]
        for series in result
    }


def ours(result: QueryResult) -> Answer:
    """Return what our engine answered, by series."""
    match result.value:
        case Scalar(at, value):
            return {(): [(at / 1000, value)]}
        case Vector(labels, at, values):
            return {tuple(key): [(at / 1000, value)] for key, value in zip(labels, values.tolist(), strict=True)}
        case Matrix(labels, steps, values, present):
            return {
                tuple(key): list(zip((steps[there] / 1000).tolist(), row[there].tolist(), strict=True))
                for key, row, there in zip(labels, values, present, strict=True)
            }
        case Ranges(batches):
            return {
                tuple(key): list(zip((batch.timestamps / 1000).tolist(), row.tolist(), strict=True))
                for batch in batches
                for key, row in zip(batch.labels, batch.values, strict=True)
            }
    raise TypeError(result)


Close = Callable[[float, float], bool]


def close(mine: float, wanted: float) -> bool:
    """Say whether two values are the same but for rounding."""
    return math.isclose(mine, wanted, rel_tol=1e-9, abs_tol=1e-11) or (math.isnan(mine) and math.isnan(wanted))


def assert_same(mine: Answer, other: Answer, same: Close = close) -> None:
    """Compare two answers."""
    assert mine.keys() == other.keys()
    for labels, points in other.items():
        assert len(mine[labels]) == len(points), labels
        for (at, value), (wanted_at, wanted) in zip(mine[labels], points, strict=True):
            assert abs(at - wanted_at) < 1e-3, labels
            assert same(value, wanted), (labels, at, value, wanted)
