"""Range vectors: which samples are in the range of each step, found once for series that share timestamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray, IntArray, SeriesBatch, is_stale
from dashboard.promql.context import Limits
from dashboard.promql.matrix import IndexArray, Matrix

_ALL_STEPS = slice(None)

_SLICE = 1 << 16
"""The most samples that are gathered at once, so that they stay in the processor's cache (512 KiB of float64)."""

_TOGETHER = 1 << 17
"""Series with more samples than that are looked at in several parts: large arrays come from the system each time."""

_REDUCED = 1 << 26
"""The most samples that are reduced between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Series with shared timestamps, without staleness markers, and the window of samples of each step.

    ``batch`` has S series and N samples of each. The window of step ``i`` is ``[low[i], high[i])``, all samples in
    ``(times[i] - length, times[i]]``; ``low``, ``high`` and ``times`` have T entries. Times are milliseconds.
    """

    batch: SeriesBatch
    low: IndexArray
    high: IndexArray
    times: IntArray
    length: int
    limits: Limits
    steps: slice = field(default_factory=lambda: _ALL_STEPS)
    """Which steps of the query these are."""

    @classmethod
    def of(cls, batch: SeriesBatch, times: IntArray, length: int, limits: Limits, steps: slice = _ALL_STEPS) -> Windows:
        """Find the windows of a batch that has no staleness markers."""
        low = np.searchsorted(batch.timestamps, times - length, side="right")
        high = np.searchsorted(batch.timestamps, times, side="right")
        return cls(batch, low, high, times, length, limits, steps)

    @classmethod
    def extended(
        cls, batch: SeriesBatch, times: IntArray, length: int, limits: Limits, lookback: int, *, smoothed: bool
    ) -> Windows:
        """Find windows that begin with the last sample that is not in the range, if it is no older than ``lookback``.

        With ``smoothed`` they end with the first sample at or behind the end. A window is empty where the range says
        nothing: anchored without a sample in it, or smoothed between no samples.
        """
        stamps, start = batch.timestamps, times - length
        inside = np.searchsorted(stamps, start, side="right")
        before = np.maximum(inside - 1, 0)
        low = np.where((inside > 0) & (stamps[before] > start - lookback), before, inside)
        high = np.searchsorted(stamps, times, side="right")
        if smoothed:
            behind = np.searchsorted(stamps, times, side="left")
            reached = stamps[np.minimum(behind, len(stamps) - 1)] <= times + lookback
            high = np.where((behind < len(stamps)) & reached, behind + 1, high)
        speaks = (high > inside) & (stamps[np.minimum(low, len(stamps) - 1)] <= times)
        return cls(batch, low, np.where(speaks, high, low), times, length, limits)

    @property
    def labels(self) -> Sequence[Labels]:
        """The labels of the series."""
        return self.batch.labels

    @property
    def timestamps(self) -> IntArray:
        """The timestamps of the samples: int64[N]."""
        return self.batch.timestamps

    @property
    def values(self) -> FloatArray:
        """All samples: float64[S, N]."""
        return self.batch.values

    @property
    def counts(self) -> IndexArray:
        """The number of samples in each window: T entries, the same for all series."""
        return self.high - self.low

    @property
    def first(self) -> IndexArray:
        """The first sample of each window; any sample where a window is empty."""
        return np.minimum(self.low, len(self.timestamps) - 1)

    @property
    def last(self) -> IndexArray:
        """The last sample of each window; any sample where a window is empty."""
        return np.maximum(self.high - 1, 0)

    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Return the first and the last sample of each window: float64[S, T]."""
        return self._take_two(self.first, self.last)

    def last_two(self) -> tuple[FloatArray, FloatArray]:
        """Return the last sample but one, or any where there is none, and the last one of each window."""
        return self._take_two(np.maximum(self.last - 1, 0), self.last)

    def _take_two(self, one: IndexArray, other: IndexArray) -> tuple[FloatArray, FloatArray]:
        """Return two samples of each window; packed ones are looked through only once."""
        both = self.batch.take(np.concatenate((one, other)))
        return both[:, : len(self.times)], both[:, len(self.times) :]

    def reduce(self, ufunc: np.ufunc, values: FloatArray, skip: int = 0) -> FloatArray:
        """Reduce ``values`` (float64[S, N]) over each window, without its first ``skip`` samples: float64[S, T].

        Where nothing is left of a window, the result is anything.
        """
        low = np.minimum(self.low + skip, self.high)
        bounds = np.stack((low, self.high), axis=1).reshape(-1)
        rows = max(_REDUCED // max(int(self.counts.sum()), len(self.timestamps), 1), 1)
        parts = [_reduced(ufunc, values[row : row + rows], bounds, self.limits) for row in range(0, len(values), rows)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.times)))

    def by_rows(self) -> Iterator[Windows]:
        """Yield the windows of some of the series at a time, so that what is made of their samples is small."""
        each = max(_TOGETHER // max(len(self.timestamps), 1), 1)
        if each >= len(self.labels):
            yield self
            return
        values = self.values
        for row in range(0, len(self.labels), each):
            some = slice(row, row + each)
            yield replace(self, batch=SeriesBatch(self.labels[some], self.timestamps, values[some]))

    def gather(self) -> Iterator[Gathered]:
        """Yield the samples of all windows, in slices of bounded size, and one after the other covering everything."""
        width = max(int(self.counts.max(initial=0)), 1)
        rows = max(min(len(self.labels), _SLICE // width), 1)
        steps = max(_SLICE // (rows * width), 1)
        for row in range(0, len(self.labels), rows):
            for step in range(0, len(self.times), steps):
                yield self._gathered(slice(row, row + rows), slice(step, step + steps))

    def _gathered(self, rows: slice, steps: slice) -> Gathered:
        self.limits.check_time()
        low, counts = self.low[steps], self.counts[steps]
        places = np.arange(max(int(counts.max(initial=0)), 1))
        index = np.minimum(low[:, None] + places, len(self.timestamps) - 1)
        inside = places < counts[:, None]
        return Gathered(rows, steps, self.timestamps[index], self.values[rows][:, index], inside)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The samples of some windows side by side.

    ``rows`` and ``steps`` say which series and steps they are; ``timestamps`` is int64[t, W], ``values`` float64[s, t,
    W] and ``inside`` bool[t, W], which is false behind a window's last sample.
    """

    rows: slice
    steps: slice
    timestamps: IntArray
    values: FloatArray
    inside: BoolArray


