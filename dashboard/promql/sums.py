"""Sums that lose nothing that Prometheus's compensated sums keep (Kahan and Neumaier; ``kahansum`` there).

Each term is split into a coarse part, of few enough bits that such parts add up without rounding, and the small rest:
two plain sums together are then as good as a compensated one, unless the terms nearly cancel, or overflow. The few
sums that are small beside their terms, or infinite, are added up again as Prometheus does it, term by term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.context import Limits
from dashboard.promql.matrix import Groups, IndexArray, Matrix
from dashboard.promql.windows import Windows

_CANCELLED = 1e-4
"""Below this ratio of a sum to the sum of its terms' magnitudes, the plain sum may be off by more than 1e-11."""

_EXACT_INTEGERS = 2.0**53

_AT_ONCE = 1 << 20
"""The most terms that are added up term by term at once."""

_SPLIT = 1.5 * 2.0**27
"""Times a power of two that is no less than a number, and added to it, this leaves it 25 bits before the point."""

_FEW_GROUPS = 32
"""Up to so many groups are faster reduced one by one, if there are more terms than ``_SMALL``."""

_SMALL = 4096
"""Fewer terms than that are added up in one call, however few the groups are."""

_LARGEST = 2.0**900
"""Beyond that, the splitting itself would overflow."""

_Combine = Callable[[FloatArray, FloatArray], FloatArray]
"""What to make of the sums of the coarse parts and of the rests."""

_Add = Callable[[FloatArray, BoolArray, Limits], FloatArray]
"""Adds up terms float64[K, W], of which those count where the mask bool[K, W] says so; W is one at least."""


def window_sums(windows: Windows) -> FloatArray:
    """Return the sum of each window: float64[S, T]."""
    return _of_windows(windows, compensated_sums, _sum)


def window_means(windows: Windows) -> FloatArray:
    """Return the mean of each window: float64[S, T]; it is finite wherever its samples are."""
    return _of_windows(windows, compensated_means, _mean_of(np.maximum(windows.counts, 1)))


def _of_windows(windows: Windows, exactly: _Add, combine: _Combine) -> FloatArray:
    parts = [_of_some_windows(part, exactly, combine) for part in windows.by_rows()]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _of_some_windows(windows: Windows, exactly: _Add, combine: _Combine) -> FloatArray:
    with np.errstate(invalid="ignore", over="ignore"):
        parts = _split(windows.values, axis=1)
        sums = windows.reduce(np.add, parts.coarse)
        found = combine(sums, windows.reduce(np.add, parts.rest))
        magnitudes = sums if parts.same_sign else windows.reduce(np.add, np.abs(windows.values))
        doubtful = _doubtful(sums, magnitudes, windows.values, lambda: windows.reduce(np.fmax, np.abs(windows.values)))
        suspects = np.argwhere(doubtful & (windows.counts > 0))
        for part in _slices(suspects, int(windows.counts.max(initial=1))):
            windows.limits.check_time()
            rows, steps = part.T
            places = np.arange(int(windows.counts[steps].max()))
            inside = places < windows.counts[steps, None]
            index = np.minimum(windows.low[steps, None] + places, len(windows.timestamps) - 1)
            found[rows, steps] = exactly(windows.values[rows[:, None], index], inside, windows.limits)
    return found


def group_sums(matrix: Matrix, groups: Groups, limits: Limits) -> FloatArray:
    """Return the sum of each group at each step: float64[G, T]; 0 where nothing is present."""
    return _of_groups(matrix, groups, limits, compensated_sums, _sum)


def group_means(matrix: Matrix, groups: Groups, limits: Limits) -> FloatArray:
    """Return the mean of each group at each step: float64[G, T]; it is finite wherever its samples are."""
    counts = np.maximum(_reduce_groups(matrix.present.astype(np.float64), groups), 1)
    return _of_groups(matrix, groups, limits, compensated_means, _mean_of(counts))


