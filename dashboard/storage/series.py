"""The registry of series: labels to a number that stays the same for ever, and back."""

from __future__ import annotations

import logging
import operator
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
import orjson

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import BoolArray, IntArray
from dashboard.storage.cardinality import Cardinality
from dashboard.storage.damage import Damage
from dashboard.storage.errors import CorruptBlobError
from dashboard.storage.index import Index
from dashboard.storage.scan import scan

log = logging.getLogger(__name__)

_NO_LABELS = Labels()
_FAR = 1 << 20
_ROW = {"labels": str, "checksum": int | None}

SeriesRow = tuple[int, str, int]
"""Number, labels as JSON, and the checksum of both."""


class SeriesRegistry:
    """All series that have samples, in memory. Numbers count from 0 in the order of registration."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[Labels, int] = {}
        self._labels: list[Labels] = []
        self._index = Index()
        self._saved = 0
        self._promised: set[int] = set()
        self.changes = 0
        """How often a series came or went: as long as it stays the same, so does what a selector finds."""

    def __len__(self) -> int:
        """How many numbers were given."""
        return len(self._labels)

    @property
    def live(self) -> int:
        """How many there are; others had no sample left."""
        with self._lock:
            return len(self._index)

    def number(self, labels: Labels) -> int:
        """Return the number of a series, registering it if it is new. It is not forgotten before it gets a sample."""
        with self._lock:
            number = self._register(labels)
            self._promised.add(number)
            return number

    def labels(self, numbers: IntArray) -> list[Labels]:
        """Return the labels of each number."""
        return list(map(self._labels.__getitem__, numbers.tolist()))

    def select(self, matchers: Iterable[Matcher]) -> IntArray:
        """Return the numbers, ascending, of the series that satisfy every matcher."""
        with self._lock:
            return self._index.select(matchers)

    def cardinality(self, limit: int) -> Cardinality:
        """Return which names and labels have the most series and values, ``limit`` of each."""
        with self._lock:
            return self._index.cardinality(limit)

    def alive(self, numbers: IntArray) -> BoolArray:
        """Say which numbers belong to a series that was not forgotten."""
        with self._lock:
            return self._index.alive(numbers)

    def forget(self, numbers: IntArray, used: BoolArray) -> IntArray:
        """Forget series, but those that were asked for and may be about to get a sample; return which were forgotten.

        ``used`` marks the numbers of series that have samples.
        """
        with self._lock:
            self._promised = {number for number in self._promised if number >= len(used) or not used[number]}
            numbers = np.array([number for number in numbers.tolist() if number not in self._promised], dtype=np.int64)
            labels = self.labels(numbers)
            self.changes += bool(len(numbers))
            self._index.remove(numbers, labels)
            for number, each in zip(numbers.tolist(), labels, strict=True):
                self._labels[number] = _NO_LABELS
                if self._numbers.get(each) == number:
                    del self._numbers[each]
            return numbers

    def load(self, connection: sqlite3.Connection, damage: Damage) -> None:
        """Fill an empty registry from the table ``series``."""
        rows, damaged = list[tuple[int, Labels]](), list[int]()
        for number, labels, checksum in scan(connection, "series", _ROW, damage):
            try:
                rows.append((number, _read_labels(number, labels, checksum)))
            except CorruptBlobError as error:
                damage.found(f"the labels of series {number}", error, labels.encode(errors="surrogateescape"))
                damaged.append(number)
        with self._lock:
            for number, read in sorted(rows, key=operator.itemgetter(0)):
                self._skip_to(number)
                self._enter(read)
            for number in sorted(damaged):
                # What is so far away was never given: then it is the number that is damaged.
                if number < len(self._labels) + _FAR:
                    self._skip_to(number + 1)
            self._saved = len(self._labels)

    def unsaved(self) -> list[SeriesRow]:
        """Return the rows that the table ``series`` lacks."""
        with self._lock:
            first = self._saved
            new = self._labels[first:]
        return [_row(first + place, labels) for place, labels in enumerate(new)]

    def saved(self, rows: Sequence[SeriesRow]) -> None:
        """Remember that these rows are in the table now."""
        if rows:
            self._saved = max(self._saved, rows[-1][0] + 1)

    def _skip_to(self, number: int) -> None:
        """Leave the numbers before this one without labels: a number is never given to another series."""
        while len(self._labels) < number:
            self._labels.append(_NO_LABELS)

    def _register(self, labels: Labels) -> int:
        known = self._numbers.get(labels)
        return self._enter(labels) if known is None else known

    def _enter(self, labels: Labels) -> int:
        number = len(self._labels)
        self._labels.append(labels)
        self._index.add(number, labels)
        self.changes += 1
        self._numbers[labels] = number
        return number


def _row(number: int, labels: Labels) -> SeriesRow:
    text = orjson.dumps(dict(labels))
    return number, text.decode(), zlib.crc32(text, number & 0xFFFFFFFF)


def _read_labels(number: int, text: str, checksum: int | None) -> Labels:
    octets = text.encode(errors="surrogateescape")
    # The first version wrote no checksum.
    if checksum is not None and zlib.crc32(octets, number & 0xFFFFFFFF) != checksum:
        raise CorruptBlobError("the checksum of the labels does not agree with them")
    try:
        return Labels(orjson.loads(octets).items())
    except orjson.JSONDecodeError as error:
        raise CorruptBlobError(f"the labels are no JSON: {error}") from error


def save_series(connection: sqlite3.Connection, rows: Sequence[SeriesRow]) -> None:
    """Write rows that :meth:`SeriesRegistry.unsaved` gave."""
    connection.executemany("INSERT OR REPLACE INTO series (id, labels, checksum) VALUES (?, ?, ?)", rows)
