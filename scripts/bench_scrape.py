"""Scrapes the same targets with Glass Cockpit and with the real Prometheus at once, and compares what that costs.

    python scripts/bench_scrape.py [--targets 50] [--series 1000] [--interval 5] [--duration 90]

One process serves all targets, their pages packed with gzip; from scrape to scrape three per cent of the values change.
Hung targets never answer; lying ones break off, announce wrong lengths, redirect in circles and the like. After a
warm-up both servers are measured over the same time: the CPU of their processes per sample of a good target, their
memory, and when each scrape came. A scrape is late where the gap before it is a tenth longer than the interval.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from servers import Server, free_port, glass, prometheus, running

VERSIONS = 40
CHANGING = 0.03

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
LIES = [
    OK + b"Content-Length: 100\r\n\r\na 1\n",
    OK + b"Content-Length: -5\r\n\r\na 1\n",
    OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\na 1\n",
    OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(b"a 1\n" * 1000)[:20],
    OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na 1\n\r\n",
    OK + b"Content-Length: 12\r\n\r\na 1\nb is one",
    b"HTTP/1.1 302 Found\r\nLocation: /lie/5\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    OK + b"X-Y: z\r\n" * 3000 + b"\r\n",
]


# -- the targets


def pages(series: int) -> list[bytes]:
    """Return answers that follow one another: each differs from the last in a few values."""
    chance = random.Random(1)  # noqa: S311 - chance guards nothing here.
    values = [chance.choice((chance.randrange(10**6), round(chance.random() * 100, 2))) for _ in range(series)]
    answers = []
    for _ in range(VERSIONS):
        for number in chance.sample(range(series), max(1, int(series * CHANGING))):
            values[number] = round(values[number] + chance.randrange(1, 50), 2)
        answers.append(answer(values))
    return answers


def answer(values: list[float]) -> bytes:
    lines = []
    for number, value in enumerate(values):
        if number % 50 == 0:
            lines.append(f"# HELP app_metric_{number // 50}_total What this counts.")
            lines.append(f"# TYPE app_metric_{number // 50}_total counter")
        labels = f'code="{number % 5}00",handler="/api/v1/things/{number % 50}",method="GET"'
        lines.append(f"app_metric_{number // 50}_total{{{labels}}} {value}")
    body = gzip.compress("\n".join([*lines, ""]).encode(), 6)
    return OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Targets:
    """Serves every target, and remembers when whom was asked by whom."""

    def __init__(self, series: int) -> None:
        self._pages = pages(series)
        self._asked: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    async def run(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                _, kind, *number = head.split()[1].split("/")
                if kind == "hang":
                    await asyncio.sleep(3600)
                writer.write(self._answer(kind, number, head))
                await writer.drain()
                if kind == "lie":
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, kind: str, number: list[str], head: str) -> bytes:
        if kind == "report":
            body = json.dumps(self._asked).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        if kind == "lie":
            return LIES[int(number[0]) % len(LIES)]
        who = "ours" if "glass-cockpit" in head else "theirs"
        times = self._asked[who][number[0]]
        times.append(time.time())
        return self._pages[len(times) % VERSIONS]


@contextmanager
def generator(series: int) -> Iterator[int]:
    """Serve targets of so many series each, in a process of its own, and return its port."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--generate", "--series", str(series)], stdout=subprocess.PIPE
    )
    try:
        yield int(process.stdout.readline())  # type: ignore[union-attr]
    finally:
        process.kill()
        process.wait()


def config(port: int, wanted: argparse.Namespace) -> str:
    """Return a ``prometheus.yml`` with all targets, each at a path of the one server."""
    jobs = []
    for job, kind, count in (
        ("good", "t", wanted.targets),
        ("hung", "hang", wanted.hung),
        ("lying", "lie", wanted.lying),
    ):
        groups = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"number": str(n), "__metrics_path__": f"/{kind}/{n}"}}
            for n in range(count)
        ]
        jobs.append({"job_name": job, "static_configs": groups})
    interval = f"{wanted.interval}s"
    return json.dumps({"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": jobs})


# -- the servers


def commands(folder: Path, file: Path, wanted: argparse.Namespace) -> Iterator[tuple[str, int, list[str], Path]]:
    """Yield what starts each server."""
    ours, theirs = free_port(), free_port()
    yield "ours", ours, glass(file, folder / "ours", ours), folder / "ours.log"
    command = prometheus(file, folder / "theirs", theirs, binary=wanted.prometheus)
    yield "theirs", theirs, command, folder / "theirs.log"


