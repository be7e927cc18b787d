"""The head: the newest rows of each layout, in memory.

A layout keeps its last rows as they came, in a matrix of at most ``raw_rows``; when that is full, its older half is
sealed into compressed chunks. Everything here was committed to the journal before.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.model.samples import ABSENT, FloatArray, IntArray, is_absent
from dashboard.storage.cache import Cache
from dashboard.storage.codec import decode_chunks, encode_chunks, rows_per_chunk
from dashboard.storage.points import HeadPoints
from dashboard.storage.records import Growth, Points, Record, Row
from dashboard.storage.source import Source


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows as they came: a view of the part of a layout's matrix that is written once and never again."""

    series: IntArray
    times: IntArray
    values: FloatArray
    """float64[T, S], a row for each timestamp."""

    def read(self, columns: IntArray, first: int, last: int, *, keep: bool = True) -> FloatArray:  # noqa: ARG002 - rows as they came are not decoded.
        """Return float64[columns, last - first]; see :class:`Source`."""
        return np.ascontiguousarray(self.values[first:last].take(columns, axis=1).T)


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Older rows of a layout, compressed: chunks of ``rows_per_chunk`` series each, in the order of the columns."""

    number: int
    """The row number, within its layout, of the first row."""
    series: IntArray
    times: IntArray
    chunks: Sequence[bytes]
    samples: int
    cache: Cache = field(repr=False)
    key: int = field(default_factory=itertools.count().__next__)
    """Names it in the cache."""

    def read(self, columns: IntArray, first: int, last: int, *, keep: bool = True) -> FloatArray:
        """Return float64[columns, last - first]; see :class:`Source`."""
        if not keep:
            return self._decoded(columns)[0][:, first:last]
        key = ("sealed", self.key, columns.tobytes())
        values: FloatArray = self.cache.get(key, lambda: self._decoded(columns))
        return values[:, first:last]

    def _decoded(self, columns: IntArray) -> tuple[FloatArray, int]:
        rows = rows_per_chunk(len(self.times))
        chunks, places = np.unique(columns // rows, return_inverse=True)
        counts = [min(rows, len(self.series) - chunk * rows) for chunk in chunks.tolist()]
        values = decode_chunks([self.chunks[chunk] for chunk in chunks.tolist()], counts, len(self.times))
        # All chunks but the last of a layout are full, so that places count in whole chunks.
        chosen = values[places * rows + columns % rows]
        return chosen, chosen.nbytes


class HeadLayout:
    """The rows of one layout that are not in a block yet. Guarded by the head's lock."""

    def __init__(self, number: int, raw_rows: int) -> None:
        self.number = number
        self.series = np.empty(0, dtype=np.int64)
        self.sealed: list[SealedRows] = []
        self.begin = 0
        """The row number of the first row that is not in a block."""
        self.published = 0
        """How many rows were ever put."""
        self._raw_begin = 0
        self._raw_count = 0
        self._times = np.empty(raw_rows, dtype=np.int64)
        self._values = np.empty((raw_rows, 0))

    @property
    def end(self) -> int:
        """The row number after the last row."""
        return self._raw_begin + self._raw_count

    @property
    def full(self) -> bool:
        """Whether rows must be sealed before the next one is put."""
        return self._raw_count == len(self._times)

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

    def put(self, timestamp: int, values: FloatArray) -> None:
        """Put a row; the columns that it does not reach are absent."""
        self._times[self._raw_count] = timestamp
        self._values[self._raw_count, : len(values)] = values
        self._values[self._raw_count, len(values) : len(self.series)] = ABSENT
        self._raw_count += 1
        self.published += 1

    def sources(self) -> list[Source]:
        """Return what holds the rows from ``begin`` on, oldest first."""
        found: list[Source] = []
        for sealed in self.sealed:
            skipped = max(0, self.begin - sealed.number)
            found.append(_Tail(sealed, skipped) if skipped else sealed)
        skipped = max(0, self.begin - self._raw_begin)
        if skipped < self._raw_count:
            width = len(self.series)
            kept = slice(skipped, self._raw_count)
            found.append(RawRows(self.series, self._times[kept], self._values[kept, :width]))
        return found

    def oldest_half(self) -> RawRows:
        """Return the rows that :meth:`replace_oldest` is to take."""
        half = max(1, self._raw_count // 2)
        return RawRows(self.series, self._times[:half], self._values[:half, : len(self.series)])

    def replace_oldest(self, rows: RawRows, chunks: Sequence[bytes], samples: int, cache: Cache) -> None:
        """Keep sealed what :meth:`oldest_half` gave.

        Queries may still look at the old matrix, so the rest moves to a new one.
        """
        half = len(rows.times)
        if self._raw_begin + half > self.begin:
            times = rows.times.copy()
            self.sealed.append(SealedRows(self._raw_begin, rows.series, times, chunks, samples, cache))
        fresh_times, fresh_values = np.empty_like(self._times), np.empty_like(self._values)
        left, width = self._raw_count - half, len(self.series)
        fresh_times[:left] = self._times[half : self._raw_count]
        fresh_values[:left, :width] = self._values[half : self._raw_count, :width]
        self._times, self._values = fresh_times, fresh_values
        self._raw_begin += half
        self._raw_count = left

    def drop(self, end: int) -> None:
        """Forget the rows before this row number."""
        self.begin = max(self.begin, end)
        self.sealed = [sealed for sealed in self.sealed if sealed.number + len(sealed.times) > self.begin]


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

    def read(self, columns: IntArray, first: int, last: int, *, keep: bool = True) -> FloatArray:
        return self.whole.read(columns, first + self.skipped, last + self.skipped, keep=keep)


class Head:
    """All layouts, and the points. Only one thread publishes; any thread may read."""

    def __init__(self, lock: threading.RLock, raw_rows: int, cache: Cache) -> None:
        """``lock`` guards what queries see; it is held for moments only."""
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
            if isinstance(record, Row):
                self._make_room(record.layout)
            with self._lock:
                self._put(record)

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
                count += source.samples
            elif isinstance(source, RawRows):
                count += int(np.count_nonzero(~is_absent(source.values)))
            else:
                values = source.read(np.arange(len(source.series)), 0, len(source.times), keep=False)
                count += int(np.count_nonzero(~is_absent(values)))
        return count

    def _put(self, record: Record) -> None:
        if isinstance(record, Growth):
            layout = self._layouts.setdefault(record.layout, HeadLayout(record.layout, self._raw_rows))
            layout.extend(record.series)
            return
        if isinstance(record, Row):
            self._layouts[record.layout].put(record.timestamp, record.values)
        elif isinstance(record, Points):
            self.points.put(record)
        self.last_record = max(self.last_record, record.number)

    def _make_room(self, number: int) -> None:
        """Seal the older half of a full matrix. Compressing takes milliseconds, so the lock is not held meanwhile."""
        layout = self._layouts[number]
        if not layout.full:
            return
        rows = layout.oldest_half()
        values = np.ascontiguousarray(rows.values.T)
        chunks = list(encode_chunks(values, rows_per_chunk(len(rows.times))))
        samples = int(np.count_nonzero(~is_absent(values)))
        with self._lock:
            layout.replace_oldest(rows, chunks, samples, self._cache)
