"""Quantiles and shares of classic histograms (promql/quantile.go of Prometheus 3).

Native histograms are not stored here: functions that ask for nothing else find nothing.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.literals import InvalidLiteralError, format_general, parse_number, quote
from dashboard.promql.matrix import IndexArray, Matrix, group_rows, stack, without_names
from dashboard.promql.quantiles import beyond, warn_of_wrong

_BUCKET = "le"

# Counts that differ by less, relatively, differ only because floating point sums are inexact.
_SMALL_DELTA = 1e-12

# So many different bounds are not read again each time.
_BOUNDS = 1024

_Calculate: TypeAlias = Callable[[FloatArray, FloatArray, IndexArray], tuple[FloatArray, BoolArray]]
"""What to make of histograms: from their bounds [B] in order, counts [B, C] and the step [C] of each, the values [C];
and where the counts had to be made monotonic."""


def _histogram_quantile(invocation: Invocation) -> Matrix:
    q = invocation.scalar(0)
    warn_of_wrong(invocation.context.remarks, q, invocation.call.arguments[0].span)
    return without_names(_quantiles(_classic(invocation, 1), q))


def _histogram_quantiles(invocation: Invocation) -> Matrix:
    found, label = _classic(invocation, 0), invocation.string(1)
    parts: list[Matrix] = []
    for number in range(2, invocation.count):
        q = invocation.scalar(number)
        warn_of_wrong(invocation.context.remarks, q, invocation.call.arguments[number].span)
        parts += _labelled(_quantiles(found, q), label, q)
    return without_names(stack(invocation.context.steps, parts))


def _labelled(found: Matrix, label: str, q: FloatArray) -> Iterator[Matrix]:
    """Write the quantile into a label: where it changes from step to step, the series are others."""
    for value in np.unique(q).tolist():
        asked = np.isnan(q) if math.isnan(value) else q == value
        labels = [each.merged({label: _openmetrics(value)}) for each in found.labels]
        yield Matrix(labels, found.steps, found.values, found.present & asked).compact()


def _openmetrics(value: float) -> str:
    text = format_general(value)
    return text if not math.isfinite(value) or "e" in text or "." in text else f"{text}.0"


def _quantiles(found: _Classic, q: FloatArray) -> Matrix:
    return found.evaluate(lambda bounds, counts, steps: _bucket_quantile(q[steps], bounds, counts))


def _histogram_fraction(invocation: Invocation) -> Matrix:
    lower, upper = invocation.scalar(0), invocation.scalar(1)

    def fraction(bounds: FloatArray, counts: FloatArray, steps: IndexArray) -> tuple[FloatArray, BoolArray]:
        return _bucket_fraction(lower[steps], upper[steps], bounds, counts), np.zeros(len(steps), dtype=np.bool_)

    return without_names(_classic(invocation, 2).evaluate(fraction))


def _of_native(invocation: Invocation) -> Matrix:
    invocation.vector(0)
    return Matrix.empty(invocation.context.steps)


@dataclass(frozen=True, slots=True)
class _Classic:
    """The classic histograms of a vector: the buckets, the bound of each, and the rows of each histogram."""

    invocation: Invocation
    argument: int
    buckets: Matrix
    bounds: FloatArray
    keys: Sequence[Labels]
    members: Sequence[IndexArray]

    def evaluate(self, calculate: _Calculate) -> Matrix:
        """Return one series for each histogram."""
        shape = (len(self.keys), len(self.buckets.steps))
        values, present = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
        forced: set[str] = set()
        for layout, members in _layouts(self.bounds, self.members):
            histograms = _Histograms(np.array(layout), self.buckets, np.array([rows for _, rows in members]))
            index = [group for group, _ in members]
            values[index], present[index], monotonised = histograms.evaluate(calculate)
            forced.update(self.keys[index[row]].metric_name for row in np.flatnonzero(monotonised.any(axis=1)))
        _inform_of_forcing(self.invocation, self.argument, forced)
        return Matrix(self.keys, self.buckets.steps, values, present).compact()


def _classic(invocation: Invocation, argument: int) -> _Classic:
    found = invocation.vector(argument)
    bounds = _bounds(invocation, argument, found)
    rows = np.flatnonzero(~np.isnan(bounds))
    if not len(rows):
        return _Classic(invocation, argument, Matrix.empty(found.steps), bounds[rows], (), ())
    buckets = found.take(rows)
    groups = group_rows([labels.drop((_BUCKET,)) for labels in buckets.labels])
    return _Classic(invocation, argument, buckets, bounds[rows], groups.keys, groups.members())


def _inform_of_forcing(invocation: Invocation, argument: int, names: set[str]) -> None:
    for name in sorted(names):
        reason = (
            "input to histogram_quantile needed to be fixed for monotonicity "
            "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
        )
        suffix = f" for metric name {quote(name)}" if name else ""
        invocation.context.remarks.inform(reason + suffix, invocation.call.arguments[argument].span)


def _bounds(invocation: Invocation, argument: int, found: Matrix) -> FloatArray:
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
            invocation.context.remarks.warn(reason, invocation.call.arguments[argument].span)
    return np.array(bounds)


@functools.lru_cache(_BOUNDS)
def parse_bound(text: str) -> float:
    """Read the value of a label ``le``.

    Raises:
        InvalidLiteralError: it is no number.
    """
    sign = -1.0 if text.startswith("-") else 1.0
    return sign * parse_number(text[1:] if text[:1] in ("+", "-") else text)


def _layouts(
    bounds: FloatArray, members: Sequence[IndexArray]
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

    def evaluate(self, calculate: _Calculate) -> tuple[FloatArray, BoolArray, BoolArray]:
        """Return values, presence and what had to be made monotonic: [histograms, steps] each."""
        values = np.full(self._present.shape[1], np.nan)
        forced = np.zeros(values.shape, dtype=np.bool_)
        steps = np.tile(np.arange(self._shape[1]), self._shape[0])
        for columns, buckets in _patterns(self._present):
            counts = self._counts[buckets][:, columns]
            values[columns], forced[columns] = calculate(self._bounds[buckets], counts, steps[columns])
        there: BoolArray = np.logical_or.reduce(self._present, axis=0)
        return values.reshape(self._shape), there.reshape(self._shape), forced.reshape(self._shape)


def _patterns(present: BoolArray) -> Iterator[tuple[IndexArray | slice, IndexArray | slice]]:
    """Yield the columns that have the same buckets, and those buckets; columns without any are left out."""
    if present.all():
        yield slice(None), slice(None)
        return
    packed = np.ascontiguousarray(np.packbits(present, axis=0).T)
    _, first, kinds = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    for kind, column in enumerate(first):
        buckets = np.flatnonzero(present[:, column])
        if len(buckets):
            yield np.flatnonzero(kinds.reshape(-1) == kind), buckets


def _bucket_quantile(q: FloatArray, bounds: FloatArray, counts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Interpolate: ``bounds`` is [B] in order, ``counts`` [B, C] is cumulative, ``q`` has an entry a column."""
    bounds, counts = _coalesced(bounds, counts)
    if bounds[-1] != np.inf or len(bounds) < 2:
        return beyond(q, np.full(q.shape, np.nan)), np.zeros(q.shape, dtype=np.bool_)
    counts, forced = _monotonic(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _interpolate(np.clip(q, 0, 1) * counts[-1], bounds, counts)
    found = np.where(counts[-1] == 0, np.nan, found)
    forced &= (counts[-1] != 0) & (q >= 0) & (q <= 1)
    return beyond(q, found), forced


def _coalesced(bounds: FloatArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Add up the buckets with the same bound."""
    starts = np.flatnonzero(np.concatenate(([True], bounds[1:] != bounds[:-1])))
    return bounds[starts], np.add.reduceat(counts, starts, axis=0)


def _monotonic(counts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Remove every decrease, and say where there was one (``ensureMonotonicAndIgnoreSmallDeltas``)."""
    forced = np.zeros(counts.shape[1], dtype=np.bool_)
    before, current = counts[:-1], counts[1:]
    odd = np.flatnonzero(((current < before) | _almost_equal(before, current) & (current != before)).any(axis=0))
    if len(odd):
        counts = counts.copy()
        counts[:, odd], forced[odd] = _levelled(counts[:, odd])
    return counts, forced


def _levelled(counts: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Let no bucket count less than the one before, or hardly more, and say where one counted less."""
    forced = np.zeros(counts.shape[1], dtype=np.bool_)
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


def _bucket_fraction(lower: FloatArray, upper: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """Return the share of observations between two values, which have an entry a column (``BucketFraction``)."""
    bounds, counts = _coalesced(bounds, counts)
    total = counts[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (_rank(upper, bounds, counts) - _rank(lower, bounds, counts)) / total
    unknown = np.isnan(lower) | np.isnan(upper) | (total == 0) | (bounds[-1] != np.inf)
    return np.select([unknown, lower >= upper], [np.nan, 0.0], found)


def _rank(value: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """Return how many observations are below a value: linear within its bucket, as far as that has two ends."""
    columns = np.arange(len(value))
    bucket = np.searchsorted(bounds, value, side="left")
    inside = np.minimum(bucket, len(bounds) - 1)
    lowest = 0.0 if bounds[0] > 0 else -np.inf
    low = np.where(inside > 0, bounds[np.maximum(inside - 1, 0)], lowest)
    before = np.where(inside > 0, counts[np.maximum(inside - 1, 0), columns], 0.0)
    counted = counts[inside, columns]
    share = (value - low) / (bounds[inside] - low)
    rank = np.where(np.isinf(low), counted, before + (counted - before) * share)
    rank = np.select([value <= low, value == bounds[inside]], [before, counted], rank)
    return np.asarray(np.minimum(rank, counts[-1]))


HISTOGRAMS: dict[str, Function] = {
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
    "histogram_fraction": _histogram_fraction,
    **dict.fromkeys(
        ("histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"), _of_native
    ),
}
