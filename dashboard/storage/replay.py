"""The start: series, last samples and journal are read, and the head is as it was."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator

import numpy as np

from dashboard.database import Database
from dashboard.model.samples import is_absent
from dashboard.storage.damage import Damage
from dashboard.storage.errors import CorruptBlobError
from dashboard.storage.head import Head
from dashboard.storage.order import LastSamples
from dashboard.storage.records import Growth, Points, Row, Run, read_growth, read_record
from dashboard.storage.scan import scan
from dashboard.storage.series import SeriesRegistry
from dashboard.storage.source import read

log = logging.getLogger(__name__)

_COLUMNS = {"layout": int, "first": int, "series": bytes}
_RECORD = {"layout": int | None, "first": int, "last": int, "body": bytes}


def replay(database: Database, registry: SeriesRegistry, last: LastSamples, head: Head, damage: Damage) -> int:
    """Fill empty parts with what the database holds, and return the number of the next layout."""
    widths: dict[int, int] = {}
    count = 0
    with database.read() as connection:
        registry.load(connection, damage)
        last.load(connection, damage, len(registry))
        for growth in _growths(connection, damage):
            if growth.first != widths.get(growth.layout, 0):
                # Those before it are damaged, and with these columns rows would get the values of others.
                log.error("layout %d ends before column %d", growth.layout, growth.first)
                continue
            head.publish([growth])
            widths[growth.layout] = growth.first + len(growth.series)
        for record in _records(connection, damage):
            if not isinstance(record, Points) and _width(record) > widths.get(record.layout, 0):
                log.error("record %d of the journal has no layout and is left out", record.number)
                continue
            head.publish([record])
            count += 1
    _find_last(head, last)
    if count:
        log.info("replayed %d records of the journal", count)
    return max(widths, default=0) + 1


def _width(record: Row | Run) -> int:
    return record.width if isinstance(record, Run) else len(record.values)


def _growths(connection: sqlite3.Connection, damage: Damage) -> Iterator[Growth]:
    # Columns were added in the order in which they stand in the table.
    for _, layout, first, series in scan(connection, "layout_columns", _COLUMNS, damage, key="rowid"):
        try:
            yield read_growth(layout, first, series)
        except CorruptBlobError as error:
            damage.found(f"layout {layout} from column {first} on", error, series)


def _records(connection: sqlite3.Connection, damage: Damage) -> Iterator[Row | Points | Run]:
    latest = 0
    for row in scan(connection, "journal", _RECORD, damage):
        try:
            record = read_record(row)
            if record.number <= latest:
                raise CorruptBlobError("it stands behind later ones")
            latest = record.number
            yield record
        except CorruptBlobError as error:
            damage.found(f"record {row[0]} of the journal", error, row[4])


def _find_last(head: Head, last: LastSamples) -> None:
    """Look for the last sample of every series: nearly all are in the newest rows, so that little has to be decoded."""
    for layout in head.layouts():
        unknown = np.arange(len(layout.series))
        for source in reversed(layout.sources()):
            columns = unknown[unknown < len(source.series)]
            values = read(source, columns, 0, len(source.times))
            present = ~is_absent(values)
            found = present.any(axis=1)
            ends = len(source.times) - 1 - present[:, ::-1].argmax(axis=1)
            bits = values.view(np.uint64)[np.arange(len(columns)), ends]
            last.raise_to(source.series[columns[found]], source.times[ends[found]], bits[found])
            unknown = np.setdiff1d(unknown, columns[found], assume_unique=True)
            if not len(unknown):
                break
    for number, times, values in head.points.snapshot().by_series():
        last.raise_to(np.array([number]), times[-1:], values[-1:].view(np.uint64))
