"""What is queued for the journal, and how its rows look in the database."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboard.model.samples import FloatArray, IntArray
from dashboard.storage.codec import Blob, decode_ints, decode_row, encode_ints, encode_row
from dashboard.storage.errors import CorruptBlobError

_LENGTHS = struct.Struct("<II")

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


Record = Growth | Row | Points


def save_growths(connection: sqlite3.Connection, growths: Iterable[Growth]) -> None:
    """Write new columns of layouts."""
    rows = [(growth.layout, growth.first, encode_ints(growth.series)) for growth in growths]
    connection.executemany("INSERT OR REPLACE INTO layout_columns (layout, first, series) VALUES (?, ?, ?)", rows)


def save_journal(connection: sqlite3.Connection, rows: Sequence[JournalRow]) -> None:
    """Write journal rows; writing one a second time changes nothing."""
    connection.executemany(
        "INSERT OR REPLACE INTO journal (id, layout, first, last, body) VALUES (?, ?, ?, ?, ?)", rows
    )


def journal_row(record: Row | Points) -> JournalRow:
    """Return the row of the table ``journal`` for a record."""
    if isinstance(record, Row):
        return (record.number, record.layout, record.timestamp, record.timestamp, encode_row(record.values))
    series, times = encode_ints(record.series), encode_ints(record.timestamps)
    body = _LENGTHS.pack(len(series), len(times)) + series + times + encode_row(record.values)
    return (record.number, None, int(record.timestamps.min()), int(record.timestamps.max()), body)


def read_record(row: JournalRow) -> Row | Points:
    """Read a row of the table ``journal``.

    Raises:
        CorruptBlobError: it is not what was written.
    """
    number, layout, first, _, body = row
    if layout is not None:
        return Row(number, layout, first, decode_row(body))
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
