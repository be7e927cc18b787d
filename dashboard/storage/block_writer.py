"""Writes blocks in short transactions, and completes them in one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import FloatArray, IntArray, is_absent
from dashboard.storage.blocks import CHUNK_BITS, Block, Blocks, Group
from dashboard.storage.codec import encode_chunks, encode_ints, rows_per_chunk

_TRANSACTION_BYTES = 2 << 20
_LAST = """INSERT INTO series_last (id, time, bits) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET time = excluded.time, bits = excluded.bits WHERE excluded.time > time"""


@dataclass(slots=True)
class _Building:
    start: int
    end: int
    samples: int = 0
    groups: list[Group] = field(default_factory=list)


class BlockWriter:
    """Writes one or more blocks that become visible together. For one thread, and one use."""

    def __init__(self, database: Database, blocks: Blocks) -> None:
        self._database = database
        self._blocks = blocks
        self._building: dict[int, _Building] = {}
        self._statements: list[tuple[str, tuple[object, ...]]] = []
        self._size = 0
        self._last: list[tuple[IntArray, IntArray, IntArray]] = []

    @property
    def samples(self) -> int:
        """How many samples were written."""
        return sum(block.samples for block in self._building.values())

    def begin(self, start: int, end: int) -> int:
        """Begin a block of the window ``start <= t < end`` and return its number."""
        number = self._blocks.new_block()
        self._building[number] = _Building(start, end)
        self._add("INSERT INTO blocks (id, start, end, samples, complete) VALUES (?, ?, ?, 0, 0)", (number, start, end))
        return number

    def add_group(self, block: int, times: IntArray, slices: Iterable[tuple[IntArray, FloatArray]]) -> None:
        """Add series over the same timestamps, in slices: their numbers, and float64[series, times].

        Series without a sample are left out.
        """
        rows = rows_per_chunk(len(times))
        group = self._blocks.group(self._blocks.new_group(), int(times[0]), int(times[-1]), rows)
        # The group stands before its chunks, so that they can be found and removed if this is never completed.
        head = (group.number, block, group.first, group.last, rows, encode_ints(times), b"")
        self._add(
            "INSERT INTO block_groups (id, block, first, last, rows, times, series) VALUES (?, ?, ?, ?, ?, ?, ?)", head
        )
        members = self._add_chunks(group, map(self._noted(block, times), slices))
        self._add("UPDATE block_groups SET series = ? WHERE id = ?", (encode_ints(members), group.number))
        self._building[block].groups.append(group)

    def _add_chunks(self, group: Group, slices: Iterable[tuple[IntArray, FloatArray]]) -> IntArray:
        members = [np.empty(0, dtype=np.int64)]
        number = group.number << CHUNK_BITS
        for series, values in _even(slices, group.rows):
            members.append(series)
            for body in encode_chunks(values, group.rows):
                self._add("INSERT INTO block_chunks (id, body) VALUES (?, ?)", (number, body))
                number += 1
        return np.concatenate(members)

    def complete(self, also: Callable[[sqlite3.Connection], None] = lambda _: None) -> list[Block]:
        """Mark all blocks complete in one transaction, together with what ``also`` does, and return them.

        Nobody sees them before :meth:`Blocks.show`.
        """
        self._write_out()
        marks = [(building.samples, number) for number, building in self._building.items()]
        last = [row for table in self._last for row in zip(*(column.tolist() for column in table), strict=True)]

        def complete_blocks(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE blocks SET complete = 1, samples = ? WHERE id = ?", marks)
            connection.executemany(_LAST, last)
            also(connection)

        self._database.write(complete_blocks)
        return [
            Block(number, building.start, building.end, building.samples, tuple(building.groups))
            for number, building in self._building.items()
        ]

    def last_samples(self) -> list[tuple[IntArray, IntArray, IntArray]]:
        """Return series, timestamps and bits of the last sample of each series, as they were written."""
        return self._last

    def _noted(
        self, block: int, times: IntArray
    ) -> Callable[[tuple[IntArray, FloatArray]], tuple[IntArray, FloatArray]]:
        def note(piece: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
            series, values = piece
            present = ~is_absent(values)
            kept = present.any(axis=1)
            if not kept.all():
                series, values, present = series[kept], values[kept], present[kept]
            ends = len(times) - 1 - present[:, ::-1].argmax(axis=1)
            bits = values.view(np.int64)[np.arange(len(series)), ends]
            self._last.append((series, times[ends], bits))
            self._building[block].samples += int(np.count_nonzero(present))
            return series, values

        return note

    def _add(self, statement: str, values: tuple[object, ...]) -> None:
        self._statements.append((statement, values))
        self._size += sum(len(value) for value in values if isinstance(value, bytes)) + 64
        if self._size > _TRANSACTION_BYTES:
            self._write_out()

    def _write_out(self) -> None:
        statements, self._statements, self._size = self._statements, [], 0

        def write_blocks(connection: sqlite3.Connection) -> None:
            for statement, values in statements:
                connection.execute(statement, values)

        self._database.write(write_blocks)


def _even(slices: Iterable[tuple[IntArray, FloatArray]], rows: int) -> Iterable[tuple[IntArray, FloatArray]]:
    """Cut slices anew, in multiples of ``rows`` series: every chunk but the last is full."""
    series, values = np.empty(0, dtype=np.int64), None
    for more_series, more_values in slices:
        series = np.concatenate([series, more_series])
        values = more_values if values is None else np.concatenate([values, more_values])
        full = len(series) // rows * rows
        if full:
            yield series[:full], values[:full]
        series, values = series[full:], values[full:]
    if values is not None and len(series):
        yield series, values
