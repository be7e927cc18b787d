"""Vector selectors: the latest sample of each series at each step (``vectorSelectorSingle`` of promql/engine.go)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from dashboard.model.samples import FloatArray, IntArray, SeriesBatch, is_stale
from dashboard.promql.ast import Edge, Extension, Shift, VectorSelector
from dashboard.promql.context import Context
from dashboard.promql.extended import smoothed_values
from dashboard.promql.matrix import Matrix, row_order
from dashboard.promql.slices import fetch_slices, put_together, stacked
from dashboard.promql.windows import split_stale

_Look: TypeAlias = Callable[[SeriesBatch, IntArray, IntArray], Matrix]
"""What a batch shows at some steps, from the steps and the times at which the selector looks then: int64[T] both."""

_Show: TypeAlias = Callable[[IntArray, FloatArray], FloatArray]
"""What to show of the samples that were found: of their timestamps, int64[T], and values, float64[S, T]."""


def reference_times(context: Context, shift: Shift) -> IntArray:
    """Return the time at which a selector looks, for each step: int64[T]."""
    if shift.at is None:
        return context.steps - shift.offset
    fixed = {Edge.START: context.start, Edge.END: context.end}
    at = fixed[shift.at] if isinstance(shift.at, Edge) else shift.at
    return np.full(context.count, at - shift.offset, dtype=np.int64)


def select_instant(context: Context, selector: VectorSelector) -> Matrix:
    """Return the latest sample of each series in ``(t - lookback, t]``, unless it is a staleness marker.

    A ``smoothed`` selector returns what lies on the line from there to the next sample instead.
    """
    lookback = context.lookback
    if selector.extension is Extension.SMOOTHED:
        return _select(context, selector, partial(_smoothed, lookback), after=lookback)
    return _select(context, selector, partial(_latest, lookback, lambda _, values: values))


def select_timestamps(context: Context, selector: VectorSelector) -> Matrix:
    """Return, instead of the values that :func:`select_instant` finds, the seconds at which they were sampled."""

    def show(times: IntArray, values: FloatArray) -> FloatArray:
        return np.broadcast_to(times / 1000, values.shape)

    return _select(context, selector, partial(_latest, context.lookback, show))


def _select(context: Context, selector: VectorSelector, look: _Look, after: int = 0) -> Matrix:
    times = reference_times(context, selector.shift)
    parts = []
    for steps, batches in fetch_slices(context, selector, times, context.lookback, after):
        found = [
            look(part, context.steps[steps], times[steps])
            for batch in batches
            for part in (split_stale(batch) if after else [batch])
        ]
        parts.append(stacked(context, steps, found))
    whole = sort_rows(put_together(context, parts))
    # What a smoothed selector looks at Prometheus does not count.
    if context.samples is not None and not after:
        context.samples.add(whole.present.sum(axis=0))
    return whole


def _latest(lookback: int, show: _Show, batch: SeriesBatch, steps: IntArray, times: IntArray) -> Matrix:
    index = np.searchsorted(batch.timestamps, times, side="right") - 1
    covered = index >= 0
    index[~covered] = 0
    sampled, values = batch.timestamps[index], batch.take(index)
    covered &= sampled > times - lookback
    if batch.is_plain:
        return Matrix(batch.labels, steps, show(sampled, values), np.broadcast_to(covered, values.shape))
    stale = is_stale(values)
    # The marker is a signalling NaN, at which arithmetic would raise an alarm though nobody sees the result.
    values[stale] = np.nan
    return Matrix(batch.labels, steps, show(sampled, values), covered & ~stale)


def _smoothed(lookback: int, batch: SeriesBatch, steps: IntArray, times: IntArray) -> Matrix:
    values, there = smoothed_values(batch, times, lookback)
    return Matrix(batch.labels, steps, values, np.broadcast_to(there, values.shape))


def sort_rows(matrix: Matrix) -> Matrix:
    """Put series in the order of their labels, so that the order of an answer does not depend on the storage."""
    order = row_order(matrix.labels)
    return matrix if order == list(range(len(order))) else matrix.take(order)
