"""Compaction: complete windows of the head become blocks.

The work is cut into short transactions, so that the journal never waits long. The steps, and what a kill leaves:

1. the chunks of a window are written into a block that is not complete (removed at the next start);
2. one transaction marks it complete, notes in ``blocks.journal_end`` up to which record the journal is superseded, and
   cuts records of which only a part is in the block;
3. head and list of blocks change together, so a query sees each sample exactly once;
4. the superseded records are deleted bit by bit (what is left of them is ignored and deleted at the next start).
"""

from __future__ import annotations

import functools
import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock, RLock

import numpy as np

from dashboard.database import Database, DatabaseError
from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.storage.block_writer import BlockWriter
from dashboard.storage.blocks import Blocks
from dashboard.storage.codec import absent_matrix
from dashboard.storage.head import Head, HeadLayout, RawRows
from dashboard.storage.order import save_last
from dashboard.storage.points import PointColumns
from dashboard.storage.records import Points, Run, journal_row, save_journal
from dashboard.storage.sealing import make_run
from dashboard.storage.source import Source, read
from dashboard.storage.windows import Windows

log = logging.getLogger(__name__)

_SLICE_SAMPLES = 1 << 18
_DELETE_ROWS = 500


@dataclass(frozen=True, slots=True)
class _Cut:
    """The rows of a layout that belong to a window: those before row number ``end``."""

    layout: HeadLayout
    end: int
    sources: Sequence[tuple[Source, int]]
    """With how many timestamps of each source are in the window."""


class Compactor:
    """Moves windows that have ended from the head into blocks."""

    def __init__(
        self,
        database: Database,
        *,
        lock: RLock,
        head: Head,
        blocks: Blocks,
        sealing: Lock,
        latest: Callable[[IntArray, IntArray], BoolArray],
        windows: Windows,
    ) -> None:
        """Build a compactor.

        ``lock`` guards what queries see; ``sealing`` is held while rows must stay where they are; ``latest`` says of
        series and timestamps which are the last.
        """
        self._sealing = sealing
        self._latest = latest
        self._database = database
        self._lock = lock
        self._head = head
        self._blocks = blocks
        self._windows = windows
        self.compactions = 0
        self.failures = 0

    def run(self, now: int) -> int:
        """Compact every window that has ended, with some time for late rows; return how many blocks were made.

        Raises:
            DatabaseError: the database could not be written; the head has kept what is not in a block.
        """
        self._blocks.delete_incomplete()
        made, length = 0, self._windows.shortest
        while (span := self._head.span()) is not None:
            start = span[0] // length * length
            if not self._windows.ended(start + length, now):
                break
            try:
                with self._sealing:
                    self._compact(start, start + length)
            except DatabaseError:
                self.failures += 1
                raise
            made += 1
            self.compactions += 1
        return made

    def forget_empty(self, retire: Callable[[int, int], bool]) -> None:
        """Forget layouts without rows, if ``retire(layout, rows)`` says that no row of theirs is on its way."""
        with self._lock:
            empty = [layout for layout in self._head.layouts() if layout.begin == layout.end]
        gone = [layout.number for layout in empty if retire(layout.number, layout.end)]
        if gone:
            self._database.write(
                lambda connection: connection.executemany(
                    "DELETE FROM layout_columns WHERE layout = ?", [(number,) for number in gone]
                )
            )
        for number in gone:
            self._head.forget(number)

    def _compact(self, start: int, end: int) -> None:
        with self._lock:
            record = self._head.last_record
            cuts = [_cut(layout, end) for layout in self._head.layouts()]
            points = self._head.points.snapshot()
        writer = BlockWriter(self._database, self._blocks)
        block = writer.begin(start, end)
        for cut in cuts:
            if cut.sources:
                writer.add_group(block, _times(cut), _slices(cut))
        old = points.where(points.timestamps < end)
        for times, series, values in _same_times(old):
            writer.add_group(block, times, [(series, values)])
        parts: list[Points | Run] = [*_rest(points, old, end), *_rest_of_runs(cuts)]
        rest = [journal_row(part) for part in parts]

        series, times, bits = writer.last_samples()
        # The journal tells of series that go on; what it loses now must be kept.
        ended = self._latest(series, times)

        def supersede(connection: sqlite3.Connection) -> None:
            save_last(connection, series[ended], times[ended], bits[ended])
            connection.execute("UPDATE blocks SET journal_end = ? WHERE id = ?", (record, block))
            save_journal(connection, rest)

        made = writer.complete(supersede)
        with self._lock:
            self._blocks.show(made)
            for cut in cuts:
                cut.layout.drop(cut.end)
            self._head.points.drop(record, end)
        delete_superseded(self._database)
        log.info("compacted %d samples into block %d", writer.samples, block)


