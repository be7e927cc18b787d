"""Metric families as the apps declare them, and the grids on which durations are drawn."""

from __future__ import annotations

import enum
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

LabelValues = tuple[str, ...]

QUANTILES = (0.5, 0.9, 0.95, 0.99)


class FamilyKind(enum.Enum):
    """The types of OpenMetrics that the apps use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells in which observations fall: each bucket of a histogram is cut into some of them.

    Every observation counts as the value of its cell. So a histogram's buckets and its sum, and the quantiles beside
    it, tell of the same observations.
    ``edges`` are the upper bounds of all cells but the last, which has none; ``values`` has one entry a cell.
    """

    bounds: tuple[float, ...]
    edges: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def of(cls, bounds: tuple[float, ...], cuts: int = 1) -> Grid:
        """Cut each of the buckets with these upper bounds into ``cuts`` cells of equal ratio."""
        edges = [bounds[0]]
        for low, high in pairwise(bounds):
            edges += [low * (high / low) ** (cut / cuts) for cut in range(1, cuts)]
            edges.append(high)
        middles = [(low * high) ** 0.5 for low, high in pairwise(edges)]
        return cls(bounds, tuple(edges), (edges[0] * 0.7, *middles, edges[-1] * 1.3))

    @property
    def ends(self) -> list[int]:
        """For each bucket but the last, the number of cells at or below its bound."""
        return [bisect_left(self.edges, bound) + 1 for bound in self.bounds]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A metric family: its full name, type, help text and label names. Two families are equal only if they are one."""

    name: str
    kind: FamilyKind
    help: str
    labels: tuple[str, ...] = ()
    grid: Grid = field(default=Grid((), (), ()), repr=False)


def counter(name: str, text: str, *labels: str) -> Family:
    """Declare a counter."""
    return Family(name, FamilyKind.COUNTER, text, labels)


def gauge(name: str, text: str, *labels: str) -> Family:
    """Declare a gauge."""
    return Family(name, FamilyKind.GAUGE, text, labels)


def info(name: str, text: str, *labels: str) -> Family:
    """Declare an info metric: always 1, all that it says is in its labels."""
    return Family(name, FamilyKind.INFO, text, labels)


def histogram(name: str, text: str, grid: Grid, *labels: str) -> Family:
    """Declare a histogram with the buckets of a grid."""
    return Family(name, FamilyKind.HISTOGRAM, text, labels, grid)


def summary(name: str, text: str, grid: Grid, *labels: str) -> Family:
    """Declare a summary: quantiles of the last minute's observations."""
    return Family(name, FamilyKind.SUMMARY, text, labels, grid)
