"""Copies of the database: taken while a server writes it, checked, and put in its place again."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dashboard.database.connection import connect_reader
from dashboard.database.database import FILE_NAME, Database
from dashboard.database.errors import BackupError
from dashboard.database.lock import DirectoryLock
from dashboard.database.migrations import MigrationSet
from dashboard.database.schema import refuse_newer

Progress = Callable[[int, int], object]
"""Is told how many pages are done, and of how many."""

_PAGES = 2000
_BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database; it belongs to the one of exactly that name."""


def back_up(directory: Path, target: Path, progress: Progress = lambda _, __: None) -> None:
    """Copy the database of a data directory, as it is at one moment, into a new file; a server may run meanwhile.

    Raises:
        MissingDatabaseError: the directory holds no database.
        BackupError: the copy exists already, cannot be written, or is not whole; there is none then.
    """
    source = Database.existing_file(directory)
    if target.exists():
        raise BackupError(target, "it exists already")
    with _reported(target):
        _copy(source, target, progress)


def restore(
    source: Path,
    directory: Path,
    migrations: Iterable[MigrationSet],
    suffix: str,
    progress: Progress = lambda _, __: None,
) -> Path | None:
    """Put a copy in the place of a data directory's database, which no server may use; return where the old one lies.

    The old one keeps its name with ``suffix`` behind it. The copy is checked and lies complete beside it before
    anything is moved.

    Raises:
        AlreadyRunningError: a process uses the directory.
        NewerDatabaseError: a newer version wrote the copy.
        BackupError: the copy cannot be used; nothing has changed.
    """
    with _reported(source):
        if not source.is_file():
            raise BackupError(source, "there is no such file")
        directory.mkdir(parents=True, exist_ok=True)
        lock = DirectoryLock(directory)
        try:
            refuse_newer(source, migrations)
            database, made = directory / FILE_NAME, Database.restored_file(directory)
            made.unlink(missing_ok=True)
            _copy(source, made, progress)
            aside = _move_aside(database, suffix)
            _take_the_place(made, database)
        finally:
            lock.release()
    return aside


def _copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy a database into one file without a log, under another name until it is whole."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with contextlib.closing(connect_reader(source)) as reader, contextlib.closing(_target(partial)) as writer:
            # Within a transaction every page is of the same moment, however long it takes; nobody waits for a reader.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reader.backup(writer, pages=_PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
            writer.execute("PRAGMA journal_mode=DELETE").fetchall()
            found = writer.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise BackupError(source, f"it is damaged ({found})")
        _sync(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _target(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _move_aside(database: Path, suffix: str) -> Path | None:
    """Rename a database with what belongs to it."""
    if not database.exists():
        return None
    aside = database.with_name(database.name + suffix)
    # Its log last: a database without one is refused as long as what replaces it waits beside it.
    for end in ("", *_BESIDE):
        file = database.with_name(database.name + end)
        if file.exists():
            file.rename(aside.with_name(aside.name + end))
    return aside


def _take_the_place(made: Path, database: Path) -> None:
    made.replace(database)
    _sync(database.parent)


def _sync(file: Path) -> None:
    """See to it that a file, or the names in a directory, are on the disk."""
    if file.is_dir() and os.name == "nt":
        return
    descriptor = os.open(file, os.O_RDONLY if file.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _reported(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupError(file, error) from error
