"""Blocks: the samples of one window of time, in SQLite, as compressed chunks.

A block has *groups*: series over the same timestamps. A group's chunks hold some series each, and are found by
``group << 24 | chunk``, so that one group lies together in the file. A block counts once it is marked complete.
"""

from __future__ import annotations

import functools
import logging
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson

from dashboard.database import Database
from dashboard.model.samples import FloatArray, IntArray
from dashboard.storage.cache import Cache
from dashboard.storage.codec import absent_matrix, decode_chunks, decode_ints
from dashboard.storage.errors import CorruptBlobError

log = logging.getLogger(__name__)

CHUNK_BITS = 24
_DELETE_ROWS = 500
_VACUUM_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """Series of a block over the same timestamps; they are read from the database when they are asked for."""

    number: int
    first: int
    last: int
    rows: int
    """How many series share a chunk."""
    database: Database = field(repr=False)
    cache: Cache = field(repr=False)

    @property
    def series(self) -> IntArray:
        """The numbers of the series, one a column."""
        return self._head()[0]

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""
        return self._head()[1]

    def read(self, columns: IntArray, first: int, last: int, *, keep: bool = True) -> FloatArray:
        """Return float64[columns, last - first]; see :class:`Source`."""
        if not len(self.series):
            # Retention has removed it since it was handed out.
            return absent_matrix(len(columns), last - first)
        if not keep:
            return self._decoded(columns)[0][:, first:last]
        key = ("group", self.number, columns.tobytes())
        values: FloatArray = self.cache.get(key, lambda: self._decoded(columns))
        return values[:, first:last]

    def _head(self) -> tuple[IntArray, IntArray]:
        head: tuple[IntArray, IntArray] = self.cache.get(("head", self.number), self._read_head)
        return head

    def _read_head(self) -> tuple[tuple[IntArray, IntArray], int]:
        with self.database.read() as connection:
            row = connection.execute("SELECT series, times FROM block_groups WHERE id = ?", (self.number,)).fetchone()
        empty = np.empty(0, dtype=np.int64)
        if row is None:
            return (empty, empty), 0
        try:
            series, times = decode_ints(row[0]), decode_ints(row[1])
        except CorruptBlobError as error:
            log.error("group %d of the blocks cannot be read: %s", self.number, error)
            return (empty, empty), 0
        return (series, times), series.nbytes + times.nbytes

    def _decoded(self, columns: IntArray) -> tuple[FloatArray, int]:
        chunks, places = np.unique(columns // self.rows, return_inverse=True)
        width, samples = len(self.series), len(self.times)
        blobs = self._blobs(chunks)
        counts = [min(self.rows, width - chunk * self.rows) for chunk in chunks.tolist()]
        values = self._decode([blobs.get(chunk) for chunk in chunks.tolist()], counts, samples)
        chosen = values[places * self.rows + columns % self.rows]
        return chosen, chosen.nbytes

    def _blobs(self, chunks: IntArray) -> dict[int, bytes]:
        first = self.number << CHUNK_BITS
        wanted = orjson.dumps((chunks + first).tolist()).decode()
        query = "SELECT id, body FROM block_chunks WHERE id IN (SELECT value FROM json_each(?))"
        with self.database.read() as connection:
            return {number - first: body for number, body in connection.execute(query, (wanted,))}

    def _decode(self, blobs: Sequence[bytes | None], counts: Sequence[int], samples: int) -> FloatArray:
        try:
            if None not in blobs:
                return decode_chunks([blob for blob in blobs if blob is not None], counts, samples)
        except CorruptBlobError:
            log.error("group %d of the blocks is damaged; what can be read of it is used", self.number)
        return np.concatenate([self._decode_one(*each, samples) for each in zip(blobs, counts, strict=True)])

    def _decode_one(self, blob: bytes | None, count: int, samples: int) -> FloatArray:
        """Decode one chunk; one that is damaged, or was deleted meanwhile, holds no sample."""
        try:
            return absent_matrix(count, samples) if blob is None else decode_chunks([blob], [count], samples)
        except CorruptBlobError:
            return absent_matrix(count, samples)


@dataclass(frozen=True, slots=True)
class Block:
    """A complete block: the window ``start <= t < end``, its groups, and how many samples it holds."""

    number: int
    start: int
    end: int
    samples: int
    groups: tuple[Group, ...]


class Blocks:
    """The complete blocks, in the order in which they were written."""

    def __init__(self, database: Database, lock: threading.RLock, cache: Cache) -> None:
        """``lock`` guards what queries see."""
        self._database = database
        self._lock = lock
        self._cache = cache
        self._blocks: tuple[Block, ...] = ()
        self._next_block = 1
        self._next_group = 1

    def all(self) -> tuple[Block, ...]:
        """Return the complete blocks."""
        return self._blocks

    def between(self, start: int, end: int) -> list[Group]:
        """Return the groups that overlap a range of time, both ends included."""
        return [group for block in self._blocks for group in block.groups if group.first <= end and group.last >= start]

    def load(self) -> None:
        """Remove what is not complete, and read what there is."""
        self.remove(self._incomplete())
        with self._database.read() as connection:
            blocks = connection.execute("SELECT id, start, end, samples FROM blocks ORDER BY id").fetchall()
            groups = connection.execute("SELECT id, block, first, last, rows FROM block_groups ORDER BY id").fetchall()
        made: dict[int, list[Group]] = {}
        for number, block, first, last, rows in groups:
            made.setdefault(block, []).append(self.group(number, first, last, rows))
        self._blocks = tuple(
            Block(number, start, end, samples, tuple(made.get(number, ()))) for number, start, end, samples in blocks
        )
        self._next_block = max((block[0] for block in blocks), default=0) + 1
        self._next_group = max((group[0] for group in groups), default=0) + 1

    def group(self, number: int, first: int, last: int, rows: int) -> Group:
        """Return the reader of a group."""
        return Group(number, first, last, rows, self._database, self._cache)

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

    def remove(self, numbers: Sequence[int]) -> None:
        """Hide blocks from queries and delete them in short transactions.

        If that is interrupted, :meth:`remove_incomplete` or the next start goes on with it.
        """
        if not numbers:
            return
        marks = [(number,) for number in numbers]
        self._database.write(
            lambda connection: connection.executemany("UPDATE blocks SET complete = 0 WHERE id = ?", marks)
        )
        gone = frozenset(numbers)
        with self._lock:
            self._blocks = tuple(block for block in self._blocks if block.number not in gone)
        for number in numbers:
            while self._database.write(functools.partial(_delete_some, block=number)):
                pass
        while self._database.write(_vacuum_some):
            pass

    def remove_incomplete(self) -> None:
        """Delete what a failed compaction or import left. Nobody may be writing a block."""
        self.remove(self._incomplete())

    def _incomplete(self) -> list[int]:
        with self._database.read() as connection:
            return [row[0] for row in connection.execute("SELECT id FROM blocks WHERE complete = 0")]


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
