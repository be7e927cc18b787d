"""What is unusual about the metrics of a good page, by the rules of ``promtool check metrics`` (promlint)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.exposition.page import Metadata, MetricType, Page
from dashboard.model.labels import METRIC_NAME, Labels

_SUFFIXES = {
    MetricType.HISTOGRAM: ("_bucket", "_sum", "_count", "_created"),
    MetricType.GAUGE_HISTOGRAM: ("_bucket", "_gsum", "_gcount"),
    MetricType.SUMMARY: ("_sum", "_count", "_created"),
    MetricType.COUNTER: ("_total", "_created"),
    MetricType.INFO: ("_info",),
}
"""How the series of one metric of such a type may be named, beside its own name."""

_OWN_LABEL = {MetricType.HISTOGRAM: "le", MetricType.GAUGE_HISTOGRAM: "le", MetricType.SUMMARY: "quantile"}
_BUCKETED = (MetricType.HISTOGRAM, MetricType.GAUGE_HISTOGRAM)
_CAMEL_CASE = re.compile("[a-z][A-Z]")
_TYPE_NAMES = ("counter", "gauge", "summary", "histogram", "gauge_histogram")
_ABBREVIATIONS = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d")
_BASE_UNITS = ("amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres", "seconds", "volts")
_UNITS = {unit: unit for unit in _BASE_UNITS} | {
    "minutes": "seconds",
    "hours": "seconds",
    "days": "seconds",
    "weeks": "seconds",
    "kelvins": "kelvin",
    "fahrenheit": "celsius",
    "rankine": "celsius",
    "inches": "meters",
    "yards": "meters",
    "miles": "meters",
    "bits": "bytes",
    "calories": "joules",
    "pounds": "grams",
    "ounces": "grams",
}
_PREFIX = re.compile("pico|nano|micro|milli|centi|deci|deca|hecto|kilo|kibi|mega|mibi|giga|gibi|tera|tebi|peta|pebi")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something unusual about one metric."""

    metric: str
    text: str


@dataclass(frozen=True, slots=True)
class _Family:
    """A metric: its name, what is told of it, and the label sets of its series, without those that its type brings."""

    name: str
    told: Metadata
    series: set[Labels] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    @property
    def labels(self) -> Iterator[str]:
        """The names of all labels, as often as they appear."""
        return (name for labels in self.series for name, _ in labels)


def lint(page: Page) -> list[Problem]:
    """Return what is unusual about the metrics of a page, by name; one thing may be said of several series."""
    families = _families(page)
    return sorted(Problem(family.name, text) for family in families for rule in _RULES for text in rule(family))


def _families(page: Page) -> Sequence[_Family]:
    owners = {
        metric + suffix: metric for metric, told in page.metadata.items() for suffix in _SUFFIXES.get(told.type, ())
    }
    found: dict[str, _Family] = {}
    for sample in page.samples:
        name = sample.labels.metric_name
        family = _family(found, name if name in page.metadata else owners.get(name, name), page.metadata)
        family.series.add(sample.labels.drop((METRIC_NAME, _OWN_LABEL.get(family.told.type, ""))))
        family.names.add(name)
    return list(found.values())


def _family(found: dict[str, _Family], name: str, metadata: Mapping[str, Metadata]) -> _Family:
    return found.setdefault(name, _Family(name, metadata.get(name, Metadata())))


def _help(family: _Family) -> Iterator[str]:
    if not family.told.help:
        yield "no help text"


def _units(family: _Family) -> Iterator[str]:
    for word in family.name.split("_"):
        base = _UNITS.get(word) or _UNITS.get(_PREFIX.sub("", word, count=1) if _PREFIX.match(word) else "")
        if base:
            if word != base:
                yield f'use base unit "{base}" instead of "{word}"'
            return


def _total(family: _Family) -> Iterator[str]:
    # A counter of OpenMetrics has the suffix in the names of its series only.
    has_suffix = family.name.endswith("_total")
    if family.told.type is MetricType.COUNTER and not (has_suffix or f"{family.name}_total" in family.names):
        yield 'counter metrics should have "_total" suffix'
    elif family.told.type not in (MetricType.COUNTER, MetricType.UNKNOWN) and has_suffix:
        yield 'non-counter metrics should not have "_total" suffix'


def _reserved(family: _Family) -> Iterator[str]:
    kind = family.told.type
    if kind is MetricType.UNKNOWN:
        return
    if kind not in _BUCKETED and family.name.endswith("_bucket"):
        yield 'non-histogram metrics should not have "_bucket" suffix'
    if kind not in (*_BUCKETED, MetricType.SUMMARY):
        for suffix in ("_count", "_sum"):
            if family.name.endswith(suffix):
                yield f'non-histogram and non-summary metrics should not have "{suffix}" suffix'
    for label in family.labels:
        if label == "le" and kind not in _BUCKETED:
            yield 'non-histogram metrics should not have "le" label'
        elif label == "quantile" and kind is not MetricType.SUMMARY:
            yield 'non-summary metrics should not have "quantile" label'


def _type_in_name(family: _Family) -> Iterator[str]:
    name = family.name.lower() + "_"
    yield from (f"metric name should not include type '{kind}'" for kind in _TYPE_NAMES if f"_{kind}_" in name)


def _colons(family: _Family) -> Iterator[str]:
    if ":" in family.name:
        yield "metric names should not contain ':'"


def _camel_case(family: _Family) -> Iterator[str]:
    if _CAMEL_CASE.search(family.name):
        yield "metric names should be written in 'snake_case' not 'camelCase'"
    for label in family.labels:
        if _CAMEL_CASE.search(label):
            yield "label names should be written in 'snake_case' not 'camelCase'"


def _abbreviations(family: _Family) -> Iterator[str]:
    name = family.name.lower() + "_"
    for unit in _ABBREVIATIONS:
        if f"_{unit}_" in name:
            yield "metric names should not contain abbreviated units"


_RULES: tuple[Callable[[_Family], Iterator[str]], ...] = (
    _help,
    _units,
    _total,
    _reserved,
    _type_in_name,
    _colons,
    _camel_case,
    _abbreviations,
)