def _of_groups(matrix: Matrix, groups: Groups, limits: Limits, exactly: _Add, combine: _Combine) -> FloatArray:
    values = matrix.values if matrix.present.all() else np.where(matrix.present, matrix.values, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        parts = _split(values, axis=0)
        sums = _reduce_groups(parts.coarse, groups)
        found = combine(sums, _reduce_groups(parts.rest, groups))
        magnitudes = sums if parts.same_sign else _reduce_groups(np.abs(values), groups)
        doubtful = _doubtful(sums, magnitudes, values, lambda: _reduce_groups(np.abs(values), groups, np.fmax))
        for group in np.flatnonzero(doubtful.any(axis=1)).tolist():
            rows = groups.rows(group)
            for part in _slices(np.flatnonzero(doubtful[group])[:, None], len(rows)):
                limits.check_time()
                steps = part[:, 0]
                found[group, steps] = exactly(matrix.values[rows][:, steps].T, matrix.present[rows][:, steps].T, limits)
    return found


def sums_along(terms: FloatArray, counted: BoolArray) -> FloatArray:
    """Add up terms along the last axis, of those that count."""
    with np.errstate(invalid="ignore", over="ignore"):
        parts = _split(np.where(counted, terms, 0.0), axis=-1)
        return np.asarray(parts.coarse.sum(axis=-1) + parts.rest.sum(axis=-1))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Numbers in two parts, which add up to them; along an axis, 2 ** 25 coarse parts add up exactly."""

    coarse: FloatArray
    rest: FloatArray
    same_sign: bool
    """Whether no number is negative, or none is positive."""


def _split(values: FloatArray, axis: int) -> _Parts:
    lowest, highest = (np.asarray(of(values, axis=axis, keepdims=True, initial=0.0)) for of in (np.min, np.max))
    same_sign = bool((lowest >= 0).all() or (highest <= 0).all())
    sizes = np.maximum(-lowest, highest)
    if (sizes < _LARGEST).all():
        splitter = np.ldexp(_SPLIT, np.frexp(sizes)[1])
        coarse = values + splitter
        coarse -= splitter
        return _Parts(coarse, values - coarse, same_sign)
    finite = np.isfinite(values)
    sizes = np.abs(values).max(axis=axis, keepdims=True, initial=0.0, where=finite)
    splitter = np.where(sizes < _LARGEST, np.ldexp(_SPLIT, np.frexp(sizes)[1]), 0.0)
    coarse = np.where(finite & (splitter > 0), (values + splitter) - splitter, values)
    return _Parts(coarse, np.where(finite, values - coarse, 0.0), _same_sign(values))


def _sum(coarse: FloatArray, rest: FloatArray) -> FloatArray:
    # What is infinite or no number has no rest.
    return coarse + rest


def _mean_of(counts: IndexArray | FloatArray) -> _Combine:
    def mean(coarse: FloatArray, rest: FloatArray) -> FloatArray:
        total = coarse + rest
        lost = np.where(np.isfinite(total), rest - (total - coarse), 0.0)
        return np.asarray(total / counts + lost / counts)

    return mean


def _reduce_groups(values: FloatArray, groups: Groups, ufunc: np.ufunc = np.add) -> FloatArray:
    if len(groups.keys) <= _FEW_GROUPS and values.size > _SMALL:
        return np.stack([ufunc.reduce(values[rows], axis=0) for rows in groups.members()])
    return np.asarray(ufunc.reduceat(values[groups.order], groups.starts, axis=0))


def _slices(items: IndexArray, width: int) -> Iterator[IndexArray]:
    """Part the places of sums, of at most ``width`` terms each."""
    count = max(_AT_ONCE // max(width, 1), 1)
    for first in range(0, len(items), count):
        yield items[first : first + count]


def _same_sign(values: FloatArray) -> bool:
    return bool(values.size == 0 or np.fmin.reduce(values, axis=None) >= 0 or np.fmax.reduce(values, axis=None) <= 0)


def _doubtful(
    sums: FloatArray, magnitudes: FloatArray, values: FloatArray, greatest: Callable[[], FloatArray]
) -> BoolArray:
    """Say which sums may not be what term by term would give: they cancelled, or overflowed.

    ``magnitudes`` are the sums of the terms' magnitudes, ``greatest`` tells the greatest of these.
    """
    suspect = np.isfinite(magnitudes) & (np.abs(sums) < _CANCELLED * magnitudes)
    if suspect.any() and np.nanmax(magnitudes) < _EXACT_INTEGERS and bool((values == np.rint(values)).all()):
        suspect[:] = False
    infinite = np.isinf(magnitudes)
    return suspect | (infinite & np.isfinite(greatest())) if infinite.any() else suspect


# Term by term, for many sums at once.


def compensated_sums(terms: FloatArray, counted: BoolArray, limits: Limits) -> FloatArray:
    """Return the sum of each row's terms (``kahanSumInc`` in promql/functions.go)."""
    total, lost = np.zeros(len(terms)), np.zeros(len(terms))
    with np.errstate(invalid="ignore", over="ignore"):
        for column in range(terms.shape[1]):
            limits.check_time()
            there = counted[:, column]
            after, missed = _added(terms[:, column], total, lost)
            total, lost = np.where(there, after, total), np.where(there, missed, lost)
        return total + lost


def compensated_means(terms: FloatArray, counted: BoolArray, limits: Limits) -> FloatArray:
    """Return the mean of each row's terms: of the sum, and as a running mean from where the sum overflows on."""
    state = _Means(len(terms))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        for column in range(terms.shape[1]):
            limits.check_time()
            state.take(terms[:, column], counted[:, column])
        return state.means()


class _Means:
    """The running means of rows."""

    def __init__(self, rows: int) -> None:
        self._count = np.zeros(rows)
        self._total = np.zeros(rows)
        """The sum, or the mean of a row that is running."""
        self._lost = np.zeros(rows)
        self._running = np.zeros(rows, dtype=np.bool_)

    def take(self, terms: FloatArray, there: BoolArray) -> None:
        self._count += there
        count = self._count
        after, missed = _added(terms, self._total, self._lost)
        # The first term is never an overflow: an infinite one is what it is.
        overflown = there & ~self._running & np.isinf(after) & (count > 1)
        self._total = np.where(overflown, self._total / (count - 1), self._total)
        self._lost = np.where(overflown, self._lost / (count - 1), self._lost)
        self._running |= overflown
        share = (count - 1) / count
        mean, error = _added(terms / count, share * self._total, share * self._lost)
        self._total = np.where(there, np.where(self._running, mean, after), self._total)
        self._lost = np.where(there, np.where(self._running, error, missed), self._lost)

    def means(self) -> FloatArray:
        count = np.maximum(self._count, 1)
        of_sums = self._total / count + self._lost / count
        return np.asarray(np.where(self._running, self._total + self._lost, of_sums))


def _added(term: FloatArray, total: FloatArray, lost: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sums with one more term each, and what rounding has lost of them so far."""
    after = total + term
    larger = np.abs(total) >= np.abs(term)
    missed = np.where(larger, (total - after) + term, (term - after) + total)
    return after, np.where(np.isinf(after), 0.0, lost + missed)
