"""Targets on loopback, and the servers that scrape them: what the benchmark and the soak share.

    python scripts/scrape_load.py [--series 1000] [--churn 0]

serves every target at a path of one port, which it prints: ``/t/0``, ``/t/1`` and so on with pages packed by gzip, of
whose values three per cent change from scrape to scrape; ``/hang/0`` never answers, and ``/lie/0`` and further ones
break off, announce wrong lengths, redirect in circles and the like. ``--churn`` is the share of series that others
replace with each scrape. ``/report`` tells when which server asked for which target.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gzip
import json
import random
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = 40
CHANGING = 0.03
PATHS = {"good": "t", "hung": "hang", "lying": "lie"}
"""Where the targets of each job are."""
LATE = 1.1
"""A scrape is late where the gap before it is so many times the interval."""

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


class Pages:
    """Answers that follow one another: each differs from the last in a few values, and in some series with churn."""

    def __init__(self, series: int, churn: float) -> None:
        self._replaced = series * churn
        self._versions = list(_versions(series))
        self.answer = functools.lru_cache(maxsize=VERSIONS)(self._answer)

    def _answer(self, asked: int) -> bytes:
        """Return the answer to who has asked so often before."""
        # Without churn the answers repeat, and are made once.
        values, replaced = self._versions[asked % VERSIONS], int(asked * self._replaced)
        lines = []
        for number, value in enumerate(values):
            if number % 50 == 0:
                lines.append(f"# HELP app_metric_{number // 50}_total What this counts.")
                lines.append(f"# TYPE app_metric_{number // 50}_total counter")
            generation = 1 + (replaced + len(values) - 1 - number) // len(values)
            labels = f'code="{number % 5}00",handler="/api/v{generation}/things/{number % 50}",method="GET"'
            lines.append(f"app_metric_{number // 50}_total{{{labels}}} {value}")
        body = gzip.compress("\n".join([*lines, ""]).encode(), 6)
        return OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _versions(series: int) -> Iterator[Sequence[float]]:
    chance = random.Random(1)  # noqa: S311 - chance guards nothing here.
    values = [chance.choice((chance.randrange(10**6), round(chance.random() * 100, 2))) for _ in range(series)]
    for _ in range(VERSIONS):
        for number in chance.sample(range(series), max(1, int(series * CHANGING))):
            values[number] = round(values[number] + chance.randrange(1, 50), 2)
        yield tuple(values)


class Targets:
    """Serves every target, and remembers when whom was asked by whom."""

    def __init__(self, pages: Pages, churning: bool) -> None:
        self._pages = pages
        self._churning = churning
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
        return self._pages.answer(len(times) if self._churning else len(times) % VERSIONS)


@contextmanager
def serving(series: int, churn: float = 0.0) -> Iterator[int]:
    """Serve targets in a process of their own; return the port."""
    command = [sys.executable, __file__, "--series", str(series), "--churn", str(churn)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield int(process.stdout.readline())  # type: ignore[union-attr]
        finally:
            process.kill()


def prometheus_config(port: int, interval: int, counts: Mapping[str, int]) -> str:
    """Return a ``prometheus.yml`` with so many targets of a job, each at a path of the one server."""
    jobs = []
    for job, count in counts.items():
        groups = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"number": str(n), "__metrics_path__": f"/{PATHS[job]}/{n}"}}
            for n in range(count)
        ]
        jobs.append({"job_name": job, "static_configs": groups})
    every = {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s"}
    return json.dumps({"global": every, "scrape_configs": jobs})


# -- when they were scraped


@dataclass(frozen=True)
class Punctuality:
    """How well a server has kept to the interval."""

    scrapes: int
    late: int
    missed: int
    longest: float
    """The longest gap between two scrapes of a target, in seconds."""


def punctuality(port: int, who: str, begun: float, end: float, interval: float) -> Punctuality:
    """Return how ``ours`` or ``theirs`` scraped the targets of a port between two times."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/report", timeout=30) as reply:
        asked = json.load(reply)[who]
    times = [[each for each in of_one if begun <= each <= end] for of_one in asked.values()]
    gaps = [later - one for of_one in times for one, later in pairwise(of_one)]
    return Punctuality(
        scrapes=sum(map(len, times)),
        late=sum(gap > interval * LATE for gap in gaps),
        missed=sum(round(gap / interval) - 1 for gap in gaps if gap > interval * 1.5),
        longest=max(gaps, default=0.0),
    )


# -- the servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--churn", type=float, default=0.0, help="the share of series replaced with each scrape")
    wanted = parser.parse_args()
    asyncio.run(Targets(Pages(wanted.series, wanted.churn), wanted.churn > 0).run())


if __name__ == "__main__":
    main()
