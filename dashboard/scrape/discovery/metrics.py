"""What discovery counts, under Prometheus's names (``discovery/metrics.go`` and its sisters)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary


class DiscoveryMetrics:
    """The metrics of all providers together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"prometheus_sd_{name}", text, labels, registry=registry)

        def summary(name: str, text: str, *labels: str) -> Summary:
            return Summary(f"prometheus_sd_{name}", text, labels, registry=registry)

        self.discovered = Gauge(
            "prometheus_sd_discovered_targets",
            "Targets that discovery knows of now.",
            ["name", "config"],
            registry=registry,
        )
        self.received = counter("received_updates", "Lists of targets that providers have sent.", "name")
        self.updates = counter("updates", "Lists of targets that were handed to scraping.", "name")
        self.refresh_failures = counter("refresh_failures", "Looks for targets that failed.", "mechanism")
        self.refresh_duration = summary("refresh_duration_seconds", "How long looks for targets took.", "mechanism")
        self.file_read_errors = counter("file_read_errors", "Lists of targets in files that could not be read.")
        self.file_scan_duration = summary("file_scan_duration_seconds", "How long reading all files took.")
        self.file_mtime = Gauge(
            "prometheus_sd_file_mtime_seconds",
            "When each file was last changed, as of its last reading.",
            ["filename"],
            registry=registry,
        )
        self.http_failures = counter("http_failures", "Lists of targets at URLs that could not be had.")
        self.dns_lookups = counter("dns_lookups", "Names that were looked up.")
        self.dns_lookup_failures = counter("dns_lookup_failures", "Names that could not be looked up.")
