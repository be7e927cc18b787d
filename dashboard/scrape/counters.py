"""What scraping counts, under Prometheus's names where it has them (``scrape/metrics.go``)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class ScrapeCounters:
    """The counters of all targets together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.scrapes = Counter("glass_scrapes", "Scrapes by their result.", ["result"], registry=registry)
        for result in ("up", "down"):
            self.scrapes.labels(result)
        prefix = "prometheus_target_scrapes"
        self.out_of_order = Counter(
            f"{prefix}_sample_out_of_order",
            "Samples dropped because their series had newer ones.",
            registry=registry,
        )
        self.duplicates = Counter(
            f"{prefix}_sample_duplicate_timestamp",
            "Samples dropped because their series had another value at the same time.",
            registry=registry,
        )
        self.out_of_bounds = Counter(
            f"{prefix}_sample_out_of_bounds",
            "Samples dropped because their timestamps lie too far ahead or behind.",
            registry=registry,
        )
        self.sample_limit = Counter(
            f"{prefix}_exceeded_sample_limit", "Scrapes that exceeded their sample limit.", registry=registry
        )
