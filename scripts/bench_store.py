"""Measures the store beside Prometheus and VictoriaMetrics: bytes a sample, import, decoding and scans.

    python scripts/bench_store.py [--days N] [--only ours|prometheus|victoria ...]

All get the same samples (``bench_data.py``), 30 days of 120 series unless said otherwise. Times are processor time, of
the process itself and its children; sizes are what lies on disk after everything was closed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench_data
import numpy as np
from prometheus_client import CollectorRegistry
from servers import free_port, running

from dashboard.database import Database
from dashboard.model.samples import SeriesBatch
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations
from dashboard.storage.openmetrics_import import import_openmetrics

_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What one engine needed."""

    bytes: int
    import_seconds: float


def main() -> None:
    options = _options()
    print(f"{options.days:g} days", flush=True)
    batches = list(bench_data.batches(options.days))
    samples = sum(batch.values.size for batch in batches)
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="bench-store-", dir=options.dir) as name:
        root = Path(name)
        for engine, measure in ENGINES.items():
            if engine in options.only:
                directory = root / engine
                directory.mkdir()
                figures[engine] = measure(batches, directory)
                _report(engine, figures[engine], samples)
    _ratios(figures, samples)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--dir", type=Path, help="where temporary files go")
    parser.add_argument("--only", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    return parser.parse_args()


def _report(engine: str, figures: Figures, samples: int) -> None:
    print(
        f"{engine:12} {figures.bytes / samples:6.3f} bytes a sample ({figures.bytes / 2**20:.1f} MiB), "
        f"import {figures.import_seconds:6.2f} CPU s, {figures.import_seconds / samples * 1e9:6.0f} ns a sample",
        flush=True,
    )


def _ratios(figures: dict[str, Figures], samples: int) -> None:
    ours = figures.get("ours")
    for engine, theirs in figures.items():
        if ours and engine != "ours":
            print(
                f"ours / {engine}: size {ours.bytes / theirs.bytes:.2f}, "
                f"import {ours.import_seconds / theirs.import_seconds:.2f}"
            )
    print(f"{samples} samples")


# Ours


def _measure_ours(batches: Sequence[SeriesBatch], directory: Path) -> Figures:
    end = int(batches[0].timestamps[-1])
    text = directory.with_suffix(".om")
    bench_data.write_openmetrics(text, batches)
    began = _own_seconds()
    with text.open("rb") as file:
        _with_store(directory, end, lambda storage: import_openmetrics(storage, file, end))
    imported = _own_seconds() - began
    _with_store(directory, end, lambda storage: storage.upkeep(end + 1))
    print(f"{'':12} compaction {_own_seconds() - began - imported:.2f} CPU s")
    _with_store(directory, end, lambda storage: _scan(storage, batches))
    return Figures(_disk_bytes(directory), imported)


def _scan(storage: Storage, batches: Sequence[SeriesBatch]) -> None:
    first, last = int(batches[0].timestamps[0]), int(batches[0].timestamps[-1])
    for hours in (24, 240):
        before, peak = _own_seconds(), _peak_bytes()
        samples = 0
        for start in range(first, last, hours * _HOUR):
            found = storage.select([], start, min(start + hours * _HOUR - 1, last))
            samples += sum(batch.values.size for batch in found)
            if hours == 240:
                began = _own_seconds()
                _check(found, batches)
                before += _own_seconds() - began
            del found
        seconds = _own_seconds() - before
        print(
            f"{'':12} all samples read {hours} h at a time: {samples / seconds / 1e6:.0f} M samples/s, "
            f"peak {peak / 2**20:.0f} -> {_peak_bytes() / 2**20:.0f} MiB",
            flush=True,
        )


def _check(found: Sequence[SeriesBatch], batches: Sequence[SeriesBatch]) -> None:
    """Compare what was read with what was written, bit for bit."""
    wanted = {labels: (batch, row) for batch in batches for row, labels in enumerate(batch.labels)}
    for batch in found:
        for labels, values in zip(batch.labels, batch.values, strict=True):
            original, row = wanted[labels]
            places = np.searchsorted(original.timestamps, batch.timestamps)
            if not np.array_equal(original.values[row, places].view(np.uint64), values.view(np.uint64)):
                sys.exit(f"{labels} came back different")


def _with_store(directory: Path, now: int, work: Callable[[Storage], object]) -> None:
    database = Database.open(directory, [migrations])
    storage = Storage(database, registry=CollectorRegistry(), clock=lambda: now, retention=10**13)
    storage.open()
    work(storage)
    storage.close()
    database.close()


# The others


def _measure_prometheus(batches: Sequence[SeriesBatch], directory: Path) -> Figures:
    file, blocks = directory / "samples.om", directory / "blocks"
    bench_data.write_openmetrics(file, batches)
    before = _children_seconds()
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=240h"]
    subprocess.run([*command, str(file), str(blocks)], check=True, stdout=subprocess.DEVNULL)
    return Figures(_disk_bytes(blocks), _children_seconds() - before)


def _measure_victoria(batches: Sequence[SeriesBatch], directory: Path) -> Figures:
    file, data = directory / "samples.txt", directory / "data"
    bench_data.write_text(file, batches)
    before = _children_seconds()
    port = free_port()
    options = [f"-storageDataPath={data}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    command = ["victoria-metrics", *options, "-loggerLevel=ERROR"]
    with running("victoria", port, command, directory / "log") as server:
        server.wait("/health")
        with file.open("rb") as body:
            request = urllib.request.Request(f"{server.url}/api/v1/import/prometheus", body, method="POST")  # noqa: S310
            request.add_header("Content-Length", str(file.stat().st_size))
            urllib.request.urlopen(request, timeout=3600).close()  # noqa: S310 - our own server on loopback.
        for step in ("force_flush", "force_merge"):
            urllib.request.urlopen(f"{server.url}/internal/{step}", timeout=600).close()  # noqa: S310
        time.sleep(5)
    return Figures(_disk_bytes(data), _children_seconds() - before)


def _disk_bytes(directory: Path) -> int:
    """Return the bytes of all files below a directory."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def _own_seconds() -> float:
    return time.process_time()


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_bytes() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


ENGINES: dict[str, Callable[[Sequence[SeriesBatch], Path], Figures]] = {
    "ours": _measure_ours,
    "prometheus": _measure_prometheus,
    "victoria": _measure_victoria,
}

if __name__ == "__main__":
    os.environ.setdefault("GOMAXPROCS", "2")
    main()
