"""Blocks: the samples of one window of time, in SQLite, as compressed chunks.

A block has *groups*: series over the same timestamps. A group's chunks hold some series each, and are found by
``group << 24 | chunk``, so that one group lies together in the file. A block counts once it is marked complete.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import orjson

from dashboard.database import Database, DatabaseError, ReadError
from dashboard.model.samples import ABSENT, FloatArray, IntArray, Known
from dashboard.storage.cache import Cache
from dashboard.storage.codec import Blob, decode_ints, unbind
from dashboard.storage.columns import CachedColumns, Chunked, Columns, Keep
from dashboard.storage.damage import Damage
from dashboard.storage.errors import CorruptBlobError
from dashboard.storage.leases import Leases
from dashboard.storage.scan import fits, is_corrupt, scan

log = logging.getLogger(__name__)

CHUNK_BITS = 24
_BLOCK = {"start": int, "end": int, "samples": int, "bytes": int}
_GROUP = {"block": int, "first": int, "last": int}
_CONTENTS = {"series": bytes, "times": bytes, "starts": bytes | None, "rows": int}
_DELETE_ROWS = 500
_VACUUM_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Contents:
    """What a group holds: series and timestamps, and the column with which each chunk begins."""

    series: IntArray
    times: IntArray
    starts: IntArray


_NOTHING = Contents(*(np.empty(0, dtype=np.int64) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Group:
    """Series of a block over the same timestamps; they are read from the database when they are asked for."""

    number: int
    first: int
    last: int
    database: Database = field(repr=False)
    cache: Cache = field(repr=False)
    damage: Damage = field(repr=False)

    @property
    def series(self) -> IntArray:
        """The numbers of the series, one a column."""
        return self.contents().series

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""
        return self.contents().times

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        """Write columns into float64[columns, n]; see :class:`Source`."""
        return OpenGroup(self).read_into(out, columns, first, keep)

    def unpacked(self, columns: IntArray) -> Columns | None:
        """Return columns as they were unpacked; nothing where retention has removed them since."""
        return OpenGroup(self).unpacked(columns)

    def contents(self) -> Contents:
        """Return what it holds; nothing where retention has removed it, or it is damaged."""
        found: Contents = self.cache.get(("contents", self.number), self._read_contents)
        return found

    def _read_contents(self) -> tuple[Contents, int]:
        query = f"SELECT {', '.join(_CONTENTS)} FROM block_groups WHERE id = ?"  # noqa: S608 - names of our own columns.
        body = None
        try:
            with self.database.read() as connection:
                row = connection.execute(query, (self.number,)).fetchone()
            if row is not None and not fits(row, _CONTENTS.values()):
                raise CorruptBlobError("it holds something else")
            body = None if row is None else row[0] + row[1]
            return (_NOTHING, 0) if row is None else self._parsed(*row)
        except (CorruptBlobError, ReadError) as error:
            if isinstance(error, ReadError) and not is_corrupt(error):
                raise
            self.damage.found(f"group {self.number} of the blocks", error, body)
            return _NOTHING, 0

    def _parsed(self, series: bytes, times: bytes, starts: bytes | None, rows: int) -> tuple[Contents, int]:
        """Return what the columns of a row hold, and how much memory that takes that others do not hold already."""
        blob = unbind(series, *group_fields(self.number, self.first, self.last, times, starts or b""))
        # Groups of one layout mostly have the same series.
        digest = blake2b(blob, digest_size=16).digest()
        numbers, is_own = self.cache.share(("series", digest), lambda: decode_ints(blob))
        begins = np.arange(0, len(numbers), rows) if starts is None else decode_ints(starts)
        contents = Contents(numbers, decode_ints(times), begins)
        return contents, contents.times.nbytes + begins.nbytes + (numbers.nbytes if is_own else 0)


class OpenGroup:
    """A group while one query reads it: what it holds is looked for once, and not before it is needed."""

    __slots__ = ("_contents", "group")

    def __init__(self, group: Group) -> None:
        self.group = group
        self._contents: Contents | None = None

    @property
    def contents(self) -> Contents:
        """What the group holds."""
        if self._contents is None:
            self._contents = self.group.contents()
        return self._contents

    @property
    def first(self) -> int:
        """The earliest timestamp."""
        return self.group.first

    @property
    def last(self) -> int:
        """The latest timestamp."""
        return self.group.last

    @property
    def series(self) -> IntArray:
        """The numbers of the series, one a column."""
        return self.contents.series

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""
        return self.contents.times

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        """Write columns into float64[columns, n]; see :class:`Source`."""
        if not len(self.series):
            # Retention has removed it since it was handed out.
            out[:] = ABSENT
            return Known.nothing(len(out))
        return self._cached().read_into(out, columns, first, keep)

    def unpacked(self, columns: IntArray) -> Columns | None:
        """Return columns as they were unpacked; nothing where retention has removed them since."""
        return self._cached().unpacked(columns) if len(self.series) else None

    def _cached(self) -> CachedColumns:
        return CachedColumns(self.group.cache, ("group", self.group.number), len(self.times), self._unpack)

    def _unpack(self, columns: IntArray) -> Columns:
        chunked = Chunked(self.contents.starts, len(self.series), len(self.times))
        blobs = self._blobs(chunked.owners(columns))

        def body(chunk: int) -> Blob | None:
            return unbind(blobs[chunk], self.group.number << CHUNK_BITS | chunk) if chunk in blobs else None

        def damaged(chunk: int, error: CorruptBlobError) -> None:
            self.group.damage.found(f"chunk {chunk} of group {self.group.number} of the blocks", error, blobs[chunk])

        return chunked.unpack(columns, body, damaged)

    def _blobs(self, chunks: IntArray) -> dict[int, bytes]:
        first = self.group.number << CHUNK_BITS
        wanted = orjson.dumps((chunks + first).tolist()).decode()
        query = "SELECT id, body FROM block_chunks WHERE id IN (SELECT value FROM json_each(?))"
        try:
            with self.group.database.read() as connection:
                return {number - first: body for number, body in connection.execute(query, (wanted,))}
        except ReadError as error:
            if not is_corrupt(error):
                raise
            if len(chunks) > 1:
                return {key: body for chunk in chunks for key, body in self._blobs(chunk[None]).items()}
            self.group.damage.found(f"chunk {chunks[0]} of group {self.group.number} of the blocks", error)
            return {}


@dataclass(frozen=True, slots=True)
class Block:
    """A complete block: the window ``start <= t < end``, its groups, and how many samples and bytes it holds."""

    number: int
    start: int
    end: int
    samples: int
    bytes: int
    groups: tuple[Group, ...]


class Blocks:
    """The complete blocks, in the order in which they were written."""

    def __init__(self, database: Database, lock: threading.RLock, cache: Cache, damage: Damage) -> None:
        """``lock`` guards what queries see."""
        self._database = database
        self._damage = damage
        self._lock = lock
        self._cache = cache
        self._blocks: tuple[Block, ...] = ()
        self._hidden: dict[int, int] = {}
        self.leases = Leases()
        self._next_block = 1
        self._next_group = 1

    def all(self) -> tuple[Block, ...]:
        """Return the complete blocks."""
        return self._blocks

    @property
    def next_number(self) -> int:
        """The number that the next block gets."""
        return self._next_block

    def between(self, start: int, end: int) -> list[tuple[Block, list[Group]]]:
        """Return the groups of each block that overlap a range of time, both ends included."""
        return [
            (block, groups)
            for block in self._blocks
            if (groups := [group for group in block.groups if group.first <= end and group.last >= start])
        ]

    def used_bytes(self) -> int:
        """Return how many bytes of the database are in use; free pages go back to the disk."""
        with self._database.read() as connection:
            pages, free, size = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size

    def load(self) -> None:
        """Remove what is not complete, and read what there is."""
        self.delete_incomplete()
        with self._database.read() as connection:
            blocks = list(scan(connection, "blocks", _BLOCK, self._damage))
            groups = list(scan(connection, "block_groups", _GROUP, self._damage))
            # A group that can be read no more may have left its chunks.
            chunk = connection.execute("SELECT max(id) FROM block_chunks").fetchone()[0] or 0
        made: dict[int, list[Group]] = {}
        for number, block, first, last in groups:
            made.setdefault(block, []).append(self.group(number, first, last))
        self._blocks = tuple(
            Block(number, start, end, samples, size, tuple(made.get(number, ())))
            for number, start, end, samples, size in blocks
        )
        self._next_block = max((block[0] for block in blocks), default=0) + 1
        self._next_group = max((chunk >> CHUNK_BITS, *(group[0] for group in groups))) + 1

    def group(self, number: int, first: int, last: int) -> Group:
        """Return the reader of a group."""
        return Group(number, first, last, self._database, self._cache, self._damage)

    def new_block(self) -> int:
        """Return a number for a block."""
        self._next_block += 1
        return self._next_block - 1

    def new_group(self) -> int:
        """Return a number for a group."""
        self._next_group += 1
        return self._next_group - 1

    def show(self, blocks: Iterable[Block]) -> None:
        """Show blocks, which are complete, to queries; hold the lock if something else must change with them."""
        with self._lock:
            self._blocks = tuple(sorted((*self._blocks, *blocks), key=lambda block: block.number))

    def replace(self, old: Iterable[Block], made: Block) -> None:
        """Show a block in the place of others, which the database knows as not complete, and delete those."""
        with self._lock:
            self._hide({block.number for block in old})
            if made.samples:
                self.show([made])
        self.delete_hidden()

    def remove(self, numbers: Sequence[int]) -> None:
        """Hide blocks from queries and delete them in short transactions.

        If that is interrupted, :meth:`delete_incomplete` or the next start goes on with it.
        """
        if not numbers:
            return
        marks = [(number,) for number in numbers]
        self._database.write(
            lambda connection: connection.executemany("UPDATE blocks SET complete = 0 WHERE id = ?", marks)
        )
        with self._lock:
            self._hide(set(numbers))
        self.delete_hidden()

    def delete_hidden(self) -> None:
        """Delete the hidden blocks that no query looks at any more, and give their space back to the disk."""
        with self._lock:
            done = [number for number, mark in self._hidden.items() if self.leases.over(mark)]
        for number in done:
            self._delete(number)
            with self._lock:
                del self._hidden[number]
        more = bool(done)
        while more:
            more = self._database.write(_vacuum_some)

    def _delete(self, number: int) -> None:
        delete = functools.partial(_delete_some, block=number)
        try:
            while self._database.write(delete):
                pass
        except DatabaseError as error:
            if not is_corrupt(error):
                raise
            # It must not stand in the way of all others; it stays where it is, and hidden.
            self._damage.found(f"block {number}, which was to be deleted", error)

    def delete_incomplete(self) -> None:
        """Delete what a failed compaction or import left. Nobody may be writing a block."""
        with self._lock:
            self._hide(set(self._incomplete()) - self._hidden.keys())
        self.delete_hidden()

    def _hide(self, numbers: Collection[int]) -> None:
        self._blocks = tuple(block for block in self._blocks if block.number not in numbers)
        mark = self.leases.mark()
        self._hidden.update((number, mark) for number in numbers)

    def _incomplete(self) -> list[int]:
        with self._database.read() as connection:
            rows = scan(connection, "blocks", {"complete": int}, self._damage)
            return [number for number, complete in rows if not complete]


def group_fields(number: int, first: int, last: int, times: bytes, starts: bytes) -> tuple[int, ...]:
    """Return what the series of a group are bound to: its number and range, and its other blobs."""
    return number, first, last, zlib.crc32(times), zlib.crc32(starts)


def _delete_some(connection: sqlite3.Connection, block: int) -> bool:
    """Delete some chunks, or a group without chunks, or at last the block; return whether there is more to do."""
    row = connection.execute("SELECT id FROM block_groups WHERE block = ? LIMIT 1", (block,)).fetchone()
    if row is None:
        connection.execute("DELETE FROM blocks WHERE id = ?", (block,))
        return False
    first, end = row[0] << CHUNK_BITS, (row[0] + 1) << CHUNK_BITS
    deleted = connection.execute(
        "DELETE FROM block_chunks WHERE id IN (SELECT id FROM block_chunks WHERE id >= ? AND id < ? LIMIT ?)",
        (first, end, _DELETE_ROWS),
    ).rowcount
    if deleted < _DELETE_ROWS:
        connection.execute("DELETE FROM block_groups WHERE id = ?", row)
    return True


def _vacuum_some(connection: sqlite3.Connection) -> bool:
    """Give some free pages back to the file system; return whether it helped and there are more."""
    before = connection.execute("PRAGMA freelist_count").fetchone()[0]
    connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
    return 0 < int(connection.execute("PRAGMA freelist_count").fetchone()[0]) < int(before)
