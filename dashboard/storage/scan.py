"""Reading a table whose pages may be damaged: what cannot be read is named and passed over, and the rest comes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from dashboard.database import DatabaseError
from dashboard.storage.damage import Damage
from dashboard.storage.errors import CorruptBlobError

_FURTHEST = 1 << 62


def is_corrupt(error: BaseException | None) -> bool:
    """Say whether SQLite found a page that is not what was written."""
    if isinstance(error, DatabaseError):
        error = error.__cause__
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def scan(
    connection: sqlite3.Connection, table: str, columns: str, damage: Damage, *, key: str = "id"
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table with an integer key, in its order: the key, and the columns. Keys always rise."""
    at = -1
    while True:
        query = f"SELECT {key}, {columns} FROM {table} WHERE {key} > ? ORDER BY {key}"  # noqa: S608 - names of our own tables.
        try:
            for row in connection.execute(query, (at,)):
                if row[0] <= at:
                    # Reading on from there would lead here again and again.
                    damage.found(f"the table {table} at {key} {row[0]}", CorruptBlobError("its rows are out of order"))
                    continue
                at = row[0]
                yield row
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            damage.found(f"the table {table} after {key} {at}", error)
            following = _after_damage(connection, table, key, at)
            if following is None:
                return
            at = following
        else:
            return


def _after_damage(connection: sqlite3.Connection, table: str, key: str, at: int) -> int | None:
    """Return the key behind which reading goes on: that of the row that is damaged, or a leap over a damaged page."""
    query = f"SELECT {key} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT 1"  # noqa: S608 - names of our own tables.
    leap = 0
    while at + leap < _FURTHEST:
        try:
            row = connection.execute(query, (at + leap,)).fetchone()
        except sqlite3.DatabaseError:
            leap = 2 * leap + 1
        else:
            if row is None:
                return None
            if row[0] > at + leap:
                return int(row[0]) if leap == 0 else int(row[0]) - 1
            leap = 2 * leap + 1
    return None
