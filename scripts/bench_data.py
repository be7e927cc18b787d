"""The set of samples that the benchmarks share: four targets of thirty series each, every 15 seconds, always the same.

A target has ten counters of very different rates, eight gauges of two to four digits and a histogram of ten buckets
with its sum and count. Load follows the hour of the day; each target restarts now and then, and its counters begin at
zero again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import FloatArray, IntArray, SeriesBatch

START = 1_767_225_600_000  # 2026-01-01, in milliseconds.
INTERVAL = 15_000
_DAY = 86_400_000
_TARGETS = 4
_RESTART_DAYS = 9
_ROUTES = (
    "/",
    "/login",
    "/items",
    "/items/:id",
    "/cart",
    "/search",
    "/api/orders",
    "/api/stock",
    "/static",
    "/metrics",
)
_RATES = (0.02, 0.1, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")
_SHARES = (0.02, 0.08, 0.25, 0.3, 0.2, 0.1, 0.03, 0.015, 0.004, 0.001)
_GAUGES = (
    # Name, lowest, highest, step of the random walk, decimal places.
    ("jobs_in_queue", 0, 99, 2.0, 0),
    ("workers_busy", 1, 64, 1.0, 0),
    ("sessions_open", 100, 999, 4.0, 0),
    ("cache_entries", 1000, 9999, 15.0, 0),
    ("cpu_percent", 0, 100, 1.5, 1),
    ("temperature_celsius", 30, 90, 0.15, 1),
    ("memory_megabytes", 200, 4000, 3.0, 0),
    ("disk_free_percent", 10, 99, 0.004, 2),
)


def batches(days: float) -> Iterator[SeriesBatch]:
    """Yield one batch a target."""
    for target in range(_TARGETS):
        yield _target(target, days)


def text_lines(every: Sequence[SeriesBatch], *, divide_times: int) -> Iterator[str]:
    """Yield pages of lines, metric by metric and series by series; times are milliseconds over ``divide_times``."""
    metrics: dict[str, list[tuple[SeriesBatch, int]]] = {}
    for batch in every:
        for row, labels in enumerate(batch.labels):
            metrics.setdefault(labels.metric_name, []).append((batch, row))
    for members in metrics.values():
        for batch, row in members:
            prefix = _sample_name(batch.labels[row])
            times = (batch.timestamps // divide_times).tolist()
            values = [int(value) if value.is_integer() else value for value in batch.values[row].tolist()]
            yield "".join([f"{prefix} {value} {time}\n" for value, time in zip(values, times, strict=True)])


def write_openmetrics(file: Path, every: Sequence[SeriesBatch]) -> None:
    """Write what ``promtool tsdb create-blocks-from openmetrics`` takes."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(text_lines(every, divide_times=1000))
        out.write("# EOF\n")


def write_text(file: Path, every: Sequence[SeriesBatch]) -> None:
    """Write the text format with timestamps, as VictoriaMetrics imports it."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(text_lines(every, divide_times=1))


def _sample_name(labels: Labels) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels if name != "__name__")
    return f"{labels.metric_name}{{{inner}}}"


def _target(target: int, days: float) -> SeriesBatch:
    chance = np.random.default_rng(1000 + target)
    times = START + np.arange(round(days * _DAY / INTERVAL), dtype=np.int64) * INTERVAL
    own = {"job": "shop", "instance": f"10.0.0.{target + 1}:8000"}
    load = _load(times, target)
    restarts = _restarts(times, target)
    rows: list[tuple[dict[str, str], FloatArray]] = []
    for route, rate in zip(_ROUTES, _RATES, strict=True):
        labels = {"__name__": "http_requests_total", "method": "GET", "route": route, "status": "200", **own}
        rows.append((labels, _counter(chance.poisson(rate * INTERVAL / 1000 * load), restarts)))
    for name, lowest, highest, step, places in _GAUGES:
        rows.append(
            (
                {"__name__": name, **own},
                _walk(chance, len(times), lowest=lowest, highest=highest, step=step, places=places),
            )
        )
    rows += _histogram(chance, load, restarts, own)
    return SeriesBatch([Labels.of(labels) for labels, _ in rows], times, np.stack([values for _, values in rows]))


def _load(times: IntArray, target: int) -> FloatArray:
    hours = times / 3_600_000
    load: FloatArray = 1 + 0.6 * np.sin((hours - 9 + target) * np.pi / 12) + 0.1 * np.sin(hours * 7)
    return load


def _restarts(times: IntArray, target: int) -> FloatArray:
    """Mark the first sample after each restart."""
    marks: FloatArray = np.zeros(len(times))
    every = _RESTART_DAYS * _DAY // INTERVAL
    marks[every * (target + 1) // _TARGETS :: every] = 1
    return marks


def _counter(steps: IntArray | FloatArray, restarts: FloatArray) -> FloatArray:
    total = np.cumsum(steps, dtype=np.float64)
    before = np.where(restarts > 0, total - steps, 0.0)
    value: FloatArray = total - np.maximum.accumulate(before)
    return value


def _walk(
    chance: np.random.Generator, count: int, *, lowest: float, highest: float, step: float, places: int
) -> FloatArray:
    """Walk at random between two walls that throw back."""
    span = highest - lowest
    free = np.cumsum(chance.normal(0, step, count)) + span / 2
    folded = np.abs((free + span) % (2 * span) - span)
    value: FloatArray = np.round(lowest + folded, places)
    return value


def _histogram(
    chance: np.random.Generator, load: FloatArray, restarts: FloatArray, own: dict[str, str]
) -> list[tuple[dict[str, str], FloatArray]]:
    name = "http_request_duration_seconds"
    counts = np.stack([chance.poisson(20 * INTERVAL / 1000 * share * load) for share in _SHARES])
    rows = []
    for bound, steps in zip(_BOUNDS, np.cumsum(counts, axis=0), strict=True):
        rows.append(({"__name__": f"{name}_bucket", "le": bound, **own}, _counter(steps, restarts)))
    means = np.array([0.003, 0.007, 0.017, 0.035, 0.07, 0.16, 0.35, 0.7, 1.6, 3.5])
    spent = (counts * means[:, None]).sum(axis=0) * chance.normal(1, 0.01, len(load))
    micros = np.round(spent * 1e6)
    rows.append(({"__name__": f"{name}_sum", **own}, _counter(micros, restarts) / 1e6))
    rows.append(({"__name__": f"{name}_count", **own}, _counter(counts.sum(axis=0), restarts)))
    return rows
