"""Sealing: older rows of the head become compressed runs, in memory and in the journal.

A run takes the place of its rows in the journal in one transaction, and then in memory: a kill leaves the ones or the
other. It lies in one window of time, so that compaction finds it wholly in a block or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from threading import Lock

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import is_absent
from dashboard.storage.codec import encode_chunks
from dashboard.storage.head import Head, HeadLayout, RawRows
from dashboard.storage.records import Run, journal_row, save_journal

_SOME = 8


class Sealer:
    """Seals the layouts that are full. Whoever holds ``lock`` keeps the rows of the head where they are."""

    def __init__(self, database: Database, head: Head, *, window: int) -> None:
        """``window`` is the length of the blocks that the rows will go to, in milliseconds."""
        self._database = database
        self._head = head
        self._window = window
        self.lock = Lock()
        self.runs = 0

    def run_some(self) -> None:
        """Seal a few layouts, since whoever calls has more urgent things to do; see :meth:`run`."""
        self._run(self._head.full()[:_SOME])

    def run(self) -> None:
        """Seal what is full, unless rows must stay where they are just now.

        Raises:
            DatabaseError: the journal could not be written; rows stay as they are.
        """
        self._run(self._head.full())

    def _run(self, layouts: Sequence[HeadLayout]) -> None:
        for layout in layouts:
            if not self.lock.acquire(blocking=False):
                return
            try:
                while layout.full:
                    self._seal(layout)
            finally:
                self.lock.release()

    def seal_all(self, layout: HeadLayout) -> None:
        """Seal all rows of a layout; hold the lock.

        Raises:
            DatabaseError: the journal could not be written; rows stay as they are.
        """
        for _ in range(layout.raw):
            if layout.raw:
                self._seal(layout, every=True)

    def _seal(self, layout: HeadLayout, *, every: bool = False) -> None:
        rows, records = self._head.oldest(layout, self._window, every=every)
        run = make_run(layout.number, int(records[-1]), rows)
        replaced = [(number,) for number in records.tolist()]

        def seal_rows(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM journal WHERE id = ?", replaced)
            save_journal(connection, [journal_row(run)])

        self._database.write(seal_rows)
        self._head.replace_oldest(layout, run)
        self.runs += 1


def make_run(layout: int, number: int, rows: RawRows) -> Run:
    """Compress rows; ``number`` is that of the last one's record."""
    values = np.ascontiguousarray(rows.values.T)
    chunks = encode_chunks(values)
    counts = np.fromiter((count for count, _ in chunks), dtype=np.int64, count=len(chunks))
    samples = int(np.count_nonzero(~is_absent(values)))
    starts = np.cumsum(counts) - counts
    return Run(
        layout=layout,
        number=number,
        width=len(values),
        times=rows.times.copy(),
        starts=starts,
        chunks=[chunk for _, chunk in chunks],
        samples=samples,
    )
