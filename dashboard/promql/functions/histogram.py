"""Quantiles of classic histograms (``bucketQuantile`` in promql/quantile.go of Prometheus 3)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.literals import InvalidLiteralError, parse_number, quote
from dashboard.promql.matrix import IndexArray, Matrix, group_rows, without_names
from dashboard.promql.quantiles import warn_of_wrong

_BUCKET = "le"

# Counts that differ by less, relatively, differ only because floating point sums are inexact.
_SMALL_DELTA = 1e-12


def _histogram_quantile(invocation: Invocation) -> Matrix:
    q, found = invocation.scalar(0), invocation.vector(1)
    warn_of_wrong(invocation.context.remarks, q, invocation.call.arguments[0].span)
    bounds = _bounds(invocation, found)
    rows = np.flatnonzero(~np.isnan(bounds))
    if not len(rows):
        return Matrix.empty(found.steps)
    buckets = found.take(rows)
    groups = group_rows([labels.drop((_BUCKET,)) for labels in buckets.labels])
    values = np.full((len(groups.keys), len(found.steps)), np.nan)
    present = np.zeros(values.shape, dtype=np.bool_)
    forced: set[str] = set()
    for layout, members in _layouts(bounds[rows], groups.members()):
        histograms = _Histograms(np.array(layout), buckets, np.array([rows for _, rows in members]))
        index = [group for group, _ in members]
        values[index], present[index], monotonised = histograms.quantile(q)
        forced.update(buckets.labels[members[row][1][0]].metric_name for row in np.flatnonzero(monotonised.any(axis=1)))
    _inform_of_forcing(invocation, forced)
    return without_names(Matrix(groups.keys, found.steps, values, present).compact())


def _inform_of_forcing(invocation: Invocation, names: set[str]) -> None:
    for name in sorted(names):
        reason = (
            "input to histogram_quantile needed to be fixed for monotonicity "
            "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
        )
        suffix = f" for metric name {quote(name)}" if name else ""
        invocation.context.remarks.inform(reason + suffix, invocation.call.arguments[1].span)


def _bounds(invocation: Invocation, found: Matrix) -> FloatArray:
    """Return the upper bound of each bucket; NaN where the label says none."""
    bounds = []
    for labels in found.labels:
        text = labels.get(_BUCKET)
        try:
            bounds.append(parse_bound(text))
        except InvalidLiteralError:
            bounds.append(math.nan)
            name = labels.metric_name
            suffix = f" for metric name {quote(name)}" if name else ""
            reason = f'bucket label "le" is missing or has a malformed value of {quote(text)}{suffix}'
            invocation.context.remarks.warn(reason, invocation.call.arguments[1].span)
    return np.array(bounds)


def parse_bound(text: str) -> float:
    """Read the value of a label ``le``.

    Raises:
        InvalidLiteralError: it is no number.
    """
    sign = -1.0 if text.startswith("-") else 1.0
    return sign * parse_number(text[1:] if text[:1] in ("+", "-") else text)


def _layouts(
    bounds: FloatArray, members: list[IndexArray]
) -> Iterator[tuple[tuple[float, ...], list[tuple[int, IndexArray]]]]:
    """Put the histograms with the same bounds together: the bounds, in order, and each group's rows in that order."""
    layouts: dict[tuple[float, ...], list[tuple[int, IndexArray]]] = {}
    for group, rows in enumerate(members):
        ordered = rows[np.argsort(bounds[rows], kind="stable")]
        layouts.setdefault(tuple(bounds[ordered].tolist()), []).append((group, ordered))
    yield from layouts.items()


class _Histograms:
    """Histograms with the same bounds, at all steps: each column is one histogram at one step."""

    def __init__(self, bounds: FloatArray, buckets: Matrix, rows: IndexArray) -> None:
        self._bounds = bounds
        self._shape = (len(rows), len(buckets.steps))
        columns = (len(bounds), len(rows) * len(buckets.steps))
        self._counts = buckets.values[rows].transpose(1, 0, 2).reshape(columns)
        self._present = buckets.present[rows].transpose(1, 0, 2).reshape(columns)

    def quantile(self, q: FloatArray) -> tuple[FloatArray, BoolArray, BoolArray]:
        """Return values, presence and what had to be made monotonic: [histograms, steps] each."""
        values = np.full(self._present.shape[1], np.nan)
        forced = np.zeros(values.shape, dtype=np.bool_)
        asked = np.tile(q, self._shape[0])
        for columns, present in _patterns(self._present):
            counts = self._counts[np.ix_(present, columns)]
            values[columns], forced[columns] = _bucket_quantile(asked[columns], self._bounds[present], counts)
        forced &= (asked >= 0) & (asked <= 1)
        there: BoolArray = np.logical_or.reduce(self._present, axis=0)
        return values.reshape(self._shape), there.reshape(self._shape), forced.reshape(self._shape)


def _patterns(present: BoolArray) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Yield the columns that have the same buckets, and those buckets; columns without any are left out."""
    packed = np.ascontiguousarray(np.packbits(present, axis=0).T)
    _, first, kinds = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    for kind, column in enumerate(first):
        buckets = np.flatnonzero(present[:, column])
        if len(buckets):
            yield np.flatnonzero(kinds.reshape(-1) == kind), buckets


def _bucket_quantile(q: FloatArray, bounds: FloatArray, counts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Interpolate: ``bounds`` is [B] in order, ``counts`` [B, C] is cumulative, ``q`` has an entry a column."""
    outside = [np.isnan(q), q < 0, q > 1]
    nothing = np.zeros(q.shape, dtype=np.bool_)
    starts = np.flatnonzero(np.concatenate(([True], bounds[1:] != bounds[:-1])))
    bounds = bounds[starts]
    if bounds[-1] != np.inf or len(bounds) < 2:
        return np.select(outside, [np.nan, -np.inf, np.inf], np.nan), nothing
    counts, forced = _monotonic(np.add.reduceat(counts, starts, axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _interpolate(np.clip(q, 0, 1) * counts[-1], bounds, counts)
    found = np.where(counts[-1] == 0, np.nan, found)
    return np.select(outside, [np.nan, -np.inf, np.inf], found), forced & (counts[-1] != 0)


def _monotonic(counts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Remove every decrease, and say where there was one (``ensureMonotonicAndIgnoreSmallDeltas``)."""
    forced = np.zeros(counts.shape[1], dtype=np.bool_)
    counts = counts.copy()
    for before, current in itertools.pairwise(counts):
        small = _almost_equal(before, current)
        fallen = ~small & (current < before)
        forced |= fallen
        np.copyto(current, before, where=small | fallen)
    return counts, forced


def _almost_equal(left: FloatArray, right: FloatArray) -> BoolArray:
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.minimum(np.abs(left) + np.abs(right), np.finfo(np.float64).max)
        equal: BoolArray = (left != 0) & (right != 0) & (np.abs(left - right) < _SMALL_DELTA * total)
    return equal


def _interpolate(rank: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """Return the value of a rank: linear within its bucket, whose lower end is 0 for the first one above 0."""
    columns = np.arange(len(rank))
    reached = counts[:-1] >= rank
    bucket = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
    below = np.maximum(bucket - 1, 0)
    low = np.where(bucket > 0, bounds[below], 0.0)
    counted = np.where(bucket > 0, counts[below, columns], 0.0)
    share = (rank - counted) / (counts[bucket, columns] - counted)
    found = low + (bounds[bucket] - low) * share
    found = np.where(bucket == len(bounds) - 1, bounds[-2], found)
    return np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], found)


HISTOGRAMS: dict[str, Function] = {"histogram_quantile": _histogram_quantile}
