"""Connections for reading, kept open between uses."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.database.connection import connect_reader
from dashboard.database.errors import ClosedError, ReadError

_IDLE = 4


class Readers:
    """Lends connections; keeps a few idle ones, and closes the others when they come back."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for as long as the context lasts.

        Raises:
            ReadError: a query inside the context failed, or no connection could be opened.
            ClosedError: the readers were closed.
        """
        try:
            connection = self._take()
        except sqlite3.Error as error:
            raise ReadError(error) from error
        try:
            yield connection
        except sqlite3.Error as error:
            raise ReadError(error) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._give_back(connection)

    def close(self) -> None:
        """Close the idle connections; those on loan are closed when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise ClosedError
            if self._idle:
                return self._idle.pop()
        return connect_reader(self._file)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _IDLE:
                self._idle.append(connection)
                return
        connection.close()
