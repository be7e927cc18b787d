"""The database: what the rest of the program sees of SQLite."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from dashboard.database.errors import DatabaseError, MissingDatabaseError, ReadError, UnusableDatabaseError
from dashboard.database.lock import DirectoryLock
from dashboard.database.migrations import MigrationSet
from dashboard.database.readers import Readers
from dashboard.database.schema import SchemaStatus, migrate, refuse_newer, schema_status, take_back
from dashboard.database.writer import Work, Writer

T = TypeVar("T")

FILE_NAME = "cockpit.db"


class Database:
    """The file ``cockpit.db`` of a data directory, open for this process alone."""

    def __init__(self, file: Path, lock: DirectoryLock, writer: Writer, migrations: Sequence[MigrationSet]) -> None:
        """Take over a lock and a writer that are ready; use :meth:`open`."""
        self.file = file
        self._lock = lock
        self._writer = writer
        self._migrations = migrations
        self._readers = Readers(file)

    @classmethod
    def open(cls, directory: Path, migrations: Sequence[MigrationSet], *, upgrade: bool = True) -> Database:
        """Take the lock of the directory (made where it is missing), start the writer and run the migrations.

        Without ``upgrade`` the tables are left as they are.

        Raises:
            AlreadyRunningError: another process uses the directory.
            NewerDatabaseError: a newer version wrote the file, which is left untouched.
            UnusableDatabaseError: the directory or the file cannot be used.
        """
        file = directory / FILE_NAME
        with contextlib.ExitStack() as undo:
            try:
                directory.mkdir(parents=True, exist_ok=True)
                lock = DirectoryLock(directory)
                undo.callback(lock.release)
                _refuse_half_restored(directory)
                refuse_newer(file, migrations)
                writer = Writer(file, lambda connection: migrate(connection, migrations if upgrade else ()))
            except (OSError, sqlite3.Error) as error:
                raise UnusableDatabaseError(file, error) from error
            undo.pop_all()
            return cls(file, lock, writer, migrations)

    @staticmethod
    def existing_file(directory: Path) -> Path:
        """Return the database of a data directory.

        Raises:
            MissingDatabaseError: there is none.
        """
        if not (directory / FILE_NAME).is_file():
            raise MissingDatabaseError(directory)
        return directory / FILE_NAME

    @staticmethod
    def restored_file(directory: Path) -> Path:
        """Return where a database lies that is to take the place of the one of a data directory."""
        return directory / f"{FILE_NAME}.restored"

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue ``work`` for the writer thread, which runs it in one IMMEDIATE transaction.

        The future fails with :class:`WriteError` where SQLite could not write, and with what ``work`` raised otherwise;
        the transaction is rolled back then.

        Raises:
            ClosedError: the database is closed.
        """
        return self._writer.submit(work)

    def write(self, work: Work[T]) -> T:
        """Run ``work`` in one transaction of the writer thread, and wait for its result.

        Raises:
            WriteError: SQLite could not write; everything was rolled back.
            ClosedError: the database is closed.
        """
        return self.submit(work).result()

    def read(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection that can only read. Keep it short: a long reader keeps the log from shrinking.

        Raises:
            ReadError: SQLite could not read what was asked for inside the context.
            ClosedError: the database is closed.
        """
        return self._readers.lend()

    def ping(self) -> bool:
        """Say whether the database answers."""
        try:
            with self.read() as connection:
                return bool(connection.execute("SELECT 1").fetchone() == (1,))
        except DatabaseError:
            return False

    def size(self) -> int:
        """Return the bytes that the file and its log take on disk."""
        files = (self.file, self.file.with_name(f"{self.file.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def room(self) -> int:
        """Return the bytes that the disk under the file has left.

        Raises:
            ReadError: the disk does not tell.
        """
        try:
            return shutil.disk_usage(self.file.parent).free
        except OSError as error:
            raise ReadError(error) from error

    def schema_status(self) -> SchemaStatus:
        """Compare the tables with what this version expects.

        Raises:
            ReadError: the database cannot be read.
        """
        with self.read() as connection:
            return schema_status(connection, self._migrations)

    def downgrade(self, target: str = "") -> list[str]:
        """Take back the migrations after ``target``, or the last one, all in one transaction; return their names.

        Nothing but :meth:`close` may be called afterwards.

        Raises:
            DowngradeError: something is kept that the older version could not read, or the target was not applied.
            WriteError: nothing was changed.
        """
        return self.write(lambda connection: take_back(connection, self._migrations, target))

    def close(self) -> None:
        """Close the readers, then the writer after a checkpoint, and give the lock back."""
        self._readers.close()
        self._writer.close()
        self._lock.release()


def _refuse_half_restored(directory: Path) -> None:
    """Refuse to begin anew where a restore has moved the old data aside, and was stopped before it was done."""
    restored = Database.restored_file(directory)
    if restored.exists() and not (directory / FILE_NAME).exists():
        raise UnusableDatabaseError(restored, "it was being restored when that was stopped; restore it again")
