"""Functions that reduce the samples of a range to one number: ``*_over_time``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dashboard.model.samples import FloatArray
from dashboard.promql.context import Limits
from dashboard.promql.errors import ExecutionError
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.functions.ranged import Ranged, RangeFunction, apply, ranged
from dashboard.promql.matrix import IndexArray, Matrix
from dashboard.promql.quantiles import quantiles, warn_of_wrong
from dashboard.promql.sums import window_means, window_sums
from dashboard.promql.windows import Gathered, Windows


def _counts(windows: Windows) -> FloatArray:
    return np.broadcast_to(windows.counts.astype(np.float64), (len(windows.labels), len(windows.times)))


def _ones(windows: Windows) -> FloatArray:
    return np.ones((len(windows.labels), len(windows.times)))


def _minimum(windows: Windows) -> FloatArray:
    return windows.reduce(np.fmin, windows.values)


def _maximum(windows: Windows) -> FloatArray:
    return windows.reduce(np.fmax, windows.values)


def _first(windows: Windows) -> FloatArray:
    return windows.batch.take(windows.first)


def _last(windows: Windows) -> FloatArray:
    return windows.batch.take(windows.last)


def _first_time(windows: Windows) -> FloatArray:
    return _seconds(windows, windows.first)


def _last_time(windows: Windows) -> FloatArray:
    return _seconds(windows, windows.last)


def _seconds(windows: Windows, places: IndexArray) -> FloatArray:
    return np.broadcast_to(windows.timestamps[places] / 1000, (len(windows.labels), len(windows.times)))


def _time_of(extreme: Callable[[Windows], FloatArray]) -> Ranged:
    """Make a function of when a window last was at its extreme; of nothing but NaN, that is at its end."""

    def seconds(windows: Windows) -> FloatArray:
        found = np.empty((len(windows.labels), len(windows.times)))
        extremes = extreme(windows)
        for part in windows.gather():
            wanted = extremes[part.rows, part.steps, None]
            there = part.inside & ((part.values == wanted) | np.isnan(wanted))
            latest = there.shape[2] - 1 - there[:, :, ::-1].argmax(axis=2)
            times = np.broadcast_to(part.timestamps, there.shape)
            found[part.rows, part.steps] = np.take_along_axis(times, latest[:, :, None], axis=2)[:, :, 0] / 1000
        return found

    return seconds


def _variance(windows: Windows) -> FloatArray:
    variances = np.empty((len(windows.labels), len(windows.times)))
    for part in windows.gather():
        count = np.maximum(part.inside.sum(axis=1), 1)
        with np.errstate(invalid="ignore", over="ignore"):
            # Counted from the first sample, so that what never moves has a variance of exactly 0.
            moved = np.where(part.inside, part.values - part.values[:, :, :1], 0.0)
            mean = moved.sum(axis=2) / count
            off = np.where(part.inside, moved - mean[:, :, None], 0.0)
            variances[part.rows, part.steps] = (off**2).sum(axis=2) / count
    return variances


def _deviation(windows: Windows) -> FloatArray:
    return np.sqrt(_variance(windows))


def _median_deviation(windows: Windows) -> FloatArray:
    half = np.full(len(windows.times), 0.5)
    found = np.empty((len(windows.labels), len(windows.times)))
    for part in windows.gather():
        medians = quantiles(half[part.steps], part.values, part.inside)
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(part.values - medians[:, :, None])
        found[part.rows, part.steps] = quantiles(half[part.steps], off, part.inside)
    return found


def _smoothing(invocation: Invocation) -> Matrix:
    levels, trends = invocation.scalar(1), invocation.scalar(2)

    def smoothed(windows: Windows) -> FloatArray:
        level, trend = levels[windows.steps], trends[windows.steps]
        covered = windows.counts > 0
        _check_factor("smoothing", level[covered])
        _check_factor("trend", trend[covered])
        found = np.empty((len(windows.labels), len(windows.times)))
        for part in windows.gather():
            found[part.rows, part.steps] = _smooth(part, level[part.steps], trend[part.steps], windows.limits)
        return found

    return apply(invocation, RangeFunction(smoothed, fewest=2))


def _check_factor(name: str, factors: FloatArray) -> None:
    for factor in factors[(factors <= 0) | (factors >= 1)][:1].tolist():
        raise ExecutionError(f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor:f}")


def _smooth(part: Gathered, level: FloatArray, trend: FloatArray, limits: Limits) -> FloatArray:
    """Smooth windows sample by sample (``funcDoubleExponentialSmoothing`` in promql/functions.go)."""
    values = part.values
    with np.errstate(invalid="ignore", over="ignore"):
        before, smooth = np.zeros(values.shape[:2]), values[:, :, 0]
        slope = values[:, :, min(1, values.shape[2] - 1)] - smooth
        for place in range(1, values.shape[2]):
            limits.check_time()
            if place > 1:
                slope = trend * (smooth - before) + (1 - trend) * slope
            following = level * values[:, :, place] + (1 - level) * (smooth + slope)
            there = part.inside[:, place]
            before, smooth = np.where(there, smooth, before), np.where(there, following, smooth)
    return smooth


def _quantile(invocation: Invocation) -> Matrix:
    q = invocation.scalar(0)
    warn_of_wrong(invocation.context.remarks, q, invocation.call.arguments[0].span)
    return apply(invocation, RangeFunction(lambda windows: _quantiles(windows, q[windows.steps])), argument=1)


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
    "first_over_time": ranged(RangeFunction(_first, keeps_name=True)),
    "last_over_time": ranged(RangeFunction(_last, keeps_name=True)),
    "ts_of_first_over_time": ranged(RangeFunction(_first_time)),
    "ts_of_last_over_time": ranged(RangeFunction(_last_time)),
    "ts_of_min_over_time": ranged(RangeFunction(_time_of(_minimum))),
    "ts_of_max_over_time": ranged(RangeFunction(_time_of(_maximum))),
    "present_over_time": ranged(RangeFunction(_ones)),
    "stddev_over_time": ranged(RangeFunction(_deviation)),
    "stdvar_over_time": ranged(RangeFunction(_variance)),
    "quantile_over_time": _quantile,
    "mad_over_time": ranged(RangeFunction(_median_deviation)),
    "double_exponential_smoothing": _smoothing,
}
