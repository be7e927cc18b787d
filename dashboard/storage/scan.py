"""Reading a table whose pages may be damaged: what cannot be read is named and passed over, and the rest comes."""

from __future__ import annotations

import sqlite3
from array import array
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
    """Yield the rows of a table with an integer key: the key, and the columns; each row once.

    They come in the order of their keys, unless pages or keys are damaged.
    """
    seen, begin = _Seen(), -1
    while True:
        query = f"SELECT {key}, {columns} FROM {table} WHERE {key} > ? ORDER BY {key}"  # noqa: S608 - names of our own tables.
        at = begin
        try:
            for row in connection.execute(query, (begin,)):
                at = row[0]
                if at <= seen.highest:
                    damage.found(f"the order of the table {table}", CorruptBlobError(f"{key} {at} comes late"))
                if seen.add(at):
                    yield row
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            damage.found(f"the table {table} after {key} {at}", error)
        else:
            return
        following = _after_damage(connection, table, key, at)
        if following is not None and following <= begin:
            # The pages are out of order, and reading on from there would lead here again.
            following = _after_damage(connection, table, key, max(begin, seen.highest))
        if following is None:
            return
        begin = following


class _Seen:
    """The keys of the rows that were read, which nearly always rise."""

    def __init__(self) -> None:
        self.highest = -1
        self._keys = array("q")
        self._known: set[int] | None = None

    def add(self, key: int) -> bool:
        """Remember a key and say whether it is new."""
        if key > self.highest:
            self.highest = key
        elif key in self._all():
            return False
        self._keys.append(key)
        if self._known is not None:
            self._known.add(key)
        return True

    def _all(self) -> set[int]:
        if self._known is None:
            self._known = set(self._keys)
        return self._known


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
