"""What ``anchored`` and ``smoothed`` ranges have at their ends (``extendedRate``, ``extendFloats`` of Prometheus 3.14).

An anchored range begins with the last sample before it. A smoothed one has, at either end, what lies on the line
between the samples around it; where there is no sample on one side, the nearest one stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray, IntArray, SeriesBatch
from dashboard.promql.ast import Extension
from dashboard.promql.matrix import IndexArray
from dashboard.promql.windows import Windows


@dataclass(frozen=True, slots=True)
class Ends:
    """The values at the start and at the end of each range, float64[S, T], and the samples between them, [T].

    The samples of step ``i`` that lie strictly within the range are ``[low[i], high[i])``.
    """

    left: FloatArray
    right: FloatArray
    low: IndexArray
    high: IndexArray


def find_ends(windows: Windows, extension: Extension, *, counter: bool = False) -> Ends:
    """Return the ends of extended windows; a ``counter`` that falls between two samples has begun anew at 0."""
    stamps = windows.timestamps
    start = windows.times - windows.length
    low = np.searchsorted(stamps, start, side="right")
    high = np.searchsorted(stamps, windows.times, side="left")
    left, last = windows.ends()
    right = last
    if extension is Extension.SMOOTHED:
        after = np.minimum(windows.first + 1, len(stamps) - 1)
        before = np.maximum(windows.last - 1, 0)
        early, late = stamps[windows.first] < start, stamps[windows.last] > windows.times
        left = np.where(early, _on_line(windows.batch, windows.first, after, start, counter=counter), left)
        right = np.where(late, _on_line(windows.batch, before, windows.last, windows.times, counter=counter), right)
        # A single sample behind the range stands for its end, too.
        right = np.where(late & (windows.last == windows.first), last, right)
    return Ends(left, right, low, np.maximum(high, low))


def _on_line(batch: SeriesBatch, first: IndexArray, second: IndexArray, at: IntArray, *, counter: bool) -> FloatArray:
    stamps = batch.timestamps
    begin, end = batch.values[:, first], batch.values[:, second]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if counter:
            begin = np.where(end < begin, 0.0, begin)
        return np.asarray(begin + (end - begin) * (at - stamps[first]) / (stamps[second] - stamps[first]))


def smoothed_values(batch: SeriesBatch, times: IntArray, lookback: int) -> tuple[FloatArray, BoolArray]:
    """Return what lies at each time on the lines between the samples, float64[S, T], and where there is any, bool[T].

    Samples farther away than ``lookback`` do not count; the batch has no staleness markers.
    """
    stamps, last = batch.timestamps, len(batch.timestamps) - 1
    after = np.searchsorted(stamps, times, side="right")
    before, after = np.maximum(after - 1, 0), np.minimum(after, last)
    behind = (stamps[before] <= times) & (stamps[before] > times - lookback)
    ahead = (stamps[after] > times) & (stamps[after] <= times + lookback)
    nearest = batch.values[:, np.where(behind, before, after)]
    crossed = behind & ahead & (stamps[before] < times)
    return np.where(crossed, _on_line(batch, before, after, times, counter=False), nearest), behind | ahead


def with_ends(windows: Windows, extension: Extension) -> SeriesBatch:
    """Return the samples of the only step, and one at either end of the range."""
    ends = find_ends(windows, extension)
    inside = slice(int(ends.low[0]), int(ends.high[0]))
    end = int(windows.times[0])
    timestamps = np.concatenate(([end - windows.length], windows.timestamps[inside], [end]))
    values = np.concatenate((ends.left[:, :1], windows.values[:, inside], ends.right[:, :1]), axis=1)
    return SeriesBatch(windows.labels, timestamps, values)
