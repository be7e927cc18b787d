"""Aggregations: the series of a vector, grouped by labels (``aggregation`` in promql/engine.go of Prometheus 3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.ast import AggregateExpr, StringLiteral, unparenthesise
from dashboard.promql.context import Context
from dashboard.promql.errors import ExecutionError, NotSupportedError
from dashboard.promql.literals import format_general, format_number
from dashboard.promql.matrix import Groups, IndexArray, Matrix, group_rows, joined
from dashboard.promql.quantiles import quantiles, warn_of_wrong
from dashboard.promql.sums import group_means, group_sums

_INT64 = 2.0**63


@dataclass(frozen=True, slots=True)
class Grouped:
    """A vector's series and their groups."""

    matrix: Matrix
    groups: Groups

    @property
    def counts(self) -> FloatArray:
        """The number of series of each group that are present at each step: float64[G, T]."""
        return self.reduce(np.add, self.matrix.present.astype(np.float64), 0.0)

    def reduce(self, ufunc: np.ufunc, values: FloatArray, fill: float) -> FloatArray:
        """Reduce each group's present values at each step; ``fill`` changes nothing and stands for the absent ones."""
        filled = np.where(self.matrix.present, values, fill)
        return np.asarray(ufunc.reduceat(filled[self.groups.order], self.groups.starts, axis=0))


Reduction: TypeAlias = Callable[[Grouped], FloatArray]


def group_labels(labels: Labels, grouping: Collection[str], *, without: bool) -> Labels:
    """Return what names the group of a series."""
    return labels.drop({*grouping, METRIC_NAME}) if without else labels.keep(grouping)


def aggregate(context: Context, expr: AggregateExpr, matrix: Matrix, parameter: FloatArray | None) -> Matrix:
    """Aggregate a vector; ``parameter`` is what a scalar parameter is at each step.

    Raises:
        ExecutionError: the parameter makes no sense.
        NotSupportedError: the aggregation is not there yet.
    """
    context.limits.check_time()
    selecting = expr.operator in _SELECTIONS
    if not selecting and expr.operator not in (*_REDUCTIONS, "quantile", "count_values"):
        raise NotSupportedError(f"aggregation {expr.operator}")
    if expr.operator == "quantile" and parameter is not None and expr.parameter is not None:
        warn_of_wrong(context.remarks, parameter, expr.parameter.span)
    if not matrix.labels:
        return matrix
    keys = [group_labels(labels, expr.grouping, without=expr.without) for labels in matrix.labels]
    if expr.operator == "count_values":
        return _count_values(expr, matrix, keys)
    grouped = Grouped(matrix, group_rows(keys))
    if parameter is None:
        values = _REDUCTIONS[expr.operator](grouped)
    elif selecting:
        return _select(grouped, _SELECTIONS[expr.operator], _whole_numbers(parameter))
    else:
        values = _quantile(grouped, parameter)
    return Matrix(grouped.groups.keys, matrix.steps, values, grouped.counts > 0)


def _sum(grouped: Grouped) -> FloatArray:
    return group_sums(grouped.matrix, grouped.groups)


def _mean(grouped: Grouped) -> FloatArray:
    return group_means(grouped.matrix, grouped.groups, grouped.counts)


def _minimum(grouped: Grouped) -> FloatArray:
    return grouped.reduce(np.fmin, grouped.matrix.values, np.nan)


def _maximum(grouped: Grouped) -> FloatArray:
    return grouped.reduce(np.fmax, grouped.matrix.values, np.nan)


def _count(grouped: Grouped) -> FloatArray:
    return grouped.counts


def _one(grouped: Grouped) -> FloatArray:
    return np.ones((len(grouped.groups.keys), len(grouped.matrix.steps)))


