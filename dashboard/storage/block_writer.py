"""Writes blocks in short transactions, and completes them in one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import FloatArray, IntArray, is_absent
from dashboard.storage.blocks import CHUNK_BITS, Block, Blocks, Group, group_fields
from dashboard.storage.codec import bind, encode_chunks, encode_ints

_TRANSACTION_BYTES = 2 << 20
_NONE = (np.empty(0, dtype=np.int64),) * 3


@dataclass(slots=True)
class _Building:
    start: int
    end: int
    samples: int = 0
    bytes: int = 0
    groups: list[Group] = field(default_factory=list)


class BlockWriter:
    """Writes one or more blocks that become visible together. For one thread, and one use."""

    def __init__(self, database: Database, blocks: Blocks, *, note_last: bool = True) -> None:
        """``note_last`` says whether it is to remember the last sample of each series."""
        self._note_last = note_last
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
        group = self._blocks.group(self._blocks.new_group(), int(times[0]), int(times[-1]))
        stamps = encode_ints(times)
        # The group stands before its chunks, so that they can be found and removed if this is never completed.
        self._add(
            "INSERT INTO block_groups (id, block, first, last, rows, times, series) VALUES (?, ?, ?, ?, 0, ?, ?)",
            (group.number, block, group.first, group.last, stamps, b""),
        )
        series, starts, size = self._add_chunks(group, map(self._noted(block, times), slices))
        if not size:
            self._add("DELETE FROM block_groups WHERE id = ?", (group.number,))
            return
        bound = bind(series, *group_fields(group.number, group.first, group.last, stamps, starts))
        self._add("UPDATE block_groups SET series = ?, starts = ? WHERE id = ?", (bound, starts, group.number))
        self._building[block].bytes += size
        self._building[block].groups.append(group)

    def _add_chunks(self, group: Group, slices: Iterable[tuple[IntArray, FloatArray]]) -> tuple[bytes, bytes, int]:
        """Write the chunks; return the series and the starts of the chunks, and how many bytes there were."""
        members, at, size = [np.empty(0, dtype=np.int64)], 0, 0
        starts: list[int] = []
        number = group.number << CHUNK_BITS
        for series, chunks in _chunked(slices):
            members.append(series)
            for count, body in chunks:
                key = number + len(starts)
                self._add("INSERT INTO block_chunks (id, body) VALUES (?, ?)", (key, bind(body, key)))
                starts.append(at)
                at, size = at + count, size + len(body)
        return encode_ints(np.concatenate(members)), encode_ints(np.array(starts, dtype=np.int64)), size

    def complete(self, also: Callable[[sqlite3.Connection], object] = lambda _: None) -> list[Block]:
        """Mark all blocks complete in one transaction, together with what ``also`` does, and return them.

        Nobody sees them before :meth:`Blocks.show`.
        """
        self._write_out()
        marks = [(building.samples, building.bytes, number) for number, building in self._building.items()]

        def complete_blocks(connection: sqlite3.Connection) -> None:
            connection.executemany("UPDATE blocks SET complete = 1, samples = ?, bytes = ? WHERE id = ?", marks)
            also(connection)

        self._database.write(complete_blocks)
        return [
            Block(number, building.start, building.end, building.samples, building.bytes, tuple(building.groups))
            for number, building in self._building.items()
        ]

    def last_samples(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return series, timestamps and bits of the last sample of each series."""
        series, times, bits = (np.concatenate(each) for each in zip(*self._last, strict=True)) if self._last else _NONE
        order = np.lexsort((times, series))
        series, times, bits = series[order], times[order], bits[order]
        ends = np.flatnonzero(np.diff(series, append=-1))
        return series[ends], times[ends], bits[ends]

    def _noted(
        self, block: int, times: IntArray
    ) -> Callable[[tuple[IntArray, FloatArray]], tuple[IntArray, FloatArray]]:
        def note(piece: tuple[IntArray, FloatArray]) -> tuple[IntArray, FloatArray]:
            series, values = piece
            present = ~is_absent(values)
            kept = present.any(axis=1)
            if not kept.all():
                series, values, present = series[kept], values[kept], present[kept]
            if self._note_last:
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


def _chunked(
    slices: Iterable[tuple[IntArray, FloatArray]],
) -> Iterator[tuple[IntArray, list[tuple[int, bytes]]]]:
    """Encode slices; what would be the last chunk of one waits for the next, with which it may make a better one."""
    series, values = np.empty(0, dtype=np.int64), None
    for more_series, more_values in slices:
        series = np.concatenate([series, more_series])
        values = more_values if values is None else np.concatenate([values, more_values])
        chunks = encode_chunks(values, last=False, thorough=True)
        done = sum(count for count, _ in chunks)
        if done:
            yield series[:done], chunks
            series, values = series[done:], values[done:]
    if values is not None and len(series):
        yield series, encode_chunks(values, thorough=True)
