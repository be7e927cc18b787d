"""Functions of how a series moves in a range: ``rate`` and its sisters (promql/functions.go of Prometheus 3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.promql.ast import Extension
from dashboard.promql.extended import Ends, find_ends
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.functions.ranged import Ranged, RangeFunction, apply, ranged
from dashboard.promql.literals import quote
from dashboard.promql.matrix import IndexArray, Matrix
from dashboard.promql.sums import sums_along
from dashboard.promql.windows import Windows

_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")

# A series is taken to reach as far as a border that is closer than this many average intervals.
_CLOSE = 1.1

_FEW_FALLS = 1000
"""So many falls are looked at one by one. More are added up in another order, which may give other last bits."""


def _delta(windows: Windows) -> FloatArray:
    first, last = windows.ends()
    with np.errstate(invalid="ignore"):
        moved = last - first
    return _multiply(moved, _stretch(windows))


def _increase(windows: Windows) -> FloatArray:
    first, moved = _counted(windows)
    return _multiply(moved, _stretch(windows, moved, first))


def _rate(windows: Windows) -> FloatArray:
    first, moved = _counted(windows)
    # In this order Prometheus rounds; the other one gives other last bits.
    return _multiply(moved, _stretch(windows, moved, first) / (windows.length / 1000))


def _of_ends(extension: Extension, *, counter: bool, rate: bool = False) -> Ranged:
    """Make a function of extended ranges, which need no stretching."""

    def moved(windows: Windows) -> FloatArray:
        ends = find_ends(windows, extension, counter=counter)
        with np.errstate(invalid="ignore", over="ignore"):
            found = ends.right - ends.left
            if counter:
                found = found + _resets_between(windows, ends)
            return found / (windows.length / 1000) if rate else found

    return moved


def _resets_between(windows: Windows, ends: Ends) -> FloatArray:
    """Return what a counter lost between the ends of each range and the samples within."""
    inner = replace(windows, low=ends.low, high=ends.high)
    first, last = inner.ends()
    within = ends.high > ends.low
    lost = np.where(within & (first < ends.left), ends.left, 0.0)
    corrections = _corrections(inner)
    if corrections is not None:
        lost += corrections
    before_end = np.where(within, last, ends.left)
    return lost + np.where(ends.right < before_end, before_end, 0.0)


def _extended(*, counter: bool, rate: bool = False) -> dict[Extension, Ranged]:
    both = (Extension.ANCHORED, Extension.SMOOTHED)
    return {extension: _of_ends(extension, counter=counter, rate=rate) for extension in both}


def _multiply(moved: FloatArray, stretch: FloatArray) -> FloatArray:
    # Windows of one sample have no length to stretch; they are left out of the answer.
    with np.errstate(invalid="ignore", over="ignore"):
        return np.multiply(moved, stretch)


def _counted(windows: Windows) -> tuple[FloatArray, FloatArray]:
    """Return the first sample of each window, and how far the counter went from there."""
    first, last = windows.ends()
    corrections = _corrections(windows)
    with np.errstate(invalid="ignore", over="ignore"):
        moved = last - first
        if corrections is not None:
            moved += corrections
    return first, moved


def _corrections(windows: Windows) -> FloatArray | None:
    """Return what counters lost by beginning anew: the value before each fall, summed over each window; if any did."""
    falls = windows.batch.falls()
    if not len(falls.rows):
        return None
    corrections = np.zeros((len(windows.labels), len(windows.times)))
    if len(falls.rows) > _FEW_FALLS or (windows.high[1:] < windows.high[:-1]).any():
        _correct_densely(corrections, windows, np.unique(falls.rows))
        return corrections
    # Where the ends of windows never go back, those that hold a fall, and what was before it, lie side by side.
    first = np.searchsorted(windows.high, falls.places, side="right").tolist()
    behind = np.searchsorted(windows.low, falls.places, side="left").tolist()
    with np.errstate(over="ignore"):
        for row, start, stop, lost in zip(falls.rows.tolist(), first, behind, falls.before.tolist(), strict=True):
            corrections[row, start:stop] += lost
    return corrections


def _correct_densely(corrections: FloatArray, windows: Windows, rows: IndexArray) -> None:
    values = windows.values[rows]
    before = np.zeros(values.shape)
    np.copyto(before[:, 1:], values[:, :-1], where=values[:, 1:] < values[:, :-1])
    # A window of one sample has no drop in it, and reduces to anything.
    corrections[rows] = np.where(windows.counts > 1, windows.reduce(np.add, before, skip=1), 0.0)


def _stretch(windows: Windows, counted: FloatArray | None = None, first: FloatArray | None = None) -> FloatArray:
    """Return by how much to stretch what was seen to the whole range (``extrapolatedRate``).

    ``counted`` is what a counter has counted, from its ``first`` values on: it cannot have begun before it was 0.
    """
    begun, ended = windows.timestamps[windows.first], windows.timestamps[windows.last]
    sampled = (ended - begun) / 1000
    average = sampled / np.maximum(windows.counts - 1, 1)
    to_start = _reach(begun - (windows.times - windows.length), average)
    to_end = _reach(windows.times - ended, average)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if counted is None or first is None:
            return np.asarray((sampled + to_start + to_end) / sampled)
        reached = np.minimum(to_start, _to_zero(counted, first, sampled))
        reached += sampled
        reached += to_end
        reached /= sampled
        return reached


def _reach(gap: IntArray, average: FloatArray) -> FloatArray:
    seconds = gap / 1000
    return np.where(seconds >= average * _CLOSE, average / 2, seconds)


def _to_zero(moved: FloatArray, first: FloatArray, sampled: FloatArray) -> FloatArray:
    """Return how long before its first sample a counter was 0, at this speed; +Inf where that says nothing."""
    seconds = first / moved
    seconds *= sampled
    says = moved > 0
    says &= first >= 0
    if not says.all():
        seconds[~says] = np.inf
    return seconds


def _instant_delta(windows: Windows) -> FloatArray:
    previous, last = windows.last_two()
    with np.errstate(invalid="ignore"):
        return last - previous


def _instant_rate(windows: Windows) -> FloatArray:
    previous, last = windows.last_two()
    with np.errstate(invalid="ignore"):
        moved = np.where(last < previous, last, last - previous)
    between = windows.timestamps[windows.last] - windows.timestamps[np.maximum(windows.last - 1, 0)]
    return np.asarray(moved / (np.maximum(between, 1) / 1000), dtype=np.float64)


def _resets(windows: Windows) -> FloatArray:
    return _count_steps(windows, windows.values[:, 1:] < windows.values[:, :-1])


def _changes(windows: Windows) -> FloatArray:
    before, after = windows.values[:, :-1], windows.values[:, 1:]
    return _count_steps(windows, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def _count_steps(windows: Windows, happened: BoolArray) -> FloatArray:
    """Count what happens between neighbouring samples of a window. Whole numbers: prefix sums are exact."""
    totals = np.zeros((len(happened), len(windows.timestamps) + 1))
    np.cumsum(happened, axis=1, out=totals[:, 2:])
    return np.asarray(totals[:, windows.high] - totals[:, np.minimum(windows.low + 1, windows.high)])


def _slope(windows: Windows) -> FloatArray:
    # Counted from the first sample, so that no large times are in the way.
    return _regression(windows, windows.timestamps[windows.first])[0]


def _regression(windows: Windows, origins: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the slope (a second) of each window and its line's value at a time, by least squares.

    ``origins`` is int64[T]. The sums are those of ``linearRegression`` in promql/functions.go, so that what rounding
    leaves of a line far from its samples is the same, too.
    """
    slopes = np.empty((len(windows.labels), len(windows.times)))
    levels = np.empty_like(slopes)
    for part in windows.gather():
        inside = np.broadcast_to(part.inside, part.values.shape)
        x = np.broadcast_to((part.timestamps - origins[part.steps, None]) / 1000, part.values.shape)
        slopes[part.rows, part.steps], levels[part.rows, part.steps] = _line(x, part.values, inside)
    return slopes, levels


