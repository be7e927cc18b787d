"""Range vectors: range selectors and subqueries become windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np

from dashboard.model.samples import IntArray, SeriesBatch
from dashboard.promql.ast import Expr, Extension, MatrixSelector, SubqueryExpr, unparenthesise
from dashboard.promql.context import Context, make_steps
from dashboard.promql.extended import with_ends
from dashboard.promql.matrix import Matrix, Operand
from dashboard.promql.selector import reference_times
from dashboard.promql.slices import fetch_slices
from dashboard.promql.stats import SampleCount
from dashboard.promql.windows import Windows, matrix_batches, split_stale

Evaluate: TypeAlias = Callable[[Expr, Context], Operand]

_INNER_STEPS = 2_000
"""Subqueries are evaluated at about that many steps at once, or for as long as a few of their ranges are."""


def range_windows(context: Context, expr: Expr, evaluate: Evaluate) -> Iterator[tuple[slice, list[Windows]]]:
    """Yield the windows of a range vector for some of the steps at a time: a group for series that share timestamps."""
    for steps, found in _range_windows(context, expr, evaluate):
        if context.samples is not None:
            _count_windows(context, context.samples, found, steps, extension_of(expr))
        yield steps, found


def _count_windows(
    context: Context, samples: SampleCount, found: Iterable[Windows], steps: slice, extension: Extension
) -> None:
    """Count the samples in some windows; of an extended range all that Prometheus reads to extend it."""
    for windows in found:
        counts = windows.counts
        if extension is not Extension.NONE:
            end = windows.times + (context.lookback if extension is Extension.SMOOTHED else 0)
            start = windows.times - windows.length - context.lookback
            low, high = (np.searchsorted(windows.timestamps, at, side="right") for at in (start, end))
            counts = high - low
        samples.add(len(windows.labels) * counts, steps)


def _range_windows(context: Context, expr: Expr, evaluate: Evaluate) -> Iterator[tuple[slice, list[Windows]]]:
    match unparenthesise(expr):
        case MatrixSelector() as selector:
            return _selected(context, selector)
        case SubqueryExpr() as subquery:
            return _evaluated(context, subquery, evaluate)
        case other:
            raise TypeError(other)


def _selected(context: Context, expr: MatrixSelector) -> Iterator[tuple[slice, list[Windows]]]:
    times = reference_times(context, expr.selector.shift)
    extension = expr.selector.extension
    before = expr.range if extension is Extension.NONE else expr.range + context.lookback
    after = context.lookback if extension is Extension.SMOOTHED else 0
    for steps, batches in fetch_slices(context, expr.selector, times, before, after):
        parts = (part for batch in batches for part in split_stale(batch))
        yield steps, [_windows(context, expr, part, times, steps) for part in parts]


def _windows(context: Context, expr: MatrixSelector, batch: SeriesBatch, times: IntArray, steps: slice) -> Windows:
    times = times[steps]
    if expr.selector.extension is Extension.NONE:
        return Windows.of(batch, times, expr.range, context.limits, steps)
    smoothed = expr.selector.extension is Extension.SMOOTHED
    return Windows.extended(batch, times, expr.range, context.limits, context.lookback, smoothed=smoothed)


def _evaluated(context: Context, expr: SubqueryExpr, evaluate: Evaluate) -> Iterator[tuple[slice, list[Windows]]]:
    times = reference_times(context, expr.shift)
    step = expr.step or context.default_step
    for steps in _stretches(times, expr.range, step):
        inner_steps = _inner_steps(context, times[steps], expr.range, step)
        if not len(inner_steps):
            continue
        with context.limits.released():
            inner = evaluate(expr.expr, context.at(inner_steps))
            assert isinstance(inner, Matrix)  # noqa: S101 - the types were checked with the text.
            parts = matrix_batches(inner)
            yield steps, [Windows.of(part, times[steps], expr.range, context.limits, steps) for part in parts]


def _stretches(times: IntArray, length: int, step: int) -> Iterator[slice]:
    """Part the steps, so that the inner steps of each part are not too many, and few belong to two parts."""
    span = max(_INNER_STEPS * step, 4 * length)
    spacing = max(int(times[-1] - times[0]) // max(len(times) - 1, 1), 1)
    count = max(span // spacing, 1)
    for first in range(0, len(times), count):
        yield slice(first, min(first + count, len(times)))


def _inner_steps(context: Context, times: IntArray, length: int, step: int) -> IntArray:
    """Return the multiples of the step that are in the range of any of the times."""
    first, last = _first_step(int(times.min()) - length, step), int(times.max())
    spacing = int(times[1] - times[0]) if len(times) > 1 else 0
    if spacing <= length + step:
        context.limits.check_samples(max(last - first, 0) // step + 1)
        return make_steps(first, last, step) if first <= last else times[:0]
    firsts = (times - length) // step + 1
    counts = times // step + 1 - firsts
    context.limits.check_samples(int(counts.sum()))
    places = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray((np.repeat(firsts, counts) + places) * step)


def _first_step(start: int, step: int) -> int:
    """Return the first multiple of the step behind ``start``, which is itself outside of the range."""
    return (start // step + 1) * step


def range_batches(context: Context, expr: Expr, evaluate: Evaluate) -> list[SeriesBatch]:
    """Return the samples of a range vector at the only step there is."""
    extension = extension_of(expr)
    found = []
    for windows in (each for _, part in _range_windows(context, expr, _counting(evaluate, context)) for each in part):
        inside = slice(int(windows.low[0]), int(windows.high[0]))
        if windows.counts[0] and extension is Extension.NONE:
            values = np.ascontiguousarray(windows.values[:, inside])
            found.append(SeriesBatch(windows.labels, windows.timestamps[inside], values))
        elif windows.counts[0]:
            found.append(with_ends(windows, extension))
    if context.samples is not None and not isinstance(unparenthesise(expr), SubqueryExpr):
        context.samples.add(sum(batch.size for batch in found))
    return found


def _counting(evaluate: Evaluate, context: Context) -> Evaluate:
    """Evaluate a subquery that is the whole query: there Prometheus counts what it was made of."""

    def evaluated(expr: Expr, inner: Context) -> Operand:
        found = evaluate(expr, inner)
        context.count_all_of(inner)
        return found

    return evaluated


def extension_of(expr: Expr) -> Extension:
    """Return how a range vector is extended."""
    selector = unparenthesise(expr)
    return selector.selector.extension if isinstance(selector, MatrixSelector) else Extension.NONE
