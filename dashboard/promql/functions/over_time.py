"""Functions that reduce the samples of a range to one number: ``*_over_time``."""

from __future__ import annotations

import numpy as np

from dashboard.model.samples import FloatArray
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.functions.ranged import RangeFunction, apply, ranged
from dashboard.promql.matrix import Matrix
from dashboard.promql.quantiles import quantiles, warn_of_wrong
from dashboard.promql.sums import window_means, window_sums
from dashboard.promql.windows import Windows


def _counts(windows: Windows) -> FloatArray:
    return np.broadcast_to(windows.counts.astype(np.float64), (len(windows.labels), len(windows.times)))


def _ones(windows: Windows) -> FloatArray:
    return np.ones((len(windows.labels), len(windows.times)))


def _minimum(windows: Windows) -> FloatArray:
    return windows.reduce(np.fmin, windows.values)


def _maximum(windows: Windows) -> FloatArray:
    return windows.reduce(np.fmax, windows.values)


def _last(windows: Windows) -> FloatArray:
    return windows.values[:, windows.last]


def _variance(windows: Windows) -> FloatArray:
    variances = np.empty((len(windows.labels), len(windows.times)))
    for part in windows.gather():
        count = np.maximum(part.inside.sum(axis=1), 1)
        with np.errstate(invalid="ignore", over="ignore"):
            mean = np.where(part.inside, part.values, 0.0).sum(axis=2) / count
            off = np.where(part.inside, part.values - mean[:, :, None], 0.0)
            variances[part.rows, part.steps] = (off**2).sum(axis=2) / count
    return variances


def _deviation(windows: Windows) -> FloatArray:
    return np.sqrt(_variance(windows))


def _quantile(invocation: Invocation) -> Matrix:
    q = invocation.scalar(0)
    warn_of_wrong(invocation.context.remarks, q, invocation.call.arguments[0].span)
    return apply(invocation, RangeFunction(lambda windows: _quantiles(windows, q)), argument=1)


def _quantiles(windows: Windows, q: FloatArray) -> FloatArray:
    found = np.empty((len(windows.labels), len(windows.times)))
    for part in windows.gather():
        found[part.rows, part.steps] = quantiles(q[part.steps], part.values, part.inside)
    return found


OVER_TIME: dict[str, Function] = {
    "avg_over_time": ranged(RangeFunction(window_means)),
    "sum_over_time": ranged(RangeFunction(window_sums)),
    "min_over_time": ranged(RangeFunction(_minimum)),
    "max_over_time": ranged(RangeFunction(_maximum)),
    "count_over_time": ranged(RangeFunction(_counts)),
    "last_over_time": ranged(RangeFunction(_last, keeps_name=True)),
    "present_over_time": ranged(RangeFunction(_ones)),
    "stddev_over_time": ranged(RangeFunction(_deviation)),
    "stdvar_over_time": ranged(RangeFunction(_variance)),
    "quantile_over_time": _quantile,
}
