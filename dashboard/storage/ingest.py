"""Appending: order is checked, rows are formed, and records are queued for the journal."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import ABSENT, STALE, BoolArray, FloatArray, IntArray, is_absent
from dashboard.storage.errors import ForgottenSeriesError
from dashboard.storage.journal import Journal
from dashboard.storage.layout import Layout
from dashboard.storage.order import LastSamples
from dashboard.storage.records import Growth, Points, Record, Row
from dashboard.storage.series import SeriesRegistry

_SPARSE_ROWS = 32
_WIDE = 256


@dataclass(frozen=True, slots=True)
class AppendResult:
    """How many series the writer's last row did not have, and how many samples were dropped as repeated or late."""

    added: int = 0
    duplicates: int = 0
    out_of_order: int = 0


class Ingest:
    """What all appenders share. Its lock is held for the microseconds that a row takes."""

    def __init__(
        self, journal: Journal, registry: SeriesRegistry, last: LastSamples, *, block_length: int, window: int = 0
    ) -> None:
        """Samples are taken up to ``window`` milliseconds out of order; blocks cover ``block_length``."""
        self.window = window
        self.block_length = block_length
        self._registry = registry
        self.lock = threading.Lock()
        self.journal = journal
        self.last = last
        self.layouts: dict[int, Layout] = {}
        self.next_layout = 1
        self.appended = 0
        self.duplicates = 0
        self.out_of_order = 0

    def new_layout(self) -> Layout:
        """Begin a layout; hold the lock."""
        layout = Layout(self.next_layout)
        self.layouts[layout.number] = layout
        self.next_layout += 1
        return layout

    def retire(self, layout: int, rows: int) -> bool:
        """Retire a layout if these are all the rows it ever had; return whether it is retired."""
        with self.lock:
            known = self.layouts.get(layout)
            if known is None:
                return True
            if known.rows != rows:
                return False
            known.retired = True
            del self.layouts[layout]
            return True

    def points(self, series: IntArray, timestamps: IntArray, values: FloatArray) -> AppendResult:
        """Append samples with timestamps of their own.

        Raises:
            ForgottenSeriesError: a series was forgotten; nothing was appended.
        """
        present = ~is_absent(values)
        series, timestamps, values = series[present], timestamps[present], values[present]
        with self.lock:
            self.check_known(series)
            verdict = self.last.accept_points(series, timestamps, values, self.window)
            kept = verdict.accepted | verdict.late
            if kept.any():
                number = self.journal.next_number()
                self.queue([Points(number, series[kept], timestamps[kept], values[kept])], int(kept.sum()))
            self.count(verdict.duplicates, verdict.out_of_order)
        return AppendResult(0, verdict.duplicates, verdict.out_of_order)

    def check_known(self, series: IntArray) -> None:
        """Check that no series was forgotten; hold the lock.

        Raises:
            ForgottenSeriesError: one was.
        """
        if not self._registry.alive(series).all():
            raise ForgottenSeriesError

    def queue(self, records: Sequence[Record], samples: int) -> None:
        """Queue records with so many samples; hold the lock, so that record numbers rise in the queue."""
        self.journal.queue(records)
        self.appended += samples

    def count(self, duplicates: int, out_of_order: int) -> None:
        """Count samples that were dropped; hold the lock."""
        self.duplicates += duplicates
        self.out_of_order += out_of_order


@dataclass(frozen=True, slots=True)
class _Shape:
    """The series of a row, and where their values go. Most rows have the shape of the row before."""

    given: IntArray
    first: IntArray | None
    """The places of the values to take where a series was given more than once."""
    series: IntArray
    columns: IntArray
    whole: bool
    """Whether the values are the row: every column of the layout, in order."""


