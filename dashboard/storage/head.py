"""The head: the newest rows of each layout, in memory.

A layout keeps its last rows as they came, in a matrix; when there are ``raw_rows`` of them, the older half is sealed
into compressed chunks (``sealing.py``). Everything here was committed to the journal before.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.model.samples import ABSENT, FloatArray, IntArray, Known, is_absent
from dashboard.storage.cache import Cache
from dashboard.storage.columns import CachedColumns, Chunked, Columns, Keep
from dashboard.storage.damage import Damage
from dashboard.storage.errors import CorruptBlobError
from dashboard.storage.points import HeadPoints
from dashboard.storage.records import Growth, Record, Row, Run
from dashboard.storage.source import Source, read


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows as they came: a view of the part of a layout's matrix that is written once and never again."""

    series: IntArray
    times: IntArray
    values: FloatArray
    """float64[T, S], a row for each timestamp."""

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:  # noqa: ARG002 - rows as they came are not decoded.
        """Write columns into float64[columns, n]; see :class:`Source`."""
        out[:] = self.values[first : first + out.shape[1]].take(columns, axis=1).T
        return Known.of(out)

    def unpacked(self, columns: IntArray) -> None:
        """Return nothing: rows as they came are numbers already."""


@dataclass(frozen=True, slots=True, eq=False)
class SealedRows:
    """Older rows of a layout, compressed."""

    number: int
    """The row number, within its layout, of the first row."""
    series: IntArray
    run: Run
    cache: Cache = field(repr=False)
    damage: Damage = field(repr=False)
    key: int = field(default_factory=itertools.count().__next__)
    """Names it in the cache."""

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""
        return self.run.times

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        """Write columns into float64[columns, n]; see :class:`Source`."""
        return self._cached().read_into(out, columns, first, keep)

    def unpacked(self, columns: IntArray) -> Columns:
        """Return columns as they were unpacked."""
        return self._cached().unpacked(columns)

    def _cached(self) -> CachedColumns:
        return CachedColumns(self.cache, ("sealed", self.key), len(self.times), self._unpack)

    def _unpack(self, columns: IntArray) -> Columns:
        chunked = Chunked(self.run.starts, self.run.width, len(self.times))
        return chunked.unpack(columns, self.run.chunks.__getitem__, self._damaged)

    def _damaged(self, chunk: int, error: CorruptBlobError) -> None:
        place = f"chunk {chunk} of record {self.run.number} of the journal"
        self.damage.found(place, error, self.run.chunks[chunk])


