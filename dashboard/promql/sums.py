"""Sums that lose nothing that Prometheus's compensated sums keep (Kahan and Neumaier; ``kahansum`` there).

A plain sum is as good unless its terms nearly cancel. So everything is added up plainly, and only the few sums that
are small beside their terms are added up again, exactly.
"""

from __future__ import annotations

import math

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray
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
                sums[row, step] = math.fsum(windows.values[row, windows.low[step] : windows.high[step]].tolist())
    return sums


def window_means(windows: Windows) -> FloatArray:
    """Return the mean of each window: float64[S, T]; it is finite wherever its samples are."""
    sums = window_sums(windows)
    means = sums / np.maximum(windows.counts, 1)
    for row, step in np.argwhere(np.isinf(sums) & (windows.counts > 0)):
        means[row, step] = _scaled_mean(windows.values[row, windows.low[step] : windows.high[step]])
    return means


def group_sums(matrix: Matrix, groups: Groups) -> FloatArray:
    """Return the sum of each group at each step: float64[G, T]; 0 where nothing is present."""
    values = np.where(matrix.present, matrix.values, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = _reduce_groups(values, groups)
        if not _same_sign(values):
            magnitudes = _reduce_groups(np.abs(values), groups)
            members = groups.members()
            for group, step in np.argwhere(_cancelled(sums, magnitudes, values)):
                sums[group, step] = math.fsum(values[members[group], step].tolist())
    return sums


def group_means(matrix: Matrix, groups: Groups, counts: FloatArray) -> FloatArray:
    """Return the mean of each group at each step: float64[G, T]; it is finite wherever its samples are."""
    sums = group_sums(matrix, groups)
    means = sums / np.maximum(counts, 1)
    members = groups.members()
    for group, step in np.argwhere(np.isinf(sums)):
        rows = members[group]
        means[group, step] = _scaled_mean(matrix.values[rows, step][matrix.present[rows, step]])
    return means


def _reduce_groups(values: FloatArray, groups: Groups) -> FloatArray:
    return np.asarray(np.add.reduceat(values[groups.order], groups.starts, axis=0))


def _same_sign(values: FloatArray) -> bool:
    return bool(values.size == 0 or np.fmin.reduce(values, axis=None) >= 0 or np.fmax.reduce(values, axis=None) <= 0)


def _cancelled(sums: FloatArray, magnitudes: FloatArray, values: FloatArray) -> BoolArray:
    suspect = np.isfinite(magnitudes) & (np.abs(sums) < _CANCELLED * magnitudes)
    if suspect.any() and np.nanmax(magnitudes) < _EXACT_INTEGERS and bool((values == np.rint(values)).all()):
        return np.zeros_like(suspect)
    return suspect


def _scaled_mean(values: FloatArray) -> float:
    if not np.isfinite(values).all():
        with np.errstate(invalid="ignore"):
            return float(np.mean(values))
    return math.fsum((values * _SCALE).tolist()) / len(values) / _SCALE
