"""Forgetting: series that have no sample left go from memory and from the table ``series``, so that churn ends up free.

A number is never given to another series. Whoever still has that of a forgotten one is told so when it appends, and
asks for a number again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import BoolArray, IntArray
from dashboard.storage.blocks import Block, Blocks
from dashboard.storage.exemplars import Exemplars
from dashboard.storage.head import Head
from dashboard.storage.ingest import Ingest
from dashboard.storage.series import SeriesRegistry

log = logging.getLogger(__name__)

_DELETE_ROWS = 2000


class Forgetter:
    """Finds the series that nothing refers to any more. One thread at a time, and nobody may be importing."""

    def __init__(
        self,
        database: Database,
        *,
        series: SeriesRegistry,
        ingest: Ingest,
        head: Head,
        blocks: Blocks,
        exemplars: Exemplars,
    ) -> None:
        self._database = database
        self._series = series
        self._ingest = ingest
        self._head = head
        self._blocks = blocks
        self._exemplars = exemplars
        self._looked_at: tuple[Block, ...] | None = None
        self._undeleted: list[int] = []
        self.forgotten = 0

    def run(self) -> None:
        """Forget what can be forgotten, if blocks have come or gone since the last time.

        Raises:
            DatabaseError: the table could not be written; the next call does it.
        """
        blocks = self._blocks.all()
        if blocks is not self._looked_at:
            self._looked_at = blocks
            self._forget(len(self._series))
        self._delete()

    def _forget(self, count: int) -> None:
        """Forget what can be forgotten of the first ``count`` numbers."""
        every = np.arange(count)
        with self._ingest.lock:
            before = self._ingest.last.times(every)
        if not self._ingest.journal.flush():
            return
        used = self._used(count)
        idle = self._series.alive(every) & ~used
        # The highest number shows at the next start which ones were given.
        idle[-1:] = False
        with self._ingest.lock:
            for layout in self._ingest.layouts.values():
                idle[layout.series[layout.series < count]] = False
            numbers = np.flatnonzero(idle & (self._ingest.last.times(every) == before))
            numbers = self._series.forget(numbers, used)
            self._ingest.last.forget(numbers)
        self._undeleted += numbers.tolist()
        self.forgotten += len(numbers)
        if len(numbers):
            log.info("forgot %d series that have no sample left", len(numbers))

    def _used(self, count: int) -> BoolArray:
        """Mark the series that something refers to."""
        used = np.zeros(count, dtype=np.bool_)
        for series in self._referred():
            used[series[series < count]] = True
        return used

    def _referred(self) -> Sequence[IntArray]:
        groups = [group.series for block in self._blocks.all() for group in block.groups]
        layouts = [layout.series for layout in self._head.layouts()]
        return [*groups, *layouts, self._head.points.snapshot().series, self._exemplars.series()]

    def _delete(self) -> None:
        while self._undeleted:
            rows = [(number,) for number in self._undeleted[:_DELETE_ROWS]]

            def delete_series(connection: sqlite3.Connection, rows: Sequence[tuple[int]] = rows) -> None:
                connection.executemany("DELETE FROM series WHERE id = ?", rows)
                connection.executemany("DELETE FROM series_last WHERE id = ?", rows)

            self._database.write(delete_series)
            del self._undeleted[: len(rows)]