def _rest(points: PointColumns, old: PointColumns, end: int) -> list[Points]:
    """Return what is left of records of which only a part goes into the block; they keep their numbers."""
    rest = points.where((points.timestamps >= end) & np.isin(points.records, old.records))
    parts = [(number, rest.where(rest.records == number)) for number in np.unique(rest.records).tolist()]
    return [Points(number, part.series, part.timestamps, part.values) for number, part in parts]


def _rest_of_runs(cuts: Sequence[_Cut]) -> Iterator[Run]:
    """Yield what is left of runs that lie in two windows, since those were others when they were sealed."""
    for cut in cuts:
        for sealed in cut.layout.sealed:
            taken = cut.end - sealed.number
            if 0 < taken < len(sealed.times):
                columns = np.arange(len(sealed.series))
                values = read(sealed, columns, taken, len(sealed.times))
                rows = RawRows(sealed.series, sealed.times[taken:], values.T)
                yield make_run(cut.layout.number, sealed.run.number, rows)


def delete_superseded(database: Database) -> None:
    """Delete, in short transactions, the records of the journal that are in complete blocks."""
    with database.read() as connection:
        blocks = connection.execute(
            "SELECT id, journal_end, end FROM blocks WHERE complete = 1 AND journal_end IS NOT NULL ORDER BY id"
        ).fetchall()
    for block, record, end in blocks:
        while database.write(functools.partial(_delete_some, record=record, end=end)) == _DELETE_ROWS:
            pass
        database.write(functools.partial(_settle, block=block))


def _delete_some(connection: sqlite3.Connection, record: int, end: int) -> int:
    query = "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id <= ? AND last < ? ORDER BY id LIMIT ?)"
    return connection.execute(query, (record, end, _DELETE_ROWS)).rowcount


def _settle(connection: sqlite3.Connection, block: int) -> None:
    connection.execute("UPDATE blocks SET journal_end = NULL WHERE id = ?", (block,))


def _cut(layout: HeadLayout, end: int) -> _Cut:
    sources = [(source, int(np.searchsorted(source.times, end))) for source in layout.sources()]
    count = sum(rows for _, rows in sources)
    return _Cut(layout, layout.begin + count, [(source, rows) for source, rows in sources if rows])


def _times(cut: _Cut) -> IntArray:
    return np.concatenate([source.times[:rows] for source, rows in cut.sources])


def _slices(cut: _Cut) -> Iterator[tuple[IntArray, FloatArray]]:
    """Read a cut some columns at a time, so that memory stays bounded."""
    samples = sum(rows for _, rows in cut.sources)
    series = cut.sources[-1][0].series
    step = max(1, _SLICE_SAMPLES // samples)
    for first in range(0, len(series), step):
        columns = np.arange(first, min(first + step, len(series)))
        yield series[columns], np.concatenate([_padded(source, columns, rows) for source, rows in cut.sources], axis=1)


def _padded(source: Source, columns: IntArray, rows: int) -> FloatArray:
    """Read columns of a source that may be older than some of them."""
    known = columns[columns < len(source.series)]
    values = read(source, known, 0, rows) if len(known) else absent_matrix(0, rows)
    if len(known) == len(columns):
        return values
    return np.concatenate([values, absent_matrix(len(columns) - len(known), rows)])


def _same_times(points: PointColumns) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Yield timestamps, series and values, of series with the same timestamps together."""
    groups: dict[bytes, list[tuple[int, IntArray, FloatArray]]] = {}
    for number, times, values in points.by_series():
        groups.setdefault(times.tobytes(), []).append((number, times, values))
    for group in groups.values():
        series = np.array([number for number, _, _ in group])
        yield group[0][1], series, np.stack([values for _, _, values in group])
