"""A running app as ``prometheus_client`` sees it, and its page in the format that a client asks for."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from simulators.families import QUANTILES, Family, FamilyKind, LabelValues
from simulators.ledger import Tally, histogram_samples, quantile, summary_samples
from simulators.live import BUILD, LiveApp

# Higher levels cost more time than the few bytes are worth.
_GZIP_LEVEL = 4


@dataclass(frozen=True, slots=True)
class Body:
    """A page: its bytes and the headers that describe them."""

    content: bytes
    content_type: str
    encoding: str | None


class AppCollector(Collector):
    """Yields the families of an app as they are at the time of the scrape."""

    def __init__(self, live: LiveApp, clock: Callable[[], int]) -> None:
        self._live = live
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Let the app catch up and yield its families."""
        with self._live.lock:
            now_ms = self._clock()
            self._live.advance(now_ms)
            infos = self._live.infos(now_ms)
            # All are made before the lock is let go, so that one page tells of one moment.
            yield from [_metric(family, self._live.tally, infos) for family in (BUILD, *self._live.model.families)]


def _metric(family: Family, tally: Tally, infos: Iterable[tuple[Family, LabelValues]]) -> Metric:
    # In OpenMetrics a counter's and an info's family name lacks the suffix that its samples have.
    suffix = {FamilyKind.COUNTER: "_total", FamilyKind.INFO: "_info"}.get(family.kind, "")
    metric = Metric(family.name.removesuffix(suffix), family.help, family.kind.value)
    for labels, value in tally.single.get(family, {}).items():
        metric.add_sample(family.name, dict(zip(family.labels, labels, strict=True)), value)
    for labels, cells in tally.cells.get(family, {}).items():
        _add_observations(metric, family, labels, cells, tally)
    for labels in (labels for of, labels in infos if of is family):
        metric.add_sample(family.name, dict(zip(family.labels, labels, strict=True)), 1.0)
    return metric


def _add_observations(metric: Metric, family: Family, labels: LabelValues, cells: list[float], tally: Tally) -> None:
    if family.kind is FamilyKind.HISTOGRAM:
        samples = histogram_samples(family, labels, cells)
    else:
        _add_quantiles(metric, family, labels, tally)
        samples = summary_samples(family, labels, cells)
    for name, own, value in samples:
        metric.add_sample(name, own, value)


def _add_quantiles(metric: Metric, family: Family, labels: LabelValues, tally: Tally) -> None:
    own = dict(zip(family.labels, labels, strict=True))
    window = tally.windows[family, labels].cells
    for q in QUANTILES:
        metric.add_sample(family.name, {**own, "quantile": str(q)}, quantile(window, family.grid.values, q))


class _PsutilCollector(Collector):
    """Process metrics where there is no /proc."""

    def collect(self) -> Iterator[Metric]:
        import psutil

        process = psutil.Process()
        with process.oneshot():
            memory, times, born = process.memory_info(), process.cpu_times(), process.create_time()
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory size in bytes.", memory.vms)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory size in bytes.", memory.rss)
        yield GaugeMetricFamily("process_start_time_seconds", "Start time since 1970 in seconds.", born)
        yield CounterMetricFamily(
            "process_cpu_seconds_total", "User and system CPU time spent in seconds.", times.user + times.system
        )


def process_collector() -> Collector:
    """Return what collects this process's own metrics on this platform."""
    return ProcessCollector(registry=None) if sys.platform.startswith("linux") else _PsutilCollector()


def app_registry(live: LiveApp, clock: Callable[[], int]) -> CollectorRegistry:
    """Return a registry with an app's families and its process's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(AppCollector(live, clock))
    registry.register(process_collector())
    return registry


def render(registry: CollectorRegistry, accept: str, accept_encoding: str) -> Body:
    """Return the page in the format and encoding that the client's headers ask for."""
    encoder, content_type = choose_encoder(accept)
    content = encoder(registry)
    if not gzip_accepted(accept_encoding):
        return Body(content, content_type, None)
    return Body(gzip.compress(content, _GZIP_LEVEL, mtime=0), content_type, "gzip")
