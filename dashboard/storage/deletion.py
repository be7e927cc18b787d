"""Deleting samples: out of the head at once, out of the blocks by a tombstone until they are rewritten."""

from __future__ import annotations

import functools
import logging
import sqlite3
from threading import RLock

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import ABSENT, IntArray
from dashboard.storage.blocks import Blocks
from dashboard.storage.head import Head, HeadLayout, RawRows, SealedRows
from dashboard.storage.merging import Merger
from dashboard.storage.records import Points, Run, journal_row, save_journal
from dashboard.storage.rewriting import Erase
from dashboard.storage.sealing import Sealer, make_run
from dashboard.storage.source import read
from dashboard.storage.tombstones import Tombstones

log = logging.getLogger(__name__)


class Deleter:
    """Deletes what some series have in a range of time. Nobody may be compacting or merging meanwhile."""

    def __init__(
        self,
        database: Database,
        lock: RLock,
        *,
        head: Head,
        sealer: Sealer,
        blocks: Blocks,
        tombstones: Tombstones,
    ) -> None:
        """``lock`` guards what queries see."""
        self._database = database
        self._lock = lock
        self._head = head
        self._sealer = sealer
        self._blocks = blocks
        self._tombstones = tombstones

    def delete(self, series: IntArray, start: int, end: int) -> None:
        """Delete the samples of some series (rising numbers) from ``start`` to ``end``, both included.

        Raises:
            DatabaseError: the database could not be written; a part may be deleted.
        """
        with self._sealer.lock:
            for layout in self._head.layouts():
                if np.isin(series, layout.series).any():
                    self._sealer.seal_all(layout)
                    self._delete_rows(layout, series, start, end)
            self._delete_points(series, start, end)
        held = self._blocks.between(start, end)
        if any(np.isin(series, group.series).any() for _, groups in held for group in groups):
            self._tombstones.add(self._blocks.next_number, start, end, series)

    def _delete_rows(self, layout: HeadLayout, series: IntArray, start: int, end: int) -> None:
        with self._lock:
            touched = [sealed for sealed in layout.sealed if sealed.times[0] <= end and sealed.times[-1] >= start]
        for sealed in touched:
            run = _without(layout.number, sealed, series, start, end)
            if run is not None:
                self._database.write(functools.partial(save_journal, rows=[journal_row(run)]))
                with self._lock:
                    self._head.replace_run(layout, sealed, run)

    def _delete_points(self, series: IntArray, start: int, end: int) -> None:
        with self._lock:
            points = self._head.points.snapshot()
        gone = np.isin(points.series, series) & (points.timestamps >= start) & (points.timestamps <= end)
        if not gone.any():
            return
        touched = np.unique(points.records[gone])
        left = points.where(np.isin(points.records, touched) & ~gone)
        records = [
            journal_row(Points(number, part.series, part.timestamps, part.values))
            for number in np.unique(left.records).tolist()
            for part in [left.where(left.records == number)]
        ]

        def delete_points(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM journal WHERE id = ?", [(number,) for number in touched.tolist()])
            save_journal(connection, records)

        self._database.write(delete_points)
        with self._lock:
            self._head.points.erase(gone)


def clean(blocks: Blocks, tombstones: Tombstones, merger: Merger, erase: Erase) -> None:
    """Rewrite the blocks that hold deleted samples, so that their space comes back, and drop the tombstones.

    Raises:
        DatabaseError: the database could not be written; what is left is done by the next call.
    """
    for block in blocks.all():
        if any(stone.touches(block) for stone in tombstones.all()):
            merger.rewrite([block], block.start, block.end, erase)
    tombstones.drop_settled(blocks.all())


def _without(layout: int, sealed: SealedRows, series: IntArray, start: int, end: int) -> Run | None:
    """Return a run without the samples of some series, or nothing if it holds none of them."""
    columns = np.flatnonzero(np.isin(sealed.series, series))
    if not len(columns):
        return None
    values = read(sealed, np.arange(len(sealed.series)), 0, len(sealed.times))
    first, last = np.searchsorted(sealed.times, start), np.searchsorted(sealed.times, end, side="right")
    values[columns, first:last] = ABSENT
    return make_run(layout, sealed.run.number, RawRows(sealed.series, sealed.times, values.T))
