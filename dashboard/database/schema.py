"""Brings the tables to what the packages' migrations say, and refuses what a newer version wrote."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

from dashboard.database.connection import connect_reader
from dashboard.database.errors import NewerDatabaseError


def refuse_newer(file: Path, migrations: Iterable[Migrations]) -> None:
    """Compare the migrations that were applied with those we know, by a connection that cannot write.

    Raises:
        NewerDatabaseError: one is not ours.
        sqlite3.Error: the file is not a database.
    """
    if not file.exists() or file.stat().st_size == 0:
        return
    # sqlite-utils has no public list of a set's migrations; asked about an empty database, all of them are pending.
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        known = {(each.name, one.name) for each in migrations for one in each.pending(Tables(empty))}
    with contextlib.closing(connect_reader(file)) as connection:
        unknown = _applied(connection) - known
    if unknown:
        raise NewerDatabaseError(file, [f"{owner}.{name}" for owner, name in unknown])


def migrate(connection: sqlite3.Connection, migrations: Iterable[Migrations]) -> None:
    """Apply what is pending, each migration in a transaction with the record that it ran."""
    tables = Tables(connection)
    for each in migrations:
        if each.pending(tables):
            each.apply(tables)


def _applied(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    table = Migrations.migrations_table
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchall():
        return set()
    return set(connection.execute(f"SELECT migration_set, name FROM {table}").fetchall())  # noqa: S608
