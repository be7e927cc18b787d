"""Deletions that blocks do not know of yet: what they hold of a series in a range of time counts as not there.

A tombstone is about the blocks that were there when it was set; what is imported later counts. It goes when all those
blocks have been rewritten without what it covers.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import ABSENT, FloatArray, IntArray, Known
from dashboard.storage.blocks import Block, Group, OpenGroup
from dashboard.storage.codec import decode_ints, encode_ints
from dashboard.storage.columns import Keep
from dashboard.storage.damage import Damage
from dashboard.storage.errors import CorruptBlobError
from dashboard.storage.scan import scan
from dashboard.storage.source import Source

_ROW = {"blocks": int, "start": int, "end": int, "series": bytes}


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Samples of some series (rising numbers) from ``start`` to ``end``, both included, in blocks below ``blocks``."""

    number: int
    blocks: int
    start: int
    end: int
    series: IntArray

    def touches(self, block: Block) -> bool:
        """Say whether a block may hold something that it covers."""
        return block.number < self.blocks and block.start <= self.end and block.end > self.start


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A source without what tombstones cover."""

    whole: Source
    stones: Sequence[Tombstone]

    @property
    def series(self) -> IntArray:
        """The numbers of the series, one a column."""
        return self.whole.series

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""
        return self.whole.times

    def gone(self) -> IntArray:
        """Return the series of which nothing is left."""
        times = self.times
        # Of a damaged group nothing is known, not even its times.
        stones = self.stones if len(times) else ()
        whole = [stone.series for stone in stones if stone.start <= times[0] and stone.end >= times[-1]]
        return np.concatenate([*whole, np.empty(0, dtype=np.int64)])

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        """Write columns into float64[columns, n]; see :class:`Source`."""
        known = self.whole.read_into(out, columns, first, keep)
        series, times = self.series[columns], self.times[first : first + out.shape[1]]
        for stone in self.stones:
            rows = np.flatnonzero(np.isin(series, stone.series))
            begin, stop = np.searchsorted(times, stone.start), np.searchsorted(times, stone.end, side="right")
            if len(rows) and begin < stop:
                out[rows, begin:stop] = ABSENT
                known = Known.nothing(len(out))
        return known

    def unpacked(self, columns: IntArray) -> None:
        """Return nothing: what is unpacked has what was deleted, too."""


class Tombstones:
    """All tombstones, in memory and in the table. Thread-safe."""

    def __init__(self, database: Database, damage: Damage) -> None:
        self._database = database
        self._damage = damage
        self._lock = threading.Lock()
        self._stones: tuple[Tombstone, ...] = ()

    def all(self) -> tuple[Tombstone, ...]:
        """Return the tombstones."""
        return self._stones

    def load(self) -> None:
        """Read the table."""
        with self._database.read() as connection:
            rows = list(scan(connection, "tombstones", _ROW, self._damage))
        stones = []
        for number, blocks, start, end, series in rows:
            try:
                stones.append(Tombstone(number, blocks, start, end, decode_ints(series)))
            except CorruptBlobError as error:
                self._damage.found(f"tombstone {number}", error, series)
        with self._lock:
            self._stones = tuple(stones)

    def add(self, blocks: int, start: int, end: int, series: IntArray) -> None:
        """Set a tombstone on what the blocks below a number hold.

        Raises:
            DatabaseError: the table could not be written; there is none.
        """
        row = (blocks, start, end, encode_ints(series))

        def set_tombstone(connection: sqlite3.Connection) -> int:
            statement = "INSERT INTO tombstones (blocks, start, end, series) VALUES (?, ?, ?, ?)"
            return int(connection.execute(statement, row).lastrowid or 0)

        number = self._database.write(set_tombstone)
        with self._lock:
            self._stones = (*self._stones, Tombstone(number, blocks, start, end, series))

    def drop_settled(self, blocks: Iterable[Block]) -> None:
        """Drop the tombstones that none of the blocks there are needs.

        Raises:
            DatabaseError: the table could not be written; they stay.
        """
        every = list(blocks)
        settled = {stone.number for stone in self._stones if not any(map(stone.touches, every))}
        if settled:
            rows = [(number,) for number in settled]
            self._database.write(lambda connection: connection.executemany("DELETE FROM tombstones WHERE id = ?", rows))
            with self._lock:
                self._stones = tuple(stone for stone in self._stones if stone.number not in settled)

    def cleaned(self, block: Block, groups: Iterable[Group | OpenGroup]) -> list[Source]:
        """Return groups of a block as sources without what was deleted."""
        stones = [stone for stone in self._stones if stone.touches(block)]
        return [_cleaned(group, stones) for group in groups] if stones else list(groups)


def _cleaned(group: Group | OpenGroup, stones: Sequence[Tombstone]) -> Source:
    own = [stone for stone in stones if stone.start <= group.last and stone.end >= group.first]
    return Cleaned(group, own) if own else group
