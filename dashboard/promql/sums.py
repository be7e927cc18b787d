"""Sums that lose nothing that Prometheus's compensated sums keep (Kahan and Neumaier; ``kahansum`` there).

A plain sum is as good unless its terms nearly cancel. So everything is added up plainly, and only the few sums that
are small beside their terms are added up again, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.context import Limits
from dashboard.promql.matrix import Groups, Matrix
from dashboard.promql.windows import Windows

_CANCELLED = 1e-4
"""Below this ratio of a sum to the sum of its terms' magnitudes, the plain sum may be off by more than 1e-11."""

_EXACT_INTEGERS = 2.0**53

# Far enough from the largest float64 for any number of terms, and a power of two, so that scaling is exact.
_SCALE = 2.0**-64


def window_sums(windows: Windows) -> FloatArray:
    """Return the sum of each window: float64[S, T]."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = windows.reduce(np.add, windows.values)
        if not _same_sign(windows.values):
            magnitudes = windows.reduce(np.add, np.abs(windows.values))
            for row, step in np.argwhere(_cancelled(sums, magnitudes, windows.values)):
                windows.limits.check_time()
                sums[row, step] = math.fsum(windows.values[row, windows.low[step] : windows.high[step]].tolist())
    return sums


def window_means(windows: Windows) -> FloatArray:
    """Return the mean of each window: float64[S, T]; it is finite wherever its samples are."""
    sums = window_sums(windows)
    means = sums / np.maximum(windows.counts, 1)
    for row, step in np.argwhere(_overflown(sums, lambda: windows.reduce(np.fmax, np.abs(windows.values)))):
        windows.limits.check_time()
        means[row, step] = _scaled_mean(windows.values[row, windows.low[step] : windows.high[step]])
    return means


def group_sums(matrix: Matrix, groups: Groups, limits: Limits) -> FloatArray:
    """Return the sum of each group at each step: float64[G, T]; 0 where nothing is present."""
    values = np.where(matrix.present, matrix.values, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = _reduce_groups(values, groups)
        if not _same_sign(values):
            magnitudes = _reduce_groups(np.abs(values), groups)
            members = groups.members()
            for group, step in np.argwhere(_cancelled(sums, magnitudes, values)):
                limits.check_time()
                sums[group, step] = math.fsum(values[members[group], step].tolist())
    return sums


def group_means(matrix: Matrix, groups: Groups, limits: Limits) -> FloatArray:
    """Return the mean of each group at each step: float64[G, T]; it is finite wherever its samples are."""
    sums = group_sums(matrix, groups, limits)
    means = sums / np.maximum(_reduce_groups(matrix.present.astype(np.float64), groups), 1)
    members = groups.members()
    values = np.where(matrix.present, matrix.values, 0.0)
    for group, step in np.argwhere(_overflown(sums, lambda: _reduce_groups(np.abs(values), groups, np.fmax))):
        limits.check_time()
        rows = members[group]
        means[group, step] = _scaled_mean(matrix.values[rows, step][matrix.present[rows, step]])
    return means


def _reduce_groups(values: FloatArray, groups: Groups, ufunc: np.ufunc = np.add) -> FloatArray:
    return np.asarray(ufunc.reduceat(values[groups.order], groups.starts, axis=0))


def _same_sign(values: FloatArray) -> bool:
    return bool(values.size == 0 or np.fmin.reduce(values, axis=None) >= 0 or np.fmax.reduce(values, axis=None) <= 0)


def _cancelled(sums: FloatArray, magnitudes: FloatArray, values: FloatArray) -> BoolArray:
    suspect = np.isfinite(magnitudes) & (np.abs(sums) < _CANCELLED * magnitudes)
    if suspect.any() and np.nanmax(magnitudes) < _EXACT_INTEGERS and bool((values == np.rint(values)).all()):
        return np.zeros_like(suspect)
    return suspect


def _overflown(sums: FloatArray, greatest: Callable[[], FloatArray]) -> BoolArray:
    """Say which sums are infinite though none of their terms is; ``greatest`` tells the terms' magnitudes."""
    infinite = np.isinf(sums)
    return infinite & np.isfinite(greatest()) if infinite.any() else infinite


def _scaled_mean(values: FloatArray) -> float:
    return math.fsum((values * _SCALE).tolist()) / len(values) / _SCALE
