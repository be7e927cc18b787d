"""Range vectors: range selectors and subqueries become windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dashboard.model.samples import FloatArray, SeriesBatch
from dashboard.promql.ast import Expr, Extension, MatrixSelector, SubqueryExpr, unparenthesise
from dashboard.promql.context import Context, make_steps
from dashboard.promql.extended import with_ends
from dashboard.promql.matrix import Matrix
from dashboard.promql.selector import fetch, reference_times
from dashboard.promql.windows import Windows, matrix_batches, split_stale

Evaluate = Callable[[Expr, Context], Matrix | FloatArray]


def range_windows(context: Context, expr: Expr, evaluate: Evaluate) -> list[Windows]:
    """Return the windows of a range vector: a list of groups of series that share timestamps."""
    match unparenthesise(expr):
        case MatrixSelector() as selector:
            return _selected(context, selector)
        case SubqueryExpr() as subquery:
            return _evaluated(context, subquery, evaluate)
        case other:
            raise TypeError(other)


def _selected(context: Context, expr: MatrixSelector) -> list[Windows]:
    times = reference_times(context, expr.selector.shift)
    extension = expr.selector.extension
    before = context.lookback if extension is not Extension.NONE else 0
    after = context.lookback if extension is Extension.SMOOTHED else 0
    batches = fetch(context, expr.selector, int(times.min()) - expr.range - before + 1, int(times.max()) + after)
    context.limits.check_samples(sum(len(batch.labels) for batch in batches) * context.count)
    parts = [part for batch in batches for part in split_stale(batch)]
    if extension is Extension.NONE:
        return [Windows.of(part, times, expr.range, context.limits) for part in parts]
    smoothed = extension is Extension.SMOOTHED
    return [
        Windows.extended(part, times, expr.range, context.limits, context.lookback, smoothed=smoothed) for part in parts
    ]


def _evaluated(context: Context, expr: SubqueryExpr, evaluate: Evaluate) -> list[Windows]:
    times = reference_times(context, expr.shift)
    step = expr.step or context.default_step
    first = _first_step(int(times.min()) - expr.range, step)
    last = int(times.max())
    if first > last:
        return []
    context.limits.check_samples((last - first) // step + 1)
    inner = evaluate(expr.expr, context.at(make_steps(first, last, step)))
    assert isinstance(inner, Matrix)  # noqa: S101 - the types were checked with the text.
    return [Windows.of(part, times, expr.range, context.limits) for part in matrix_batches(inner)]


def _first_step(start: int, step: int) -> int:
    """Return the first multiple of the step behind ``start``, which is itself outside of the range."""
    return (start // step + 1) * step


def range_batches(context: Context, expr: Expr, evaluate: Evaluate) -> list[SeriesBatch]:
    """Return the samples of a range vector at the only step there is."""
    extension = extension_of(expr)
    found = []
    for windows in range_windows(context, expr, evaluate):
        inside = slice(int(windows.low[0]), int(windows.high[0]))
        if windows.counts[0] and extension is Extension.NONE:
            values = np.ascontiguousarray(windows.values[:, inside])
            found.append(SeriesBatch(windows.labels, windows.timestamps[inside], values))
        elif windows.counts[0]:
            found.append(with_ends(windows, extension))
    return found


def extension_of(expr: Expr) -> Extension:
    """Return how a range vector is extended."""
    selector = unparenthesise(expr)
    return selector.selector.extension if isinstance(selector, MatrixSelector) else Extension.NONE
