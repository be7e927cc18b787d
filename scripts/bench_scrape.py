"""Scrapes the same targets with Glass Cockpit and with the real Prometheus at once, and compares what that costs.

    python scripts/bench_scrape.py [--targets 50] [--series 1000] [--interval 5] [--duration 90]

One process serves all targets, their pages packed with gzip; from scrape to scrape three per cent of the values change.
Hung targets never answer; lying ones break off, announce wrong lengths, redirect in circles and the like. After a
warm-up both servers are measured over the same time: the CPU of their processes per sample of a good target, their
memory, and when each scrape came. A scrape is late where the gap before it is a tenth longer than the interval.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from scrape_load import Punctuality, prometheus_config, punctuality, serving
from servers import Server, free_port, glass, prometheus, running


def servers(folder: Path, file: Path, wanted: argparse.Namespace) -> list[tuple[str, int, list[str], Path]]:
    ours, theirs = free_port(), free_port()
    lengths = []
    if wanted.block_length:
        (folder / "cockpit.yml").write_text(f"block_length: {wanted.block_length}\n", encoding="utf-8")
        lengths = [f"--storage.tsdb.{which}-block-duration={wanted.block_length}" for which in ("min", "max")]
    their_command = prometheus(file, folder / "theirs", theirs, *lengths, binary=wanted.prometheus)
    return [
        ("ours", ours, glass(file, folder / "ours", ours), folder / "ours.log"),
        ("theirs", theirs, their_command, folder / "theirs.log"),
    ]


@dataclass
class Figures:
    """What one server did over the time of the measurement."""

    cpu: float
    memory: int
    scraped: Punctuality
    up: float

    def per_sample(self, series: int) -> float:
        """Return the microseconds of CPU for a sample of a good target."""
        return self.cpu / max(1, self.scraped.scrapes * series) * 1e6


def measure(found: list[Server], port: int, wanted: argparse.Namespace) -> dict[str, Figures]:
    begun, before = time.time(), [server.cpu() for server in found]
    highest = [0] * len(found)
    while time.time() < begun + wanted.duration:
        time.sleep(1)
        highest = [max(known, server.memory()) for known, server in zip(highest, found, strict=True)]
    after, end = [server.cpu() for server in found], time.time()
    figures = {}
    for server, cpu_before, cpu_after, memory in zip(found, before, after, highest, strict=True):
        ups = server.ask(f'min(min_over_time(up{{job="good"}}[{wanted.duration}s]))')
        figures[server.name] = Figures(
            cpu=cpu_after - cpu_before,
            memory=memory,
            scraped=punctuality(port, server.name, begun, end, wanted.interval),
            up=float(ups[0]["value"][1]) if ups else float("nan"),
        )
    return figures


def show(figures: dict[str, Figures], wanted: argparse.Namespace) -> None:
    print(
        f"{'':8}{'CPU s':>8}{'us/sample':>11}{'MiB':>7}{'scrapes':>9}{'late':>6}{'missed':>8}{'gap s':>8}{'min up':>8}"
    )
    for name, each in figures.items():
        cost, scraped = each.per_sample(wanted.series), each.scraped
        print(
            f"{name:8}{each.cpu:8.2f}{cost:11.3f}{each.memory / 2**20:7.0f}{scraped.scrapes:9}"
            f"{scraped.late:6}{scraped.missed:8}{scraped.longest:8.3f}{each.up:8.0f}"
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
    parser.add_argument("--block-length", help="of both servers' youngest blocks, such as 5m; two hours if not given")
    parser.add_argument("--prometheus", default=shutil.which("prometheus"), help="the binary to compare with")
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    if wanted.prometheus is None:
        raise SystemExit("there is no prometheus to compare with")
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        port = undo.enter_context(serving(wanted.series))
        counts = {"good": wanted.targets, "hung": wanted.hung, "lying": wanted.lying}
        file = folder / "prometheus.yml"
        file.write_text(prometheus_config(port, wanted.interval, counts), encoding="utf-8")
        found = [undo.enter_context(running(*each)) for each in servers(folder, file, wanted)]
        time.sleep(wanted.warm_up)
        show(measure(found, port, wanted), wanted)


if __name__ == "__main__":
    main()
