"""What the series spread over: the names and labels that have the most (``MemPostings.Stats`` of Prometheus)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import TypeVar

from dashboard.model.labels import METRIC_NAME

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Count:
    """A name and how many of something it has."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class PairCount:
    """A label with one of its values, and how many series have that."""

    label: str
    label_value: str
    value: int

    @property
    def name(self) -> str:
        """Both as Prometheus names them."""
        return f"{self.label}={self.label_value}"


@dataclass(frozen=True, slots=True)
class Cardinality:
    """Those that have the most, largest first. ``bytes_by_label`` counts a value's length once for each series."""

    label_pairs: int
    series_by_metric: tuple[Count, ...]
    values_by_label: tuple[Count, ...]
    bytes_by_label: tuple[Count, ...]
    series_by_pair: tuple[PairCount, ...]


def cardinality(postings: Mapping[str, Mapping[str, Sized]], limit: int) -> Cardinality:
    """Count over posting lists: for each label name and value, the series that carry it."""
    by_metric = postings.get(METRIC_NAME, {})
    pairs = (((name, value), len(series)) for name, values in postings.items() for value, series in values.items())
    return Cardinality(
        label_pairs=sum(map(len, postings.values())),
        series_by_metric=_counts(((metric, len(series)) for metric, series in by_metric.items()), limit),
        values_by_label=_counts(((name, len(values)) for name, values in postings.items()), limit),
        bytes_by_label=_counts(((name, _bytes(values)) for name, values in postings.items()), limit),
        series_by_pair=tuple(PairCount(*pair, count) for pair, count in _largest(pairs, limit)),
    )


def _bytes(values: Mapping[str, Sized]) -> int:
    return sum(len(value.encode()) * len(series) for value, series in values.items())


def _counts(counts: Iterable[tuple[str, int]], limit: int) -> tuple[Count, ...]:
    return tuple(Count(name, count) for name, count in _largest(counts, limit))


def _largest(counts: Iterable[tuple[K, int]], limit: int) -> list[tuple[K, int]]:
    return heapq.nsmallest(limit, counts, key=lambda each: -each[1])