class HeadLayout:
    """The rows of one layout that are not in a block yet. Guarded by the head's lock."""

    def __init__(self, number: int, raw_rows: int) -> None:
        self.number = number
        self.series = np.empty(0, dtype=np.int64)
        self.sealed: list[SealedRows] = []
        self.begin = 0
        """The row number of the first row that is not in a block."""
        self._raw_rows = raw_rows
        self._raw_begin = 0
        self._raw_count = 0
        self._records = np.empty(raw_rows, dtype=np.int64)
        self._times = np.empty(raw_rows, dtype=np.int64)
        self._values = np.empty((raw_rows, 0))

    @property
    def end(self) -> int:
        """The row number after the last row: how many rows were ever put."""
        return self._raw_begin + self._raw_count

    @property
    def raw(self) -> int:
        """How many rows are not sealed."""
        return self._raw_count

    @property
    def full(self) -> bool:
        """Whether rows are to be sealed."""
        return self._raw_count >= self._raw_rows

    def extend(self, series: IntArray) -> None:
        """Add columns at the end."""
        width = len(self.series)
        self.series = np.concatenate([self.series, series])
        if len(self.series) > self._values.shape[1]:
            # Rows are touched as they are filled, so that a matrix that is not full yet takes little memory.
            wider = np.empty((len(self._times), len(self.series) + len(self.series) // 4))
            wider[: self._raw_count, :width] = self._values[: self._raw_count, :width]
            self._values = wider
        self._values[: self._raw_count, width : len(self.series)] = ABSENT

    def put(self, row: Row) -> None:
        """Put a row; the columns that it does not reach are absent."""
        if self._raw_count == len(self._times):
            self._move(0, 2 * len(self._times))
        place, width = self._raw_count, len(row.values)
        self._records[place], self._times[place] = row.number, row.timestamp
        self._values[place, :width] = row.values
        self._values[place, width : len(self.series)] = ABSENT
        self._raw_count += 1

    def put_run(self, run: Run, cache: Cache, damage: Damage) -> None:
        """Put sealed rows behind all others, none of which may be raw."""
        self.sealed.append(SealedRows(self.end, self._columns(run), run, cache, damage))
        self._raw_begin += len(run.times)

    def sources(self) -> list[Source]:
        """Return what holds the rows from ``begin`` on, oldest first."""
        found: list[Source] = []
        for sealed in self.sealed:
            skipped = max(0, self.begin - sealed.number)
            found.append(_Tail(sealed, skipped) if skipped else sealed)
        if self._raw_count:
            kept = slice(0, self._raw_count)
            found.append(RawRows(self.series, self._times[kept], self._values[kept, : len(self.series)]))
        return found

    def oldest(self, window: int, *, every: bool = False) -> tuple[RawRows, IntArray]:
        """Return the rows that are to be sealed next, and the numbers of their records.

        They are about half of what there is, or ``every`` one, and lie in one window of so many milliseconds: a block
        takes whole runs.
        """
        count = self._raw_count if every else max(1, self._raw_count - self._raw_rows // 2)
        windows = self._times[:count] // window
        count = int(np.searchsorted(windows, windows[0], side="right"))
        rows = RawRows(self.series, self._times[:count], self._values[:count, : len(self.series)])
        return rows, self._records[:count].copy()

    def replace_oldest(self, run: Run, cache: Cache, damage: Damage) -> None:
        """Keep sealed what :meth:`oldest` gave. Queries may look at the old matrix, so the rest moves to a new one."""
        self.sealed.append(SealedRows(self._raw_begin, self._columns(run), run, cache, damage))
        self._raw_begin += len(run.times)
        self._move(len(run.times), self._raw_rows)

    def _columns(self, run: Run) -> IntArray:
        """Return the series of a run: the same array for runs of one width, so that they are searched once."""
        if run.width == len(self.series):
            return self.series
        if self.sealed and run.width == len(self.sealed[-1].series):
            return self.sealed[-1].series
        return self.series[: run.width]

    def _move(self, first: int, rows: int) -> None:
        """Move the raw rows from ``first`` on to a new matrix of so many rows, or as many as it takes."""
        left, width = self._raw_count - first, len(self.series)
        rows = max(rows, left + 1)
        records, times, values = (
            np.empty(rows, np.int64),
            np.empty(rows, np.int64),
            np.empty((rows, self._values.shape[1])),
        )
        kept = slice(first, self._raw_count)
        records[:left], times[:left], values[:left, :width] = (
            self._records[kept],
            self._times[kept],
            self._values[kept, :width],
        )
        self._records, self._times, self._values, self._raw_count = records, times, values, left

    def drop(self, end: int) -> None:
        """Forget the rows before this row number."""
        self.begin = max(self.begin, end)
        self.sealed = [sealed for sealed in self.sealed if sealed.number + len(sealed.times) > self.begin]
        skipped = self.begin - self._raw_begin
        if skipped > 0:
            self._move(skipped, self._raw_rows)
            self._raw_begin += skipped


@dataclass(frozen=True, slots=True)
class _Tail:
    """A source without its first rows."""

    whole: Source
    skipped: int

    @property
    def series(self) -> IntArray:
        return self.whole.series

    @property
    def times(self) -> IntArray:
        return self.whole.times[self.skipped :]

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        return self.whole.read_into(out, columns, first + self.skipped, keep)

    def unpacked(self, columns: IntArray) -> None:
        """Return nothing: what is unpacked has the first rows, too."""


class Head:
    """All layouts, and the points. Only one thread publishes; any thread may read."""

    def __init__(self, lock: threading.RLock, raw_rows: int, cache: Cache, damage: Damage) -> None:
        """``lock`` guards what queries see; it is held for moments only."""
        self._damage = damage
        self._lock = lock
        self._raw_rows = max(2, raw_rows)
        self._cache = cache
        self._layouts: dict[int, HeadLayout] = {}
        self.points = HeadPoints()
        self.last_record = 0
        """The number of the newest record that was published."""

    def publish(self, records: Sequence[Record]) -> None:
        """Show records, which are committed, to queries."""
        for record in records:
            with self._lock:
                self._put(record)

    def full(self) -> list[HeadLayout]:
        """Return the layouts that have rows to be sealed."""
        with self._lock:
            return [layout for layout in self._layouts.values() if layout.full]

    def oldest(self, layout: HeadLayout, window: int, *, every: bool = False) -> tuple[RawRows, IntArray]:
        """Return what is to be sealed next; see :meth:`HeadLayout.oldest`."""
        with self._lock:
            return layout.oldest(window, every=every)

    def replace_run(self, layout: HeadLayout, sealed: SealedRows, run: Run) -> None:
        """Put a run in the place of another with the same rows; hold the lock."""
        place = layout.sealed.index(sealed)
        layout.sealed[place] = SealedRows(sealed.number, sealed.series, run, self._cache, self._damage)

    def replace_oldest(self, layout: HeadLayout, run: Run) -> None:
        """Keep sealed what ``layout.oldest()`` gave."""
        with self._lock:
            layout.replace_oldest(run, self._cache, self._damage)

    def layouts(self) -> list[HeadLayout]:
        """Return the layouts; hold the lock while looking into them."""
        return list(self._layouts.values())

    def forget(self, layout: int) -> None:
        """Forget a layout without rows."""
        with self._lock:
            del self._layouts[layout]

    def sources(self) -> list[Source]:
        """Return what holds rows, by layout, oldest first; hold the lock."""
        return [source for layout in self._layouts.values() for source in layout.sources()]

    def span(self) -> tuple[int, int] | None:
        """Return the earliest and the latest timestamp, or ``None`` if there is no sample."""
        with self._lock:
            times = [source.times for source in self.sources()]
            points = self.points.snapshot().timestamps
        if len(points):
            times.append(np.array([points.min(), points.max()]))
        if not times:
            return None
        return min(int(each[0]) for each in times), max(int(each[-1]) for each in times)

    def samples(self) -> int:
        """Count the samples, staleness markers included."""
        with self._lock:
            sources = self.sources()
            count = len(self.points)
        for source in sources:
            if isinstance(source, SealedRows):
                count += source.run.samples
            elif isinstance(source, RawRows):
                count += int(np.count_nonzero(~is_absent(source.values)))
            else:
                values = read(source, np.arange(len(source.series)), 0, len(source.times))
                count += int(np.count_nonzero(~is_absent(values)))
        return count

    def _put(self, record: Record) -> None:
        if isinstance(record, Growth):
            layout = self._layouts.setdefault(record.layout, HeadLayout(record.layout, self._raw_rows))
            layout.extend(record.series)
            return
        if isinstance(record, Row):
            self._layouts[record.layout].put(record)
        elif isinstance(record, Run):
            self._layouts[record.layout].put_run(record, self._cache, self._damage)
        else:
            self.points.put(record)
        self.last_record = max(self.last_record, record.number)
