"""Vector selectors: the latest sample of each series at each step (``vectorSelectorSingle`` of promql/engine.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from dashboard.model.samples import FloatArray, IntArray, SampleLimitError, SeriesBatch, is_stale
from dashboard.promql.ast import Edge, Extension, Shift, VectorSelector
from dashboard.promql.context import Context
from dashboard.promql.errors import TooManySamplesError
from dashboard.promql.extended import smoothed_values
from dashboard.promql.matrix import Matrix, row_order, stack
from dashboard.promql.windows import split_stale

_Show: TypeAlias = Callable[[IntArray, FloatArray], FloatArray]
"""What to show of the samples that were found: of their timestamps, int64[T], and values, float64[S, T]."""


def reference_times(context: Context, shift: Shift) -> IntArray:
    """Return the time at which a selector looks, for each step: int64[T]."""
    if shift.at is None:
        return context.steps - shift.offset
    fixed = {Edge.START: context.start, Edge.END: context.end}
    at = fixed[shift.at] if isinstance(shift.at, Edge) else shift.at
    return np.full(context.count, at - shift.offset, dtype=np.int64)


def fetch(context: Context, selector: VectorSelector, start: int, end: int) -> list[SeriesBatch]:
    """Return the samples of a selector's series from ``start`` to ``end``, both included; no batch is empty.

    Raises:
        TooManySamplesError: there are more samples than the query may have in memory; none of them was read.
    """
    context.limits.check_time()
    try:
        batches = context.queryable.select(selector.matchers, start, end, most=context.limits.max_samples)
    except SampleLimitError as error:
        raise TooManySamplesError from error
    return [batch for batch in batches if batch.labels and len(batch.timestamps)]


def select_instant(context: Context, selector: VectorSelector) -> Matrix:
    """Return the latest sample of each series in ``(t - lookback, t]``, unless it is a staleness marker.

    A ``smoothed`` selector returns what lies on the line from there to the next sample instead.
    """
    if selector.extension is Extension.SMOOTHED:
        return _select_smoothed(context, selector)
    return _select(context, selector, lambda _, values: values)


def _select_smoothed(context: Context, selector: VectorSelector) -> Matrix:
    times, lookback = reference_times(context, selector.shift), context.lookback
    batches = fetch(context, selector, int(times.min()) - lookback + 1, int(times.max()) + lookback)
    context.limits.check_samples(sum(len(batch.labels) for batch in batches) * context.count)
    found = []
    for part in (part for batch in batches for part in split_stale(batch)):
        values, there = smoothed_values(part, times, lookback)
        found.append(Matrix(part.labels, context.steps, values, np.broadcast_to(there, values.shape)))
    return sort_rows(stack(context.steps, found).compact())


def select_timestamps(context: Context, selector: VectorSelector) -> Matrix:
    """Return, instead of the values that :func:`select_instant` finds, the seconds at which they were sampled."""
    return _select(context, selector, lambda times, values: np.broadcast_to(times / 1000, values.shape))


def _select(context: Context, selector: VectorSelector, show: _Show) -> Matrix:
    times = reference_times(context, selector.shift)
    batches = fetch(context, selector, int(times.min()) - context.lookback + 1, int(times.max()))
    context.limits.check_samples(sum(len(batch.labels) for batch in batches) * context.count)
    found = [_latest(context, batch, times, show) for batch in batches]
    return sort_rows(stack(context.steps, found).compact())


def _latest(context: Context, batch: SeriesBatch, times: IntArray, show: _Show) -> Matrix:
    index = np.searchsorted(batch.timestamps, times, side="right") - 1
    covered = index >= 0
    index[~covered] = 0
    sampled, values = batch.timestamps[index], batch.values[:, index]
    covered &= sampled > times - context.lookback
    stale = is_stale(values)
    # The marker is a signalling NaN, at which arithmetic would raise an alarm though nobody sees the result.
    values[stale] = np.nan
    return Matrix(batch.labels, context.steps, show(sampled, values), covered & ~stale)


def sort_rows(matrix: Matrix) -> Matrix:
    """Put series in the order of their labels, so that the order of an answer does not depend on the storage."""
    return matrix.take(row_order(matrix.labels))
