"""The journal: a thread that commits what was appended, at most once an interval, and only then shows it to queries.

When a commit fails, records wait in memory (minutes of them, then the oldest are dropped and counted) and the commit is
tried again each interval; appending and reading go on meanwhile.
"""

from __future__ import annotations

import itertools
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from dashboard.database import Database, DatabaseError
from dashboard.storage.records import Growth, Points, Record, Row, journal_row, save_growths, save_journal
from dashboard.storage.series import SeriesRegistry, save_series

log = logging.getLogger(__name__)

PATIENCE_MS = 300_000
"""How long records wait for a database that cannot be written."""


class Journal:
    """The queue before the database, and the thread that empties it."""

    def __init__(
        self,
        database: Database,
        registry: SeriesRegistry,
        publish: Callable[[Sequence[Record]], None],
        afterwards: Callable[[], None],
        *,
        clock: Callable[[], int],
        interval: int,
    ) -> None:
        """Build the journal of a registry.

        In the journal's thread, ``publish`` is called with each committed batch, and ``afterwards`` when all who wait
        for it were told; ``interval`` is milliseconds.
        """
        self._afterwards = afterwards
        self._database = database
        self._registry = registry
        self._publish = publish
        self._clock = clock
        self._interval = interval / 1000
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, Record]] = deque()
        self._numbers = itertools.count(1)
        self._next_commit = 0.0
        self._asked = 0
        self._answered = 0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.last_error: str | None = None
        self.commits = 0
        self.failures = 0
        self.dropped = 0

    @property
    def running(self) -> bool:
        """Whether the thread takes records."""
        return self._thread is not None

    def start(self, first_record: int) -> None:
        """Start the thread; records are numbered from ``first_record``."""
        self._numbers = itertools.count(first_record)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what is queued (one attempt) and end the thread."""
        if self._thread is None:
            return
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        with self._changed:
            self._thread = None
            # Whoever asked for a flush after the last commit began waits for an answer.
            self._changed.notify_all()

    def next_number(self) -> int:
        """Return a number for a record, larger than all before."""
        return next(self._numbers)

    def queue(self, records: Sequence[Record]) -> None:
        """Queue records, in the order in which they must be published. Row and point records need numbers that rise."""
        now = self._clock()
        with self._changed:
            self._queue.extend((now, record) for record in records)
            self._changed.notify_all()

    def flush(self) -> bool:
        """Commit now; return, once it is published, whether it could be done. Concurrent calls share a commit."""
        with self._changed:
            if self._thread is None:
                return False
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= mine or self._thread is None)
            return self._answered >= mine and self.last_error is None

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due():
                    self._changed.wait(self._wait_seconds())
                stopping, asked = self._stopping, self._asked
                batch = [record for _, record in self._queue]
            try:
                self._commit(batch)
            except Exception:
                # The edge of a thread that must not end: what is still queued is tried again.
                log.exception("the journal failed")
                self.last_error = "an unexpected error, see the log"
            with self._changed:
                self._answered = asked
                self._next_commit = time.monotonic() + self._interval
                self._changed.notify_all()
            if stopping:
                return
            self._tidy()

    def _tidy(self) -> None:
        try:
            self._afterwards()
        except DatabaseError as error:
            log.warning("older rows stay as they are for now: %s", error)
        except Exception:
            # The edge of a thread that must not end: it is tried again after the next commit.
            log.exception("older rows could not be sealed")

    def _due(self) -> bool:
        if self._stopping or self._asked > self._answered:
            return True
        return bool(self._queue) and time.monotonic() >= self._next_commit

    def _wait_seconds(self) -> float | None:
        return max(0.0, self._next_commit - time.monotonic()) if self._queue else None

    def _commit(self, batch: Sequence[Record]) -> None:
        series = self._registry.unsaved()
        if not batch and not series:
            self._succeeded()
            return
        growths = [record for record in batch if isinstance(record, Growth)]
        rows = [journal_row(record) for record in batch if isinstance(record, Row | Points)]

        def journal_commit(connection: sqlite3.Connection) -> None:
            save_series(connection, series)
            save_growths(connection, growths)
            save_journal(connection, rows)

        try:
            self._database.write(journal_commit)
        except DatabaseError as error:
            self._failed(error)
            return
        self._registry.saved(series)
        with self._changed:
            for _ in batch:
                self._queue.popleft()
        self._publish(batch)
        self.commits += 1
        self._succeeded()

    def _succeeded(self) -> None:
        if self.last_error is not None:
            log.warning("the store can write again")
            self.last_error = None

    def _failed(self, error: DatabaseError) -> None:
        self.failures += 1
        if self.last_error is None:
            log.error("the store cannot write, and keeps what is scraped in memory: %s", error)
        self.last_error = str(error)
        with self._changed:
            newest = self._queue[-1][0] if self._queue else 0
            kept = [entry for entry in self._queue if isinstance(entry[1], Growth) or newest - entry[0] <= PATIENCE_MS]
            self.dropped += len(self._queue) - len(kept)
            self._queue = deque(kept)