# -- what is measured


@dataclass(frozen=True)
class Scrapes:
    """The scrapes of some targets over some time, and the seconds between those that follow one another."""

    count: int
    gaps: list[float]

    @classmethod
    def between(cls, asked: Iterable[list[float]], begun: float, end: float) -> Scrapes:
        times = [[each for each in of_one if begun <= each <= end] for of_one in asked]
        gaps = [later - one for of_one in times for one, later in pairwise(of_one)]
        return cls(sum(map(len, times)), gaps)

    def missed(self, interval: float) -> int:
        """Return how many scrapes are not there at all."""
        return sum(round(gap / interval) - 1 for gap in self.gaps if gap > interval * 1.5)


def asked_times(port: int) -> dict[str, dict[str, list[float]]]:
    """Return when whom was asked by whom: the seconds since 1970 of each scrape, by server and target."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/report", timeout=30) as reply:
        found: dict[str, dict[str, list[float]]] = json.load(reply)
        return found


@dataclass
class Figures:
    """What one server did over the time of the measurement."""

    cpu: float
    memory: int
    scrapes: int
    late: int
    missed: int
    longest: float
    up: float

    def per_sample(self, series: int) -> float:
        """Return the microseconds of CPU for a sample of a good target."""
        return self.cpu / max(1, self.scrapes * series) * 1e6


def measure(found: list[Server], port: int, wanted: argparse.Namespace) -> dict[str, Figures]:
    begun, before = time.time(), [server.cpu() for server in found]
    highest = [0] * len(found)
    while time.time() < begun + wanted.duration:
        time.sleep(1)
        highest = [max(known, server.memory()) for known, server in zip(highest, found, strict=True)]
    after, end = [server.cpu() for server in found], time.time()
    asked = asked_times(port)
    figures = {}
    for server, cpu_before, cpu_after, memory in zip(found, before, after, highest, strict=True):
        scrapes = Scrapes.between(asked[server.name].values(), begun, end)
        ups = server.ask(f'min(min_over_time(up{{job="good"}}[{wanted.duration}s]))')
        figures[server.name] = Figures(
            cpu=cpu_after - cpu_before,
            memory=memory,
            scrapes=scrapes.count,
            late=sum(gap > wanted.interval * 1.1 for gap in scrapes.gaps),
            missed=scrapes.missed(wanted.interval),
            longest=max(scrapes.gaps, default=0.0),
            up=float(ups[0]["value"][1]) if ups else float("nan"),
        )
    return figures


def show(figures: dict[str, Figures], wanted: argparse.Namespace) -> None:
    print(
        f"{'':8}{'CPU s':>8}{'us/sample':>11}{'MiB':>7}{'scrapes':>9}{'late':>6}{'missed':>8}{'gap s':>8}{'min up':>8}"
    )
    for name, each in figures.items():
        print(
            f"{name:8}{each.cpu:8.2f}{each.per_sample(wanted.series):11.3f}{each.memory / 2**20:7.0f}{each.scrapes:9}"
            f"{each.late:6}{each.missed:8}{each.longest:8.3f}{each.up:8.0f}"
        )
    ours, theirs = figures["ours"], figures["theirs"]
    cpu, memory = ours.per_sample(wanted.series) / theirs.per_sample(wanted.series), ours.memory / theirs.memory
    print(f"ours / theirs: CPU per sample {cpu:.2f}, memory {memory:.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=50)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--interval", type=int, default=5, help="seconds")
    parser.add_argument("--warm-up", type=int, default=20, help="seconds before the measurement")
    parser.add_argument("--duration", type=int, default=90, help="seconds of the measurement")
    parser.add_argument("--hung", type=int, default=30, help="targets that never answer")
    parser.add_argument("--lying", type=int, default=10, help="targets with broken answers")
    parser.add_argument("--prometheus", default=shutil.which("prometheus"), help="the binary to compare with")
    parser.add_argument("--generate", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    if wanted.generate:
        asyncio.run(Targets(wanted.series).run())
        return
    if wanted.prometheus is None:
        raise SystemExit("there is no prometheus to compare with")
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        port = undo.enter_context(generator(wanted.series))
        file = folder / "prometheus.yml"
        file.write_text(config(port, wanted), encoding="utf-8")
        found = [undo.enter_context(running(*each)) for each in commands(folder, file, wanted)]
        time.sleep(wanted.warm_up)
        show(measure(found, port, wanted), wanted)


if __name__ == "__main__":
    main()
