"""Metrics under the names of PromLabs's demo service, which its compliance queries ask for; always the same samples.

Three instances are scraped every 5 seconds. Each restarts once, so that its counters begin anew; each is away for a
while, one for longer than Prometheus looks back; and one metric comes and goes. No sample lies at a multiple of 10
seconds, nor at a fraction of a second: ranges that end there have none on their edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray, IntArray, SeriesBatch

START = 1_767_225_600_000  # 2026-01-01, in milliseconds.
INTERVAL = 5_000
LENGTH = 3 * 3_600_000
"""How long the samples go on."""

_COUNT = LENGTH // INTERVAL
# Seconds before the end: of 3 hours, so that an hour's range and ten minutes' offset still find what happened.
_RESTARTS = (1_100, 4_000, 250)
_ABSENCES = ((900, 40), (1_500, 420), (3_000, 12))
_ON, _OFF = 70_000, 430_000
_BOUNDS = ("0.0001", "0.0005", "0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "+Inf")
_PATHS = (
    ("GET", "/api/foo", "200"),
    ("GET", "/api/foo", "500"),
    ("POST", "/api/bar", "200"),
    ("GET", "/api/nope", "404"),
)

_Row = tuple[dict[str, str], FloatArray]


def batches() -> Iterator[SeriesBatch]:
    """Yield the series of each instance, and apart from them the one that comes and goes."""
    for number in range(len(_RESTARTS)):
        instance = _Instance.of(number)
        rows = [*_gauges(instance), *_counters(instance), *_histograms(instance)]
        yield _batch(instance, rows, _is_there(instance.times, number))
        at_times = instance.times % (_ON + _OFF) < _ON
        yield _batch(instance, [({"__name__": "demo_intermittent_metric"}, np.ones(_COUNT))], at_times)


@dataclass(frozen=True, slots=True)
class _Instance:
    """One instance of the service: when it is scraped (int64[T]), and what happens by chance in it."""

    name: str
    times: IntArray
    restart: int
    """The sample with which its counters begin anew."""
    chance: np.random.Generator

    @classmethod
    def of(cls, number: int) -> _Instance:
        times = START + (number + 1) * 1000 + np.arange(_COUNT, dtype=np.int64) * INTERVAL
        restart = _COUNT - _RESTARTS[number] * 1000 // INTERVAL
        return cls(f"demo.promlabs.com:{10_000 + number}", times, restart, np.random.default_rng(number))

    def counter(self, steps: FloatArray | IntArray) -> FloatArray:
        """Add up what is counted in each interval; nothing is left of it after the restart."""
        total = np.cumsum(steps, dtype=np.float64)
        total[self.restart :] -= total[self.restart]
        return total


def _is_there(times: IntArray, number: int) -> BoolArray:
    before_end, length = _ABSENCES[number]
    gone = START + LENGTH - before_end * 1000
    return ~((times >= gone) & (times < gone + length * 1000))


def _batch(instance: _Instance, rows: list[_Row], there: BoolArray) -> SeriesBatch:
    own = {"instance": instance.name, "job": "demo"}
    labels = [Labels.of({**own, **each}) for each, _ in rows]
    return SeriesBatch(labels, instance.times[there], np.stack([values for _, values in rows])[:, there])


def _gauges(instance: _Instance) -> Iterator[_Row]:
    chance = instance.chance
    for kind, size in (("used", 3.2e9), ("cached", 1.9e9), ("buffers", 4.4e8), ("free", 9.6e8)):
        noise = np.cumsum(chance.normal(0, size / 2000, _COUNT))
        yield {"__name__": "demo_memory_usage_bytes", "type": kind}, np.round(size + noise)
    yield {"__name__": "demo_num_cpus"}, np.full(_COUNT, 4.0)
    yield {"__name__": "demo_disk_total_bytes"}, np.full(_COUNT, 2.6e11)
    yield {"__name__": "demo_disk_usage_bytes"}, np.round(1.1e11 + np.cumsum(chance.normal(2e4, 5e5, _COUNT)))
    finished = instance.times // 240_000 * 240 + int(chance.integers(0, 60))
    yield {"__name__": "demo_batch_last_run_timestamp_seconds"}, finished.astype(np.float64)
    failed = finished // 240 % 7 == 3
    succeeded = np.maximum.accumulate(np.where(failed, finished[0], finished)) + 0.25
    yield {"__name__": "demo_batch_last_success_timestamp_seconds"}, succeeded
    yield {"__name__": "promhttp_metric_handler_requests_in_flight"}, np.ones(_COUNT)


def _counters(instance: _Instance) -> Iterator[_Row]:
    chance = instance.chance
    for mode, share in (("user", 0.6), ("system", 0.25), ("idle", 3.1)):
        spent = np.maximum(chance.normal(share, share / 4, _COUNT), 0) * (INTERVAL / 1000)
        yield {"__name__": "demo_cpu_usage_seconds_total", "mode": mode}, np.round(instance.counter(spent), 2)
    yield {"__name__": "demo_items_shipped_total"}, instance.counter(chance.poisson(12, _COUNT))
    for code, rate in (("200", 1.0), ("500", 0.0), ("503", 0.01)):
        handled = instance.counter(chance.poisson(rate, _COUNT))
        yield {"__name__": "promhttp_metric_handler_requests_total", "code": code}, handled


def _histograms(instance: _Instance) -> Iterator[_Row]:
    chance = instance.chance
    for method, path, status in _PATHS:
        name, own = "demo_api_request_duration_seconds", {"method": method, "path": path, "status": status}
        new = chance.poisson(chance.uniform(0.2, 4, (len(_BOUNDS), 1)), (len(_BOUNDS), _COUNT))
        for bound, steps in zip(_BOUNDS, np.cumsum(new, axis=0), strict=True):
            yield {"__name__": f"{name}_bucket", "le": bound, **own}, instance.counter(steps)
        yield {"__name__": f"{name}_count", **own}, instance.counter(new.sum(axis=0))
        yield {"__name__": f"{name}_sum", **own}, np.round(instance.counter(new.sum(axis=0) * 0.037), 4)
