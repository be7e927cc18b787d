"""Samples with timestamps of their own, in the head: three long columns, searched by mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.storage.records import Points


@dataclass(frozen=True, slots=True)
class PointColumns:
    """Points, and the number of the journal record that each came with."""

    records: IntArray
    series: IntArray
    timestamps: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.series)

    def where(self, mask: BoolArray) -> PointColumns:
        """Return the points that a mask marks."""
        return PointColumns(self.records[mask], self.series[mask], self.timestamps[mask], self.values[mask])

    def by_series(self) -> list[tuple[int, IntArray, FloatArray]]:
        """Return number, timestamps and values of each series, in order of time; of equal timestamps, the first."""
        order = np.lexsort((self.timestamps, self.series))
        series, times = self.series[order], self.timestamps[order]
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = (series[1:] != series[:-1]) | (times[1:] != times[:-1])
        series, times, values = series[first], times[first], self.values[order[first]]
        starts = np.flatnonzero(np.diff(series, prepend=-1))
        ends = np.append(starts, len(series))[1:]
        return [(int(series[a]), times[a:b], values[a:b]) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


class HeadPoints:
    """Growing columns of points. Guarded by the head's lock; snapshots stay as they are."""

    def __init__(self) -> None:
        self._count = 0
        self._columns = _empty(0)

    def __len__(self) -> int:
        return self._count

    def put(self, points: Points) -> None:
        """Add the points of a record."""
        end = self._count + len(points.series)
        if end > len(self._columns):
            self._columns = _grown(self._columns, self._count, max(64, 2 * end))
        self._columns.records[self._count : end] = points.number
        self._columns.series[self._count : end] = points.series
        self._columns.timestamps[self._count : end] = points.timestamps
        self._columns.values[self._count : end] = points.values
        self._count = end

    def snapshot(self) -> PointColumns:
        """Return all points, as they are now."""
        every = slice(0, self._count)
        columns = self._columns
        return PointColumns(
            columns.records[every], columns.series[every], columns.timestamps[every], columns.values[every]
        )

    def erase(self, mask: BoolArray) -> None:
        """Forget the points that a mask marks; points that came after it was made stay."""
        points = self.snapshot()
        self._columns = points.where(~np.concatenate([mask, np.zeros(len(points) - len(mask), dtype=np.bool_)]))
        self._count = len(self._columns)

    def drop(self, records: int, before: int) -> None:
        """Forget the points before a timestamp that came with records up to this number."""
        points = self.snapshot()
        self._columns = points.where((points.records > records) | (points.timestamps >= before))
        self._count = len(self._columns)


def _empty(size: int) -> PointColumns:
    numbers = np.empty((3, size), dtype=np.int64)
    return PointColumns(numbers[0], numbers[1], numbers[2], np.empty(size))


def _grown(columns: PointColumns, count: int, size: int) -> PointColumns:
    larger = _empty(size)
    larger.records[:count] = columns.records[:count]
    larger.series[:count] = columns.series[:count]
    larger.timestamps[:count] = columns.timestamps[:count]
    larger.values[:count] = columns.values[:count]
    return larger