def _line(x: FloatArray, y: FloatArray, inside: BoolArray) -> tuple[FloatArray, FloatArray]:
    count = np.maximum(inside.sum(axis=-1), 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        of_x, of_y = sums_along(x, inside), sums_along(y, inside)
        together = sums_along(x * y, inside) - of_x * of_y / count
        slope = together / (sums_along(x * x, inside) - of_x * of_x / count)
        level = of_y / count - slope * of_x / count
    first = y[..., :1]
    constant = ((y == first) | ~inside).all(axis=-1)
    # What never moves has a slope of exactly 0, unless it is infinite.
    steady = np.where(np.isinf(first[..., 0]), np.nan, 0.0)
    return np.where(constant, steady, slope), np.where(constant, steady + first[..., 0], level)


def _predict_linear(invocation: Invocation) -> Matrix:
    ahead, steps = invocation.scalar(1), invocation.context.steps

    def predicted(windows: Windows) -> FloatArray:
        # The prediction counts from the step, also where the range was moved by offset or @.
        slopes, levels = _regression(windows, steps[windows.steps])
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(slopes * ahead[windows.steps] + levels)

    return apply(invocation, RangeFunction(predicted, fewest=2))


def _of_counter(function: RangeFunction) -> Function:
    def call(invocation: Invocation) -> Matrix:
        names: set[str] = set()
        extended = {extension: _noting(names, of) for extension, of in function.extended.items()}
        found = apply(invocation, RangeFunction(_noting(names, function.of), function.fewest, extended=extended))
        for name in sorted(names - {""}):
            if not name.endswith(_COUNTER_SUFFIXES):
                reason = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
                invocation.context.remarks.inform(f"{reason}: {quote(name)}", invocation.call.arguments[0].span)
        return found

    return call


def _noting(names: set[str], function: Ranged) -> Ranged:
    def noted(windows: Windows) -> FloatArray:
        names.update(labels.metric_name for labels in windows.labels)
        return function(windows)

    return noted


RATES: dict[str, Function] = {
    "rate": _of_counter(RangeFunction(_rate, fewest=2, extended=_extended(counter=True, rate=True))),
    "increase": _of_counter(RangeFunction(_increase, fewest=2, extended=_extended(counter=True))),
    "delta": ranged(RangeFunction(_delta, fewest=2, extended=_extended(counter=False))),
    "irate": ranged(RangeFunction(_instant_rate, fewest=2)),
    "idelta": ranged(RangeFunction(_instant_delta, fewest=2)),
    "resets": ranged(RangeFunction(_resets, extended={Extension.ANCHORED: _resets})),
    "changes": ranged(RangeFunction(_changes, extended={Extension.ANCHORED: _changes})),
    "deriv": ranged(RangeFunction(_slope, fewest=2)),
    "predict_linear": _predict_linear,
}
