"""What is queued for the journal, and how its rows look in the database."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import FloatArray, IntArray
from dashboard.storage.codec import (
    Blob,
    Codec,
    bind,
    check,
    decode_ints,
    decode_row,
    encode_ints,
    encode_row,
    seal,
    unbind,
)
from dashboard.storage.errors import CorruptBlobError

_LENGTHS = struct.Struct("<II")
_RUN = struct.Struct("<IQIII")

_NO_LAYOUT = -1
_RUN_MARK = bytes([Codec.RUN])

JournalRow = tuple[int, int | None, int, int, bytes]


@dataclass(frozen=True, slots=True)
class Growth:
    """Columns that a layout gets at its end."""

    layout: int
    first: int
    series: IntArray


@dataclass(frozen=True, slots=True)
class Row:
    """One timestamp and a value for each column of a layout, ``ABSENT`` where there is none; last columns may lack."""

    number: int
    layout: int
    timestamp: int
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Points:
    """Samples with timestamps of their own."""

    number: int
    series: IntArray
    timestamps: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Run:
    """Older rows of a layout, compressed, in the place of the rows they were. Nobody changes the arrays."""

    number: int
    """The number of the last of its rows."""
    layout: int
    width: int
    """How many columns the layout had."""
    times: IntArray
    starts: IntArray
    """The column with which each chunk begins."""
    chunks: Sequence[Blob]
    samples: int


Record = Growth | Row | Points | Run


def save_growths(connection: sqlite3.Connection, growths: Iterable[Growth]) -> None:
    """Write new columns of layouts."""
    rows = [
        (growth.layout, growth.first, bind(encode_ints(growth.series), growth.layout, growth.first))
        for growth in growths
    ]
    connection.executemany("INSERT OR REPLACE INTO layout_columns (layout, first, series) VALUES (?, ?, ?)", rows)


def save_journal(connection: sqlite3.Connection, rows: Sequence[JournalRow]) -> None:
    """Write journal rows; writing one a second time changes nothing."""
    connection.executemany(
        "INSERT OR REPLACE INTO journal (id, layout, first, last, body) VALUES (?, ?, ?, ?, ?)", rows
    )


def read_growth(layout: int, first: int, series: bytes) -> Growth:
    """Read a row of the table ``layout_columns``.

    Raises:
        CorruptBlobError: it is not what was written.
    """
    return Growth(layout, first, decode_ints(unbind(series, layout, first)))


def journal_row(record: Row | Points | Run) -> JournalRow:
    """Return the row of the table ``journal`` for a record."""
    number, layout, first, last, body = _journal_row(record)
    return number, layout, first, last, bind(body, number, _NO_LAYOUT if layout is None else layout, first, last)


def _journal_row(record: Row | Points | Run) -> JournalRow:
    if isinstance(record, Run):
        return (record.number, record.layout, int(record.times[0]), int(record.times[-1]), _run_body(record))
    if isinstance(record, Row):
        return (record.number, record.layout, record.timestamp, record.timestamp, encode_row(record.values))
    series, times = encode_ints(record.series), encode_ints(record.timestamps)
    body = _LENGTHS.pack(len(series), len(times)) + series + times + encode_row(record.values)
    return (record.number, None, int(record.timestamps.min()), int(record.timestamps.max()), body)


def read_record(row: JournalRow) -> Row | Points | Run:
    """Read a row of the table ``journal``.

    Raises:
        CorruptBlobError: it is not what was written.
    """
    number, layout, first, last, stored = row
    body = bytes(unbind(stored, number, _NO_LAYOUT if layout is None else layout, first, last))
    if layout is not None:
        return (
            _read_run(number, layout, body) if body[:1] == _RUN_MARK else Row(number, layout, first, decode_row(body))
        )
    if len(body) < _LENGTHS.size:
        raise CorruptBlobError(f"record {number} of the journal has only {len(body)} bytes")
    view: Blob = memoryview(body)
    series, times = _LENGTHS.unpack_from(view)
    parts = view[_LENGTHS.size :]
    return Points(
        number,
        decode_ints(parts[:series]),
        decode_ints(parts[series : series + times]),
        decode_row(parts[series + times :]),
    )


def _run_body(run: Run) -> bytes:
    lengths = np.fromiter(map(len, run.chunks), dtype=np.int64, count=len(run.chunks))
    heads = [encode_ints(run.times), encode_ints(run.starts), encode_ints(lengths)]
    head = _RUN.pack(run.width, run.samples, *map(len, heads))
    return seal(Codec.RUN, b"".join([head, *heads, *run.chunks]))


def _read_run(number: int, layout: int, body: bytes) -> Run:
    _, payload = check(body)
    if len(payload) < _RUN.size:
        raise CorruptBlobError(f"record {number} of the journal has only {len(body)} bytes")
    width, samples, *sizes = _RUN.unpack_from(payload)
    at = _RUN.size
    heads = []
    for size in sizes:
        heads.append(decode_ints(payload[at : at + size]))
        at += size
    times, starts, lengths = heads
    ends = at + np.cumsum(lengths)
    if len(starts) != len(lengths) or int(ends[-1] if len(ends) else at) != len(payload) or not len(times):
        raise CorruptBlobError(f"record {number} of the journal is not as long as it says")
    chunks = [payload[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]
    return Run(number, layout, width, times, starts, chunks, samples)
