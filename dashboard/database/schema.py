"""Brings the tables to what the packages' migrations say, back again, and tells where they are different."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

from dashboard.database.connection import connect_reader
from dashboard.database.errors import DowngradeError, NewerDatabaseError, UnusableDatabaseError
from dashboard.database.migrations import Migration, MigrationSet

Shape = Mapping[str, object]
"""Tables and indexes by name, each as what makes two of them equal."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Migrations by ``owner.name``: applied in this order, still to come, and not ours; and what is not as they say."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    drift: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The revision that this version expects."""
        return ", ".join(sorted((*self.applied, *self.pending)))

    @property
    def actual(self) -> str:
        """The revision that there is; the same text as the expected one if nothing is different."""
        return ", ".join(sorted((*self.applied, *self.unknown)) + list(self.drift))

    @property
    def as_expected(self) -> bool:
        """Whether the tables are those that this version expects."""
        return not (self.pending or self.unknown or self.drift)


def refuse_newer(file: Path, sets: Iterable[MigrationSet]) -> None:
    """Compare the migrations that were applied with those we know, by a connection that cannot write.

    Raises:
        NewerDatabaseError: one is not ours.
        sqlite3.Error: the file is not a database.
    """
    if not file.exists() or file.stat().st_size == 0:
        return
    _roll_back(file)
    with contextlib.closing(connect_reader(file)) as connection:
        unknown = [name for name in _applied(connection) if name not in _known(sets)]
    if unknown:
        raise NewerDatabaseError(file, unknown)


def _roll_back(file: Path) -> None:
    """Finish what a power cut has left of making the file: before it has a log, SQLite keeps a journal beside it."""
    if file.with_name(f"{file.name}-journal").exists():
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def migrate(connection: sqlite3.Connection, sets: Iterable[MigrationSet]) -> None:
    """Apply what is pending, each migration in a transaction with the record that it ran."""
    tables = Tables(connection)
    for each in sets:
        runner = each.runner()
        if runner.pending(tables):
            runner.apply(tables)


def schema_status(connection: sqlite3.Connection, sets: Sequence[MigrationSet]) -> SchemaStatus:
    """Compare the tables of a database with what the migrations that were applied to it make of an empty one."""
    known, applied = _known(sets), _applied(connection)
    return SchemaStatus(
        applied=tuple(name for name in applied if name in known),
        pending=tuple(name for name in known if name not in applied),
        unknown=tuple(name for name in applied if name not in known),
        drift=tuple(_differences(_shape(connection), _expected(known, applied))),
    )


def read_schema_status(file: Path, sets: Sequence[MigrationSet]) -> SchemaStatus:
    """Do the same for a file that another process may use.

    Raises:
        UnusableDatabaseError: it cannot be read.
    """
    try:
        with contextlib.closing(connect_reader(file)) as connection:
            return schema_status(connection, sets)
    except sqlite3.Error as error:
        raise UnusableDatabaseError(file, error) from error


def take_back(connection: sqlite3.Connection, sets: Sequence[MigrationSet], target: str = "") -> list[str]:
    """Take back what was applied after the migration ``target``, or the last one; return what was, newest first.

    To be called in a transaction.

    Raises:
        DowngradeError: the target was not applied, or something is kept that the older version could not read.
    """
    known, applied = _known(sets), _applied(connection)
    if target and target not in applied:
        raise DowngradeError(target, f"it was not applied; there are {', '.join(applied) or 'none'}")
    names = applied[applied.index(target) + 1 :] if target else applied[-1:]
    for name in reversed(names):
        if name not in known:
            raise DowngradeError(name, "a newer version made it")
        _take_back(connection, name, known[name])
    return names[::-1]


def _take_back(connection: sqlite3.Connection, name: str, migration: Migration) -> None:
    for keepsake in migration.keepsakes:
        if connection.execute(keepsake.query).fetchone():
            raise DowngradeError(name, f"the version before could not read {keepsake.what}")
    for statement in migration.down:
        connection.execute(statement)
    connection.execute(
        f"DELETE FROM {Migrations.migrations_table} WHERE migration_set || '.' || name = ?",  # noqa: S608
        (name,),
    )


def _known(sets: Iterable[MigrationSet]) -> dict[str, Migration]:
    return {f"{each.owner}.{migration.name}": migration for each in sets for migration in each.migrations}


def _applied(connection: sqlite3.Connection) -> list[str]:
    table = Migrations.migrations_table
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchall():
        return []
    query = f"SELECT migration_set || '.' || name FROM {table} ORDER BY id"  # noqa: S608
    names = [row[0] for row in connection.execute(query)]
    if None in names:
        raise sqlite3.DatabaseError("the list of its migrations is damaged")
    return names


def _expected(known: Mapping[str, Migration], applied: Iterable[str]) -> Shape:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
        for name in applied:
            for statement in known[name].up if name in known else ():
                empty.execute(statement)
        return _shape(empty)


def _shape(connection: sqlite3.Connection) -> Shape:
    """Return the tables with their columns, and the indexes with theirs, but for what SQLite and the runner keep."""
    shape: dict[str, object] = {}
    query = "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'index') AND tbl_name NOT GLOB '*sqlite_*'"
    for kind, name in connection.execute(query).fetchall():
        about = "table_info" if kind == "table" else "index_info"
        columns = connection.execute(f"SELECT * FROM pragma_{about}(?)", (name,)).fetchall()  # noqa: S608
        # In which order columns were added says nothing, except in an index.
        shape[f"{kind} {name}"] = frozenset(row[1:] for row in columns) if kind == "table" else tuple(columns)
    return shape


def _differences(found: Shape, expected: Shape) -> list[str]:
    missing = [f"{name} is missing" for name in expected if name not in found]
    strange = [f"{name} is not ours" for name in found if name not in expected]
    other = [f"{name} has other columns" for name in expected if name in found and found[name] != expected[name]]
    return missing + strange + other
