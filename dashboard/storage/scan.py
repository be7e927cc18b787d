"""Reading a table whose pages may be damaged: what cannot be read is named and passed over, and the rest comes."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any

from dashboard.database import DatabaseError
from dashboard.storage.errors import CorruptBlobError

if TYPE_CHECKING:
    from dashboard.storage.damage import Damage

Columns = Mapping[str, type | UnionType]
"""Columns of a table, and what they hold."""
_FURTHEST = 1 << 62


def is_corrupt(error: BaseException | None) -> bool:
    """Say whether SQLite found a page that is not what was written."""
    if isinstance(error, DatabaseError):
        error = error.__cause__
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def fits(row: Sequence[object], kinds: Iterable[type | UnionType]) -> bool:
    """Say whether the values of a row are of the kinds that they should be."""
    return all(map(isinstance, row, kinds))


def scan(
    connection: sqlite3.Connection, table: str, columns: Columns, damage: Damage, *, key: str = "id"
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table with an integer key: the key, and the columns; each row once.

    They come in the order of their keys, unless pages or keys are damaged.
    """
    yield from _Scan(connection, table, columns, damage, key).rows()


class _Scan:
    """One reading of one table."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: Columns, damage: Damage, key: str) -> None:
        self._connection = connection
        self._table = table
        self._kinds = tuple(columns.values())
        self._damage = damage
        self._key = key
        # All names are of our own tables.
        from_there = f"FROM {table} WHERE {key} > ? ORDER BY {key}"
        self._rows = f"SELECT {', '.join((key, *columns))} {from_there}"
        self._next = f"SELECT {key} {from_there} LIMIT 1"
        self._seen = _Seen()
        self._at = -1
        """The key of the row that was read last."""

    def rows(self) -> Iterator[tuple[Any, ...]]:
        begin: int | None = -1
        while begin is not None:
            self._at = begin
            try:
                for row in self._connection.execute(self._rows, (begin,)):
                    self._at = row[0]
                    if self._is_good(row):
                        yield row
            except sqlite3.DatabaseError as error:
                if not is_corrupt(error):
                    raise
                self._damage.found(f"the table {self._table} after {self._key} {self._at}", error)
                begin = self._following(begin)
            else:
                return

    def _is_good(self, row: Sequence[Any]) -> bool:
        """Say whether a row is to be given, and name what is wrong with it."""
        if row[0] <= self._seen.highest:
            late = CorruptBlobError(f"{self._key} {row[0]} comes late")
            self._damage.found(f"the order of the table {self._table}", late)
        if not fits(row[1:], self._kinds):
            other = CorruptBlobError("it holds something else")
            self._damage.found(f"{self._key} {row[0]} of the table {self._table}", other)
            return False
        return self._seen.add(row[0])

    def _following(self, begin: int) -> int | None:
        """Return the key behind which reading goes on, always a higher one than before."""
        following = self._after_damage(self._at)
        if following is not None and following <= begin:
            # The pages are out of order, and reading on from there would lead here again.
            following = self._after_damage(max(begin, self._seen.highest))
        return following

    def _after_damage(self, at: int) -> int | None:
        """Return the key of the row that is damaged, or one before what comes after a leap over a damaged page."""
        leap = 0
        while at + leap < _FURTHEST:
            try:
                row = self._connection.execute(self._next, (at + leap,)).fetchone()
            except sqlite3.DatabaseError:
                row = (at,)
            if row is None:
                return None
            if row[0] > at + leap:
                return int(row[0]) if leap == 0 else int(row[0]) - 1
            leap = 2 * leap + 1
        return None


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
