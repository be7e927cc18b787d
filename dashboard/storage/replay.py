"""The start: series, last samples and journal are read, and the head is as it was."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import is_absent
from dashboard.storage.codec import decode_ints
from dashboard.storage.errors import CorruptBlobError
from dashboard.storage.head import Head
from dashboard.storage.order import LastSamples
from dashboard.storage.records import Growth, Points, Record, Row, read_record
from dashboard.storage.series import SeriesRegistry

log = logging.getLogger(__name__)


def replay(database: Database, registry: SeriesRegistry, last: LastSamples, head: Head) -> int:
    """Fill empty parts with what the database holds, and return the number of the next layout."""
    layouts: dict[int, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    rows = 0
    with database.read() as connection:
        registry.load(connection)
        last.load(connection)
        for growth in _growths(connection):
            head.publish([growth])
            known = layouts.get(growth.layout, np.empty(0, dtype=np.int64))
            layouts[growth.layout] = np.concatenate([known, growth.series])
        for record in _records(connection):
            if isinstance(record, Points):
                last.accept_points(record.series, record.timestamps, record.values)
            elif isinstance(record, Row):
                if len(record.values) > len(layouts.get(record.layout, ())):
                    log.error("record %d of the journal has no layout and is left out", record.number)
                    continue
                present = np.flatnonzero(~is_absent(record.values))
                last.accept_row(layouts[record.layout][present], record.timestamp, record.values[present])
            head.publish([record])
            rows += 1
    if rows:
        log.info("replayed %d records of the journal", rows)
    return max(layouts, default=0) + 1


def _growths(connection: sqlite3.Connection) -> Iterator[Growth]:
    query = "SELECT layout, first, series FROM layout_columns ORDER BY layout, first"
    for layout, first, series in connection.execute(query):
        try:
            yield Growth(layout, first, decode_ints(series))
        except CorruptBlobError as error:
            log.error("layout %d cannot be read: %s", layout, error)


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
    for row in connection.execute("SELECT id, layout, first, last, body FROM journal ORDER BY id"):
        try:
            yield read_record(row)
        except CorruptBlobError as error:
            log.error("record %d of the journal cannot be read: %s", row[0], error)
