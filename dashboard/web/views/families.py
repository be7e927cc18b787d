"""The metric families that an app exposes, by what its pages say of their types."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Set
from dataclasses import dataclass

from dashboard.exposition.page import Metadata, MetricType
from dashboard.scrape.status import TargetMetadata

# What every process exposes comes after what only this app does.
_COMMON = ("process_", "python_", "go_", "promhttp_", "scrape_", "nodejs_", "jvm_", "dotnet_")
_CREATED = "_created"
# What scraping and rules add to a job's series.
_NOT_EXPOSED = ("up", "ALERTS", "ALERTS_FOR_STATE")


class Kind(enum.Enum):
    """How a family is drawn."""

    COUNTER = "counter"
    """As a rate."""
    GAUGE = "gauge"
    """As its value."""
    HISTOGRAM = "histogram"
    """As quantiles worked out from buckets."""
    SUMMARY = "summary"
    """As the quantiles that the app tells."""
    INFO = "info"
    """As a table of labels."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family: ``metric`` is the name of the series to ask for."""

    name: str
    metric: str
    kind: Kind
    help: str = ""
    unit: str = ""

    @property
    def title(self) -> str:
        """The name by which people ask for it."""
        return self.name if self.kind is Kind.HISTOGRAM else self.metric

    @property
    def common(self) -> bool:
        """Whether every process exposes it."""
        return self.name.startswith(_COMMON)


def families_of(metadata: Iterable[TargetMetadata], present: Set[str]) -> list[Family]:
    """Return the families of which series are present, by name; ``present`` are the names of series.

    Of an app that has not answered since this server started nothing is told: then names alone say what is what.
    """
    told = {item.metric: item.metadata for item in metadata} or _guessed(present)
    found = (_family(name, data, present) for name, data in sorted(told.items()))
    return [family for family in found if family is not None]


def _guessed(present: Set[str]) -> dict[str, Metadata]:
    histograms = {name.removesuffix("_bucket") for name in present if name.endswith("_bucket")}
    parts = {base + suffix for base in histograms for suffix in ("_bucket", "_count", "_sum")}
    own = {name for name in present - parts if name not in _NOT_EXPOSED and ":" not in name}
    found = {name: Metadata(MetricType.UNKNOWN) for name in own if not name.startswith("scrape_")}
    return found | {name: Metadata(MetricType.HISTOGRAM) for name in histograms}


def _family(name: str, data: Metadata, present: Set[str]) -> Family | None:
    kind, suffixes = _shape(name, data.type)
    metric = next((name + suffix for suffix in suffixes if name + suffix in present), "")
    if not metric or name.endswith(_CREATED):
        return None
    return Family(name, metric, kind, data.help, data.unit)


def _shape(name: str, kind: MetricType) -> tuple[Kind, tuple[str, ...]]:
    if kind in (MetricType.HISTOGRAM, MetricType.GAUGE_HISTOGRAM):
        return Kind.HISTOGRAM, ("_bucket",)
    if kind is MetricType.COUNTER or (kind is MetricType.UNKNOWN and name.endswith("_total")):
        # OpenMetrics names a counter's family without the suffix that its series have.
        return Kind.COUNTER, ("", "_total")
    if kind is MetricType.SUMMARY:
        return Kind.SUMMARY, ("",)
    if kind is MetricType.INFO or name.endswith("_info"):
        return Kind.INFO, ("", "_info")
    return Kind.GAUGE, ("",)
