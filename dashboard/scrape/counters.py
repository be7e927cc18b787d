"""What scraping counts, under Prometheus's names where it has them (``scrape/metrics.go``)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dashboard.exposition.errors import SampleLimitExceededError
from dashboard.exposition.page import Metadata
from dashboard.scrape.errors import BodyLimitError, LabelLimitError
from dashboard.scrape.intervals import IntervalLengths

_POOL = "scrape_job"


class ScrapeCounters:
    """The counters of all targets together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"prometheus_target_{name}", text, labels, registry=registry)

        self.scrapes = Counter("glass_scrapes", "Scrapes by their result.", ["result"], registry=registry)
        for result in ("up", "down"):
            self.scrapes.labels(result)
        self.out_of_order = counter(
            "scrapes_sample_out_of_order", "Samples dropped because their series had newer ones."
        )
        self.duplicates = counter(
            "scrapes_sample_duplicate_timestamp",
            "Samples dropped because their series had another value at the same time.",
        )
        self.out_of_bounds = counter(
            "scrapes_sample_out_of_bounds", "Samples dropped because their timestamps lie too far ahead or behind."
        )
        self.exemplars_out_of_order = counter(
            "scrapes_exemplar_out_of_order", "Exemplars dropped because their series had newer ones."
        )
        self.body_limit = counter("scrapes_exceeded_body_size_limit", "Scrapes that exceeded their body size limit.")
        self.sample_limit = counter("scrapes_exceeded_sample_limit", "Scrapes that exceeded their sample limit.")
        self.label_limits = counter(
            "scrape_pool_exceeded_label_limits", "Scrapes that exceeded a limit of their labels."
        )
        self.intervals = IntervalLengths()
        registry.register(self.intervals)

    def count_fault(self, error: Exception) -> None:
        """Count a scrape that failed since a limit of its job was exceeded."""
        for kind, counter in (
            (BodyLimitError, self.body_limit),
            (SampleLimitExceededError, self.sample_limit),
            (LabelLimitError, self.label_limits),
        ):
            if isinstance(error, kind):
                counter.inc()


class PoolMetrics:
    """How the targets of each job are kept up to date."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "prometheus_target_"

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"{prefix}scrape_pool_{name}", text, [_POOL], registry=registry)

        self.targets = gauge("targets", "Targets of the pool now.")
        self.target_limit = gauge("target_limit", "The most targets that the pool may have; 0 is no limit.")
        self.syncs = Counter(
            f"{prefix}scrape_pool_sync", "Times that the pool was brought up to date.", [_POOL], registry=registry
        )
        self.sync_length = Summary(
            f"{prefix}sync_length_seconds", "How long it took to bring the pool up to date.", [_POOL], registry=registry
        )
        self.sync_failed = Counter(
            f"{prefix}sync_failed", "Targets that could not be made.", [_POOL], registry=registry
        )
        self.exceeded_target_limit = Counter(
            f"{prefix}scrape_pool_exceeded_target_limit", "Times that a pool had too many targets.", registry=registry
        )

    def forget(self, pool: str) -> None:
        """Leave out a pool that there is no more."""
        for metric in (self.targets, self.target_limit, self.syncs, self.sync_length, self.sync_failed):
            with contextlib.suppress(KeyError):
                metric.remove(pool)


PoolMetadata = Callable[[], Iterable[tuple[str, Mapping[str, Metadata]]]]
"""Gives the name of the pool of each target, and what the target says of its metrics."""


class MetadataCollector(Collector):
    """Counts what targets say of their metrics, when it is asked."""

    def __init__(self, metadata: PoolMetadata) -> None:
        self._metadata = metadata

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the number of metrics that are described, and the size of what is said, of each pool."""
        name = "prometheus_target_metadata_cache_"
        entries = GaugeMetricFamily(f"{name}entries", "Metrics that targets describe.", labels=[_POOL])
        sizes = GaugeMetricFamily(f"{name}bytes", "The length of all that they say of them.", labels=[_POOL])
        counts: dict[str, int] = {}
        lengths: dict[str, int] = {}
        for pool, told in self._metadata():
            counts[pool] = counts.get(pool, 0) + len(told)
            lengths[pool] = lengths.get(pool, 0) + sum(map(_length, told.values()))
        for pool, count in counts.items():
            entries.add_metric([pool], count)
            sizes.add_metric([pool], lengths[pool])
        yield from (entries, sizes)


def _length(told: Metadata) -> int:
    return len(told.type.value) + len(told.help.encode()) + len(told.unit)
