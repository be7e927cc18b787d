"""The thread that makes every write, and every checkpoint."""

from __future__ import annotations

import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from dashboard.database.connection import LOG_BYTES, connect_writer
from dashboard.database.errors import ClosedError, WriteError

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

_SLOW_SECONDS = 1.0


class Writer:
    """Runs pieces of work one after the other, each in a transaction of its own."""

    def __init__(self, file: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        """Open the connection in a new thread, and run ``prepare`` there before everything else.

        Raises:
            sqlite3.Error: the file cannot be opened or prepared.
        """
        self._wal = file.with_name(f"{file.name}-wal")
        self._queue: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._checkpoint_error = ""
        self._closed = False
        self._closing = threading.Lock()
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(file, prepare, ready), name="writer", daemon=True)
        self._thread.start()
        ready.result()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue a piece of work.

        Raises:
            ClosedError: the writer was closed.
        """
        future: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise ClosedError
            self._queue.put((work, future))
        return future

    def close(self) -> None:
        """Finish what is queued, move the whole log into the database file, and end the thread."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self, file: Path, prepare: Callable[[sqlite3.Connection], None], ready: Future[None]) -> None:
        with contextlib.ExitStack() as undo:
            try:
                connection = undo.enter_context(contextlib.closing(connect_writer(file)))
                prepare(connection)
            except BaseException as error:  # noqa: BLE001 - the edge of a thread; the opener gets it.
                ready.set_exception(error)
                return
            ready.set_result(None)
            while (item := self._queue.get()) is not None:
                _perform(connection, *item)
                self._checkpoint(connection, "PASSIVE", above=LOG_BYTES)
            self._checkpoint(connection, "TRUNCATE", above=0)

    def _checkpoint(self, connection: sqlite3.Connection, mode: str, *, above: int) -> None:
        """Move the log into the database file if it is long. Readers go on; what fails is tried again later."""
        try:
            if self._wal.stat().st_size > above:
                connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
                self._checkpoint_error = ""
        except FileNotFoundError:
            return
        except (OSError, sqlite3.Error) as error:
            # A full disk makes every one fail; it is said once.
            if str(error) != self._checkpoint_error:
                log.warning("checkpoint failed: %s", error)
            self._checkpoint_error = str(error)


def _perform(connection: sqlite3.Connection, work: Work[Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    started = time.perf_counter()
    try:
        result = _transact(connection, work)
    except sqlite3.Error as error:
        wrapped = WriteError(error)
        wrapped.__cause__ = error
        future.set_exception(wrapped)
    except BaseException as error:  # noqa: BLE001 - the edge of a thread; whoever waits gets it.
        future.set_exception(error)
    else:
        future.set_result(result)
    took = time.perf_counter() - started
    if took > _SLOW_SECONDS:
        log.warning("a transaction of %s took %.1f s", getattr(work, "__qualname__", work), took)


def _transact(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
