"""What was found damaged: named once in the log, counted, and noted in the table ``damaged``. Nothing is deleted."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable

from dashboard.database import Database, DatabaseError
from dashboard.storage.codec import Blob
from dashboard.storage.scan import scan

log = logging.getLogger(__name__)


class Damage:
    """The places that could not be read, each with the reason. Thread-safe."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, str] = {}

    def places(self) -> dict[str, str]:
        """Return what is damaged, and why."""
        with self._lock:
            return dict(self._places)

    def load(self) -> None:
        """Read what was found before."""
        with self._database.read() as connection:
            rows = list(scan(connection, "damaged", {"place": str, "reason": str}, self))
        found = {place: reason for _, place, reason in rows}
        with self._lock:
            self._places = {**found, **self._places}

    def found(self, place: str, reason: Exception, body: Blob | None = None) -> None:
        """Note that a place is damaged, and set aside what stands there; what it held counts as not there."""
        with self._lock:
            if place in self._places:
                return
            self._places[place] = str(reason)
        log.error("%s cannot be read and is left out: %s", place, reason)
        row = (place, str(reason), self._clock(), None if body is None else bytes(body))

        def note_damage(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR IGNORE INTO damaged (place, reason, time, body) VALUES (?, ?, ?, ?)", row)

        try:
            # Nobody waits: a query is no place to wait for the writer.
            self._database.submit(note_damage)
        except DatabaseError as error:
            log.warning("the damage could not be noted: %s", error)
