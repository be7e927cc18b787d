"""A layout: the ordered series of one writer's rows. Series that come get a new column at the end."""

from __future__ import annotations

import numpy as np

from dashboard.model.samples import IntArray


class Layout:
    """The columns of one writer, as the writer sees them. Not thread-safe."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.series = np.empty(0, dtype=np.int64)
        """The series of each column."""
        self.last_timestamp: int | None = None
        self.rows = 0
        """How many rows were queued in it."""
        self.retired = False
        """Set when compaction has taken all its rows: the writer begins another layout."""
        self._sorted = np.empty(0, dtype=np.int64)
        self._columns = np.empty(0, dtype=np.int64)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.series)

    def missing(self, series: IntArray) -> IntArray:
        """Return the series that have no column yet."""
        _, found = self._find(series)
        missing: IntArray = series[~found]
        return missing

    def extend(self, series: IntArray) -> None:
        """Give each of these series, which have none, a column at the end."""
        numbers = np.concatenate([self._sorted, series])
        columns = np.concatenate([self._columns, np.arange(self.width, self.width + len(series))])
        order = np.argsort(numbers)
        self._sorted, self._columns = numbers[order], columns[order]
        self.series = np.concatenate([self.series, series])

    def columns(self, series: IntArray) -> IntArray:
        """Return the columns of series that all have one."""
        places, _ = self._find(series)
        columns: IntArray = self._columns[places]
        return columns

    def _find(self, series: IntArray) -> tuple[IntArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        if not self.width:
            return np.zeros(len(series), dtype=np.int64), np.zeros(len(series), dtype=np.bool_)
        places = np.minimum(np.searchsorted(self._sorted, series), self.width - 1)
        return places, self._sorted[places] == series
