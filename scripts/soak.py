"""Runs the server for an hour under scrapes whose series come and go, and tells whether it grows.

    python scripts/soak.py [--duration 3600] [--targets 50] [--series 1000] [--interval 5] [--churn 0.1]

Blocks cover minutes and samples are kept for minutes, so that an hour holds what takes days otherwise: a compaction
each block, the rule that keeps ``up`` longer than all else, merging, and series forgotten. Meanwhile a query reads back
what was stored. Memory, threads, files and sizes are noted again and again; the slope of the memory over the second
half is that of a line through all of its figures (least squares).
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scrape_load import prometheus_config, punctuality, serving
from servers import Server, free_port, glass, running

_HOUR = 3600
_COUNTERS = (
    "prometheus_tsdb_compactions_total",
    "prometheus_tsdb_compactions_failed_total",
    "glass_storage_merges_total",
    "prometheus_tsdb_time_retentions_total",
    "glass_storage_retention_samples_total",
    "prometheus_tsdb_head_series_removed_total",
    "prometheus_tsdb_head_samples_appended_total",
    "prometheus_tsdb_out_of_order_samples_total",
    "glass_journal_commit_failures_total",
    "glass_journal_dropped_records_total",
    "glass_storage_damaged_places",
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_blocks_loaded",
)


@dataclass(frozen=True)
class Note:
    """What the process holds at one moment, so many seconds after the start. Sizes are MiB."""

    time: float
    memory: float
    files: int
    threads: int
    database: float
    log: float
    cpu: float

    def __str__(self) -> str:
        """Show all figures in one line."""
        return (
            f"{self.time:7.0f} s  {self.memory:7.1f} MiB  {self.files:4} files  {self.threads:3} threads  "
            f"{self.database:7.1f} MiB database  {self.log:6.1f} MiB log  {self.cpu:7.1f} s CPU"
        )


def note(server: Server, data: Path, begun: float) -> Note:
    (process,) = server.tree()
    return Note(
        time=time.monotonic() - begun,
        memory=server.memory() / 2**20,
        files=process.num_fds(),
        threads=process.num_threads(),
        database=data.stat().st_size / 2**20,
        log=data.with_name(data.name + "-wal").stat().st_size / 2**20,
        cpu=server.cpu(),
    )


def read_back(server: Server) -> None:
    """Ask for twenty minutes of one metric of every target, as a page does."""
    now = time.time()
    asked = {"query": "sum(rate(app_metric_0_total[1m]))", "start": now - 1200, "end": now, "step": 15}
    url = f"http://127.0.0.1:{server.port}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(url, timeout=30) as reply:
        json.load(reply)


def counters(server: Server) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as reply:
        page = reply.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", page, re.MULTILINE) if name in _COUNTERS}


def slope(notes: Sequence[Note], figure: Callable[[Note], float]) -> float:
    """Return by how much a figure rises an hour over some notes."""
    times = np.array([each.time for each in notes])
    return float(np.polyfit(times / _HOUR, [figure(each) for each in notes], 1)[0])


def watch(server: Server, data: Path, wanted: argparse.Namespace) -> list[Note]:
    begun, notes = time.monotonic(), list[Note]()
    while time.monotonic() < begun + wanted.duration:
        time.sleep(wanted.every)
        read_back(server)
        notes.append(note(server, data, begun))
        print(notes[-1], flush=True)
    return notes


def show(notes: Sequence[Note], wanted: argparse.Namespace) -> None:
    half = [each for each in notes if each.time >= wanted.duration / 2]
    print("over the second half:")
    print(f"  memory {slope(half, lambda each: each.memory):+.2f} MiB an hour", end="")
    print(f", {min(each.memory for each in half):.1f} to {max(each.memory for each in half):.1f} MiB")
    print(f"  database {slope(half, lambda each: each.database):+.2f} MiB an hour", end="")
    print(f", {min(each.database for each in half):.1f} to {max(each.database for each in half):.1f} MiB")
    print(f"  log at most {max(each.log for each in notes):.1f} MiB")
    print(f"  files {min(each.files for each in half)} to {max(each.files for each in half)}", end="")
    print(f", threads {min(each.threads for each in half)} to {max(each.threads for each in half)}")
    cpu = (half[-1].cpu - half[0].cpu) / (half[-1].time - half[0].time)
    print(f"  CPU {cpu:.3f} of a core, {cpu / wanted.targets / wanted.series * wanted.interval * 1e6:.2f} us a sample")


def write_config(folder: Path, port: int, wanted: argparse.Namespace) -> Path:
    file = folder / "prometheus.yml"
    file.write_text(prometheus_config(port, wanted.interval, {"good": wanted.targets}), encoding="utf-8")
    # Blocks are merged up to a third of what is kept longest.
    rules = [{"match": "up", "keep": wanted.keep_up}]
    settings = {"block_length": wanted.block_length, "retention": rules}
    (folder / "cockpit.yml").write_text(json.dumps(settings), encoding="utf-8")
    return file


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duration", type=int, default=_HOUR, help="seconds")
    parser.add_argument("--every", type=float, default=10, help="seconds from note to note")
    parser.add_argument("--targets", type=int, default=50)
    parser.add_argument("--series", type=int, default=1000, help="of each target")
    parser.add_argument("--interval", type=int, default=5, help="seconds")
    parser.add_argument("--churn", type=float, default=0.1, help="the share of series replaced in an hour")
    parser.add_argument("--block-length", default="5m")
    parser.add_argument("--retention", default="15m")
    parser.add_argument("--keep-up", default="90m", help="how long the series up are kept")
    return parser.parse_args()


def main() -> None:
    wanted = arguments()
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="soak")))
        targets = undo.enter_context(serving(wanted.series, wanted.churn * wanted.interval / _HOUR))
        file, data, port = write_config(folder, targets, wanted), folder / "data", free_port()
        command = [*glass(file, data, port), "--retention", wanted.retention]
        server = undo.enter_context(running("ours", port, command, folder / "ours.log"))
        time.sleep(5)
        begun = time.time()
        notes = watch(server, data / "cockpit.db", wanted)
        show(notes, wanted)
        print(punctuality(targets, "ours", begun, time.time(), wanted.interval))
        for name, value in counters(server).items():
            print(f"{name} {value:.0f}")


if __name__ == "__main__":
    main()
