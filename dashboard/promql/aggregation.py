"""Aggregations: the series of a vector, grouped by labels (``aggregation`` in promql/engine.go of Prometheus 3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.ast import AggregateExpr, StringLiteral, unparenthesise
from dashboard.promql.context import Context
from dashboard.promql.errors import ExecutionError
from dashboard.promql.literals import format_general, format_number, quote
from dashboard.promql.matrix import Groups, IndexArray, Matrix, group_rows, joined
from dashboard.promql.position import NOWHERE, Span
from dashboard.promql.quantiles import quantiles, warn_of_extremes
from dashboard.promql.sampling import chosen
from dashboard.promql.sums import group_means, group_sums

_INT64 = 2.0**63

_RANKED = 1 << 19
"""The most values that are ranked at once (4 MiB of float64)."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """An aggregation, and the series (one at least) that it is of, with the group of each."""

    context: Context
    expr: AggregateExpr
    matrix: Matrix
    keys: list[Labels]
    groups: Groups
    parameter: FloatArray | None
    """What a scalar parameter is at each step."""

    @property
    def counts(self) -> FloatArray:
        """The number of series of each group that are present at each step: float64[G, T]."""
        if self.matrix.present.all():
            sizes = np.bincount(self.groups.of_row).astype(np.float64)
            return np.repeat(sizes[:, None], len(self.matrix.steps), axis=1)
        return self.reduce(np.add, self.matrix.present.astype(np.float64), 0.0)

    @property
    def scalar(self) -> FloatArray:
        """The parameter of an aggregation that has a scalar one."""
        assert self.parameter is not None  # noqa: S101 - the types were checked with the text.
        return self.parameter

    @property
    def parameter_span(self) -> Span:
        """Where the parameter stands in the query."""
        return self.expr.parameter.span if self.expr.parameter is not None else NOWHERE

    def reduce(self, ufunc: np.ufunc, values: FloatArray, fill: float) -> FloatArray:
        """Reduce each group's present values at each step; ``fill`` changes nothing and stands for the absent ones."""
        present = self.matrix.present
        filled = values if present.all() else np.where(present, values, fill)
        return np.asarray(ufunc.reduceat(filled[self.groups.order], self.groups.starts, axis=0))

    def valued(self, values: FloatArray) -> Matrix:
        """Return a matrix of the groups, present wherever one of their series is."""
        return Matrix(self.groups.keys, self.matrix.steps, values, self.counts > 0)


Aggregation: TypeAlias = Callable[[Grouped], Matrix]


def group_labels(labels: Labels, grouping: Collection[str], *, without: bool) -> Labels:
    """Return what names the group of a series."""
    return labels.drop({*grouping, METRIC_NAME}) if without else labels.keep(grouping)


def aggregate(context: Context, expr: AggregateExpr, matrix: Matrix, parameter: FloatArray | None) -> Matrix:
    """Aggregate a vector; ``parameter`` is what a scalar parameter is at each step.

    Raises:
        ExecutionError: the parameter makes no sense.
    """
    context.limits.check_time()
    if not matrix.labels:
        return matrix
    keys = [group_labels(labels, expr.grouping, without=expr.without) for labels in matrix.labels]
    return _AGGREGATIONS[expr.operator](Grouped(context, expr, matrix, keys, group_rows(keys), parameter))


# Aggregations that make one number of a group.


def _reducing(reduction: Callable[[Grouped], FloatArray]) -> Aggregation:
    return lambda grouped: grouped.valued(reduction(grouped))


def _sum(grouped: Grouped) -> FloatArray:
    return group_sums(grouped.matrix, grouped.groups, grouped.context.limits)


def _mean(grouped: Grouped) -> FloatArray:
    return group_means(grouped.matrix, grouped.groups, grouped.context.limits)


def _minimum(grouped: Grouped) -> FloatArray:
    return grouped.reduce(np.fmin, grouped.matrix.values, np.nan)


def _maximum(grouped: Grouped) -> FloatArray:
    return grouped.reduce(np.fmax, grouped.matrix.values, np.nan)


def _count(grouped: Grouped) -> FloatArray:
    return grouped.counts


def _one(grouped: Grouped) -> FloatArray:
    return np.ones((len(grouped.groups.keys), len(grouped.matrix.steps)))


def _variance(grouped: Grouped) -> FloatArray:
    counts, of_row = np.maximum(grouped.counts, 1), grouped.groups.of_row
    with np.errstate(invalid="ignore", over="ignore"):
        # Counted from one of the values, so that equal ones have a variance of exactly 0.
        moved = grouped.matrix.values - grouped.reduce(np.fmin, grouped.matrix.values, np.nan)[of_row]
        off = moved - (grouped.reduce(np.add, moved, 0.0) / counts)[of_row]
        return grouped.reduce(np.add, off**2, 0.0) / counts


def _deviation(grouped: Grouped) -> FloatArray:
    return np.sqrt(_variance(grouped))


def _quantile(grouped: Grouped) -> FloatArray:
    q, matrix = grouped.scalar, grouped.matrix
    warn_of_extremes(grouped.context.remarks, q, grouped.parameter_span)
    found = (quantiles(q, matrix.values[rows].T, matrix.present[rows].T) for rows in grouped.groups.members())
    return np.array(list(found))


