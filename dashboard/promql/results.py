"""What a query answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dashboard.model.labels import Labels
from dashboard.model.samples import FloatArray, SeriesBatch
from dashboard.promql.matrix import Matrix
from dashboard.promql.stats import QueryStats


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at a time (milliseconds)."""

    time: int
    value: float


@dataclass(frozen=True, slots=True)
class String:
    """A string at a time (milliseconds)."""

    time: int
    value: str


@dataclass(frozen=True, slots=True)
class Vector:
    """Series with one value each, at a time (milliseconds), in the order to show them; ``values`` is float64[S]."""

    labels: Sequence[Labels]
    time: int
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Ranges:
    """The samples of series in a range of time; each series in one batch, none without samples."""

    batches: Sequence[SeriesBatch]


Value: TypeAlias = Scalar | String | Vector | Matrix | Ranges


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The value of a query, and what Prometheus would remark on it."""

    value: Value
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    stats: QueryStats | None = None
    """What it has cost, if that was asked for."""