def _variance(grouped: Grouped) -> FloatArray:
    counts = grouped.counts
    with np.errstate(invalid="ignore", over="ignore"):
        means = group_means(grouped.matrix, grouped.groups, counts)
        off = grouped.matrix.values - means[grouped.groups.of_row]
        return grouped.reduce(np.add, off**2, 0.0) / np.maximum(counts, 1)


def _deviation(grouped: Grouped) -> FloatArray:
    return np.sqrt(_variance(grouped))


_REDUCTIONS: dict[str, Reduction] = {
    "sum": _sum,
    "avg": _mean,
    "min": _minimum,
    "max": _maximum,
    "count": _count,
    "group": _one,
    "stddev": _deviation,
    "stdvar": _variance,
}


def _quantile(grouped: Grouped, q: FloatArray) -> FloatArray:
    matrix = grouped.matrix
    found = (quantiles(q, matrix.values[rows].T, matrix.present[rows].T) for rows in grouped.groups.members())
    return np.array(list(found))


# topk and bottomk: series stay what they are, and some of them are left out.

Ranking: TypeAlias = Callable[[FloatArray], FloatArray]
"""What to sort values by so that the best ones come first; NaN, which sorts last, is never better than a number."""

_SELECTIONS: dict[str, Ranking] = {"topk": np.negative, "bottomk": np.positive}


def _whole_numbers(parameter: FloatArray) -> FloatArray:
    for value in parameter[~(np.abs(parameter) < _INT64)][:1].tolist():
        if math.isnan(value):
            raise ExecutionError("Parameter value is NaN")
        raise ExecutionError(f"Scalar value {format_general(value)} overflows int64")
    return np.trunc(parameter)


def _select(grouped: Grouped, ranking: Ranking, wanted: FloatArray) -> Matrix:
    matrix = grouped.matrix
    present = np.zeros_like(matrix.present)
    rows: list[IndexArray] = []
    for members in grouped.groups.members():
        # Two keys: what is not present comes after all that is, also after NaN.
        ranks = np.lexsort((ranking(matrix.values[members]), ~matrix.present[members]), axis=0)
        chosen = np.arange(len(members))[:, None] < wanted
        present[members] = _scatter(ranks, chosen) & matrix.present[members]
        rows.append(members[ranks[:, 0]])
    selected = Matrix(matrix.labels, matrix.steps, matrix.values, present)
    return selected.take(np.concatenate(rows)).compact()


def _scatter(ranks: IndexArray, chosen: BoolArray) -> BoolArray:
    places = np.empty_like(chosen)
    np.put_along_axis(places, ranks, np.broadcast_to(chosen, ranks.shape), axis=0)
    return places


def _count_values(expr: AggregateExpr, matrix: Matrix, keys: list[Labels]) -> Matrix:
    """Count equal values; the value becomes a label, so that each of them is a series of its own."""
    assert expr.parameter is not None  # noqa: S101 - the parser gives each count_values its parameter.
    literal = unparenthesise(expr.parameter)
    assert isinstance(literal, StringLiteral)  # noqa: S101 - the types were checked with the text.
    if not literal.value:
        raise ExecutionError(f'invalid label name "{literal.value}"')
    texts: dict[float, str] = {}
    rows: list[Labels] = []
    parts: list[BoolArray] = []
    for row, key in enumerate(keys):
        values, present = matrix.values[row], matrix.present[row]
        for value in np.unique(values[present]).tolist():
            text = texts.setdefault(value, format_number(value))
            rows.append(key.merged({literal.value: text}))
            parts.append(present & ((values == value) | (np.isnan(values) if math.isnan(value) else False)))
    return _counted(matrix, rows, parts)


def _counted(matrix: Matrix, rows: list[Labels], parts: list[BoolArray]) -> Matrix:
    groups = group_rows(rows)
    ones = Matrix(rows, matrix.steps, np.ones((len(rows), len(matrix.steps))), np.array(parts))
    counts = Grouped(ones, groups).counts
    return joined(Matrix(groups.keys, matrix.steps, counts, counts > 0))