# topk, bottomk, limitk and limit_ratio: series stay what they are, and some of them are left out.


def _selecting(ranking: Callable[[FloatArray], FloatArray]) -> Aggregation:
    """Make an aggregation of what to sort by so that the best come first; NaN sorts last whatever the ranking."""
    return lambda grouped: _select(grouped, ranking, _whole_numbers(grouped.scalar))


def _whole_numbers(parameter: FloatArray) -> FloatArray:
    if np.isnan(parameter).any():
        raise ExecutionError("Parameter value is NaN")
    for value in parameter[~(np.abs(parameter) < _INT64)][:1].tolist():
        raise ExecutionError(f"Scalar value {format_general(value)} overflows int64")
    return np.trunc(parameter)


def _limit(grouped: Grouped) -> Matrix:
    """Keep the first series of each group that are present."""
    matrix, wanted = grouped.matrix, _whole_numbers(grouped.scalar)
    present = np.zeros_like(matrix.present)
    for members in grouped.groups.members():
        there = matrix.present[members]
        present[members] = there & (np.cumsum(there, axis=0) <= wanted)
    return Matrix(matrix.labels, matrix.steps, matrix.values, present).compact()


def _limit_ratio(grouped: Grouped) -> Matrix:
    """Keep a share of the series, the same ones wherever they are asked for."""
    matrix, ratio = grouped.matrix, grouped.scalar
    if np.isnan(ratio).any():
        raise ExecutionError("Ratio value is NaN")
    for beyond, limit in ((ratio.max(), 1), (ratio.min(), -1)):
        if abs(beyond) > 1 and beyond * limit > 0:
            reason = f"ratio value should be between -1 and 1, got {format_general(beyond)}, capping to {limit}"
            grouped.context.remarks.warn(reason, grouped.parameter_span)
    taken = chosen(matrix.labels, np.clip(ratio, -1, 1)) & (ratio != 0)
    return Matrix(matrix.labels, matrix.steps, matrix.values, matrix.present & taken).compact()


def _select(grouped: Grouped, ranking: Callable[[FloatArray], FloatArray], wanted: FloatArray) -> Matrix:
    matrix = grouped.matrix
    present = np.zeros_like(matrix.present)
    rows: list[IndexArray] = []
    for members in grouped.groups.members():
        for steps in _parts(len(members), len(matrix.steps)):
            grouped.context.limits.check_time()
            there = matrix.present[:, steps][members]
            # Two keys: what is not present comes after all that is, also after NaN.
            ranks = np.lexsort((ranking(matrix.values[:, steps][members]), ~there), axis=0)
            present[members, steps] = _scatter(ranks, np.arange(len(members))[:, None] < wanted[steps]) & there
            if steps.start == 0:
                rows.append(members[ranks[:, 0]])
    order = np.concatenate(rows)
    chosen = present[order].any(axis=1)
    return Matrix(matrix.labels, matrix.steps, matrix.values, present).take(order[chosen])


def _parts(rows: int, steps: int) -> Iterator[slice]:
    """Part the steps so that few values are ranked at once."""
    count = max(_RANKED // rows, 1)
    for first in range(0, steps, count):
        yield slice(first, first + count)


def _scatter(ranks: IndexArray, chosen: BoolArray) -> BoolArray:
    places = np.empty_like(chosen)
    np.put_along_axis(places, ranks, np.broadcast_to(chosen, ranks.shape), axis=0)
    return places


# count_values: the value becomes a label, so that each of them is a series of its own.


def _count_values(grouped: Grouped) -> Matrix:
    matrix, label = grouped.matrix, _label_name(grouped.expr)
    rows: list[Labels] = []
    parts: list[BoolArray] = []
    for key, values, present in zip(grouped.keys, matrix.values, matrix.present, strict=True):
        found = np.unique(values[present]).tolist()
        grouped.context.limits.check_samples((len(rows) + len(found)) * len(matrix.steps))
        for value in found:
            rows.append(key.merged({label: format_number(value)}))
            parts.append(present & (np.isnan(values) if math.isnan(value) else values == value))
    if not rows:
        return Matrix.empty(matrix.steps)
    groups = group_rows(rows)
    counts = np.add.reduceat(np.array(parts)[groups.order], groups.starts, axis=0, dtype=np.float64)
    return joined(Matrix(groups.keys, matrix.steps, counts, counts > 0))


def _label_name(expr: AggregateExpr) -> str:
    literal = unparenthesise(expr.parameter) if expr.parameter is not None else None
    assert isinstance(literal, StringLiteral)  # noqa: S101 - the types were checked with the text.
    if not literal.value:
        raise ExecutionError(f"invalid label name {quote(literal.value)}")
    return literal.value


_AGGREGATIONS: dict[str, Aggregation] = {
    "sum": _reducing(_sum),
    "avg": _reducing(_mean),
    "min": _reducing(_minimum),
    "max": _reducing(_maximum),
    "count": _reducing(_count),
    "group": _reducing(_one),
    "stddev": _reducing(_deviation),
    "stdvar": _reducing(_variance),
    "quantile": _reducing(_quantile),
    "topk": _selecting(np.negative),
    "bottomk": _selecting(np.positive),
    "limitk": _limit,
    "limit_ratio": _limit_ratio,
    "count_values": _count_values,
}