def _reduced(ufunc: np.ufunc, values: FloatArray, bounds: IndexArray, limits: Limits) -> FloatArray:
    limits.check_time()
    end = values.shape[1]
    if len(bounds) and bounds[-1] == end and (bounds[:-1] < end).all():
        # The last window ends with the samples anyway.
        return np.asarray(ufunc.reduceat(values, bounds[:-1], axis=1)[:, ::2])
    if (bounds == end).any():
        # A closing sample lets windows end at the last one; it is in no window.
        values = np.concatenate((values, np.zeros((len(values), 1))), axis=1)
    return np.asarray(ufunc.reduceat(values, bounds, axis=1)[:, ::2])


def split_stale(batch: SeriesBatch) -> list[SeriesBatch]:
    """Return the same series without staleness markers: a batch for each set of timestamps that is left."""
    if batch.is_plain:
        return [batch]
    stale = is_stale(batch.values)
    if not stale.any():
        return [batch]
    return _split(batch, ~stale)


def _split(batch: SeriesBatch, kept: BoolArray) -> list[SeriesBatch]:
    """Give the series that keep the same samples a batch of their own."""
    patterns: dict[bytes, list[int]] = {}
    for row, pattern in enumerate(np.packbits(kept, axis=1)):
        patterns.setdefault(pattern.tobytes(), []).append(row)
    parts = (_without(batch, rows, kept[rows[0]]) for rows in patterns.values())
    return [part for part in parts if len(part.timestamps)]


def _without(batch: SeriesBatch, rows: list[int], kept: BoolArray) -> SeriesBatch:
    labels = [batch.labels[row] for row in rows]
    return SeriesBatch(labels, batch.timestamps[kept], batch.values[np.ix_(np.array(rows), kept)])


def matrix_batches(matrix: Matrix) -> list[SeriesBatch]:
    """Turn what was evaluated at the steps of a subquery into samples."""
    return _split(SeriesBatch(matrix.labels, matrix.steps, matrix.values), matrix.present)