class RowAppender:
    """Writes rows: one timestamp and one value for each of many series. One thread at a time may use it."""

    def __init__(self, ingest: Ingest) -> None:
        """Made by :meth:`Storage.appender`."""
        self._ingest = ingest
        self._layout: Layout | None = None
        self._shape: _Shape | None = None
        self._present = np.empty(0, dtype=np.int64)
        self._sparse = 0

    def append(self, timestamp: int, series: IntArray, values: FloatArray) -> AppendResult:
        """Append a row; series of the last row that are not in this one get a staleness marker.

        ``series`` holds numbers from :meth:`Storage.series_id` and must not be changed afterwards; handing over the
        same array again is quickest. Samples that are not newer than the last of their series are dropped and counted;
        one that repeats the last is dropped silently, as in Prometheus.

        Raises:
            ForgottenSeriesError: a series was forgotten; nothing was appended.
        """
        series = np.asarray(series, dtype=np.int64)
        values = np.ascontiguousarray(values, dtype=np.float64)
        absent = is_absent(values)
        if absent.any():
            series, values = series[~absent], values[~absent]
        with self._ingest.lock:
            return self._append(timestamp, series, values)

    def end(self, timestamp: int) -> None:
        """Write staleness markers for every series of the last row."""
        with self._ingest.lock:
            self._append(timestamp, np.empty(0, dtype=np.int64), np.empty(0))

    def _append(self, timestamp: int, series: IntArray, values: FloatArray) -> AppendResult:
        growths: list[Growth] = []
        layout = self._current_layout(timestamp, growths)
        shape = self._shaped(layout, series, growths)
        repeated = 0
        if shape.first is not None:
            repeated = _differing(series, values)
            values = values[shape.first]
        added, gone = self._turnover(shape)
        verdict = self._ingest.last.accept_row(shape.series, timestamp, values, self._ingest.window)
        stale = gone[self._ingest.last.accept_row(gone, timestamp, np.full(len(gone), STALE)).accepted]
        count = int(np.count_nonzero(verdict.accepted)) + len(stale)
        records: list[Record] = list(growths)
        if count:
            records.append(self._record(layout, timestamp, _row(layout, shape, values, verdict.accepted, stale)))
        if verdict.late.any():
            records.append(self._late(timestamp, shape.series[verdict.late], values[verdict.late]))
            count += int(np.count_nonzero(verdict.late))
        if records:
            self._ingest.queue(records, count)
        self._present = shape.series
        self._replace_sparse(layout)
        duplicates = verdict.duplicates + repeated
        self._ingest.count(duplicates, verdict.out_of_order)
        return AppendResult(added, duplicates, verdict.out_of_order)

    def _current_layout(self, timestamp: int, growths: list[Growth]) -> Layout:
        if self._layout is None or self._layout.retired or self._is_outgrown(self._layout, timestamp):
            self._layout, self._shape = self._ingest.new_layout(), None
            self._grow(self._layout, self._present, growths)
        return self._layout

    def _is_outgrown(self, layout: Layout, timestamp: int) -> bool:
        """Say whether a row begins another block, and some columns of the layout are of series that are gone.

        A layout of the ones that are left costs nothing there, and those that are gone can be forgotten one day.
        """
        last, length = layout.last_timestamp, self._ingest.block_length
        return last is not None and timestamp // length > last // length and len(self._present) < layout.width

    def _shaped(self, layout: Layout, series: IntArray, growths: list[Growth]) -> _Shape:
        shape = self._shape
        if shape is not None and (shape.given is series or np.array_equal(shape.given, series)):
            return shape
        self._ingest.check_known(series)
        unique, first = np.unique(series, return_index=True)
        order = None
        if len(unique) < len(series):
            order = np.sort(first)
        kept = series if order is None else series[order]
        self._grow(layout, layout.missing(kept), growths)
        columns = layout.columns(kept)
        whole = len(columns) == layout.width and bool((columns == np.arange(layout.width)).all())
        self._shape = _Shape(series, order, kept, columns, whole)
        return self._shape

    @staticmethod
    def _grow(layout: Layout, series: IntArray, growths: list[Growth]) -> None:
        if len(series):
            growths.append(Growth(layout.number, layout.width, series))
            layout.extend(series)

    def _turnover(self, shape: _Shape) -> tuple[int, IntArray]:
        """Return how many series are new since the last row, and which are gone."""
        if self._present is shape.series:
            return 0, np.empty(0, dtype=np.int64)
        gone = np.setdiff1d(self._present, shape.series, assume_unique=True)
        return len(shape.series) - (len(self._present) - len(gone)), gone

    def _late(self, timestamp: int, series: IntArray, values: FloatArray) -> Points:
        number = self._ingest.journal.next_number()
        return Points(number, series, np.full(len(series), timestamp), values)

    def _record(self, layout: Layout, timestamp: int, row: FloatArray) -> Row | Points:
        number = self._ingest.journal.next_number()
        if layout.last_timestamp is not None and timestamp <= layout.last_timestamp:
            # The clock went back, and series came that the layout's rows are too new for.
            columns = np.flatnonzero(~is_absent(row))
            return Points(number, layout.series[columns], np.full(len(columns), timestamp), row[columns])
        layout.last_timestamp = timestamp
        layout.rows += 1
        return Row(number, layout.number, timestamp, row)

    def _replace_sparse(self, layout: Layout) -> None:
        """Begin another layout at the next row when this one has too many columns that stay empty."""
        self._sparse = self._sparse + 1 if 2 * len(self._present) < layout.width else 0
        exploded = layout.width > _WIDE and 8 * len(self._present) < layout.width
        if self._sparse >= _SPARSE_ROWS or exploded:
            self._layout, self._shape, self._sparse = None, None, 0


def _row(layout: Layout, shape: _Shape, values: FloatArray, accepted: BoolArray, stale: IntArray) -> FloatArray:
    if shape.whole and len(values) == layout.width and accepted.all():
        return values.copy()
    row = np.full(layout.width, ABSENT)
    row[shape.columns[accepted]] = values[accepted]
    row[layout.columns(stale)] = STALE
    return row


def _differing(series: IntArray, values: FloatArray) -> int:
    """Count the values that differ from the first one given for the same series."""
    _, first, inverse = np.unique(series, return_index=True, return_inverse=True)
    bits = values.view(np.uint64)
    return int(np.count_nonzero(bits != bits[first][inverse]))
