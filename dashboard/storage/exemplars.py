"""The newest exemplars, in memory and in the table ``exemplars`` (``tsdb/exemplar.go`` of Prometheus).

All series share one ring: where it is full, the oldest exemplar makes room, whosever it is. Exemplars come with
scrapes, so they are saved with the first one after a second, and a kill loses no more than what came since.
"""

from __future__ import annotations

import enum
import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

import numpy as np
import orjson

from dashboard.database import ClosedError, Database
from dashboard.model.exemplar import Exemplar, SeriesExemplars
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import IntArray
from dashboard.storage.damage import Damage
from dashboard.storage.scan import scan
from dashboard.storage.series import SeriesRegistry

log = logging.getLogger(__name__)

MOST_SIGNS = 128
"""How many characters the names and values of an exemplar's labels may have together, as in OpenMetrics."""

MOST_EXEMPLARS = 100_000
"""How many exemplars are kept unless the configuration says otherwise."""

_SAVE_SECONDS = 1.0
_ROW = {"series": int, "time": int, "stamped": int, "bits": int, "labels": str}


@dataclass(frozen=True, slots=True)
class ExemplarResult:
    """What became of appended exemplars; one that repeats the newest of its series is in no count."""

    added: int = 0
    out_of_order: int = 0
    too_long: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """An exemplar in the ring: as it was given, and its time, which may be that of the scrape."""

    number: int
    series: int
    given: Exemplar
    time: int

    @property
    def stamped(self) -> bool:
        """Whether it came with a timestamp of its own."""
        return self.given.timestamp is not None

    @property
    def rank(self) -> tuple[int, float, Labels]:
        """By which the exemplars of a series are in order."""
        return self.time, self.given.value, self.given.labels

    @property
    def bits(self) -> int:
        """The 64 bits of the value: SQLite knows no NaN, and NaN is not equal to itself."""
        return int(np.float64(self.given.value).view(np.int64))

    def repeats(self, newest: _Kept) -> bool:
        """Say whether this is the newest once more: one without a timestamp is exposed until another comes."""
        if (self.stamped or newest.stamped) and self.time != newest.time:
            return False
        return self.bits == newest.bits and self.given.labels == newest.given.labels


class _Fate(enum.Enum):
    """What becomes of one exemplar."""

    ADDED = enum.auto()
    REPEATED = enum.auto()
    OUT_OF_ORDER = enum.auto()
    TOO_LONG = enum.auto()


class Exemplars:
    """A ring of exemplars. Thread-safe."""

    def __init__(
        self, database: Database, registry: SeriesRegistry, damage: Damage, most: int = MOST_EXEMPLARS
    ) -> None:
        """Build an empty ring of ``most`` exemplars; none are kept below 1."""
        self._database = database
        self._damage = damage
        self._registry = registry
        self._most = max(0, most)
        self._lock = threading.Lock()
        self._ring: deque[_Kept] = deque()
        self._by_series: dict[int, deque[_Kept]] = {}
        self._next = 1
        self._unsaved: deque[_Kept] = deque(maxlen=self._most)
        self._saving = False
        self._next_save = 0.0
        self.added = 0
        self.out_of_order = 0

    def __len__(self) -> int:
        return len(self._ring)

    def load(self) -> None:
        """Fill an empty ring from the table, once the series are known.

        Raises:
            DatabaseError: the table cannot be read or written.
        """
        known = len(self._registry)
        with self._database.read() as connection:
            rows = deque(scan(connection, "exemplars", _ROW, self._damage), maxlen=self._most)
        if any(row[1] >= known for row in rows):
            # A kill came between an exemplar and its series, whose number another series will be given.
            self._database.write(lambda writer: writer.execute("DELETE FROM exemplars WHERE series >= ?", (known,)))
        with self._lock:
            for row in rows:
                kept = _of_row(row) if row[1] < known else None
                if kept:
                    self._enter(kept)

    def series(self) -> IntArray:
        """Return the numbers of the series that have exemplars."""
        with self._lock:
            return np.fromiter(self._by_series, dtype=np.int64, count=len(self._by_series))

    def limit(self, most: int) -> None:
        """Keep ``most`` exemplars from now on; the oldest beyond that are dropped at once."""
        with self._lock:
            self._most = max(0, most)
            self._unsaved = deque(self._unsaved, maxlen=self._most)
            self._shrink()

    def append(self, exemplars: Iterable[tuple[int, Exemplar]], now: int) -> ExemplarResult:
        """Keep exemplars, each with the number of its series; one without a timestamp is of ``now``.

        As Prometheus, this drops what repeats the newest exemplar of its series, is older than that, or has labels
        of more than ``MOST_SIGNS`` characters.
        """
        fates: Counter[_Fate] = Counter()
        with self._lock:
            for series, exemplar in exemplars if self._most else ():
                fates[self._take(series, exemplar, now)] += 1
            self.added += fates[_Fate.ADDED]
            self.out_of_order += fates[_Fate.OUT_OF_ORDER]
        if self._unsaved and time.monotonic() >= self._next_save:
            self.save()
        return ExemplarResult(fates[_Fate.ADDED], fates[_Fate.OUT_OF_ORDER], fates[_Fate.TOO_LONG])

    def select(self, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int) -> list[SeriesExemplars]:
        """Return what is between two timestamps, both included, of series that satisfy one of the matcher sets."""
        numbers = [self._registry.select(matchers) for matchers in matcher_sets]
        wanted = set(np.concatenate(numbers).tolist()) if numbers else set()
        found: dict[int, list[Exemplar]] = {}
        with self._lock:
            for series in wanted & self._by_series.keys():
                inside = [
                    replace(each.given, timestamp=each.time)
                    for each in self._by_series[series]
                    if start <= each.time <= end
                ]
                if inside:
                    found[series] = inside
        labels = self._registry.labels(np.fromiter(found, np.int64, len(found)))
        return sorted(map(SeriesExemplars, labels, found.values()), key=lambda each: each.series)

    def forget_before(self, earliest: int) -> None:
        """Drop the exemplars at the old end of the ring that are older than ``earliest``, and save the others."""
        with self._lock:
            while self._ring and self._ring[0].time < earliest:
                self._drop_oldest()
        self.save()

    def save(self) -> Future[None] | None:
        """Begin to write what is not in the table yet, and to delete from it what is no longer in the ring.

        Returns what ends with that, or nothing where it is being done already or the database is closed.
        """
        with self._lock:
            if self._saving:
                return None
            self._saving = True
            self._next_save = time.monotonic() + _SAVE_SECONDS
            new = list(self._unsaved)
            oldest = self._ring[0].number if self._ring else self._next
        try:
            saved = self._database.submit(lambda connection: _save(connection, new, oldest))
        except ClosedError:
            return None
        saved.add_done_callback(lambda done: self._saved(done, new))
        return saved

    def close(self) -> None:
        """Write what is not in the table yet."""
        saved = self.save()
        if saved:
            wait([saved])

    def _saved(self, done: Future[None], new: Sequence[_Kept]) -> None:
        error = done.exception()
        if error:
            log.warning("exemplars wait in memory, since they cannot be written: %s", error)
        with self._lock:
            self._saving = False
            while not error and new and self._unsaved and self._unsaved[0].number <= new[-1].number:
                self._unsaved.popleft()

    def _take(self, series: int, exemplar: Exemplar, now: int) -> _Fate:
        newest = self._by_series[series][-1] if series in self._by_series else None
        if newest and newest.given is exemplar:
            return _Fate.REPEATED
        if sum(len(name) + len(value) for name, value in exemplar.labels) > MOST_SIGNS:
            return _Fate.TOO_LONG
        kept = _Kept(self._next, series, exemplar, now if exemplar.timestamp is None else exemplar.timestamp)
        if newest and kept.repeats(newest):
            return _Fate.REPEATED
        if newest and kept.rank < newest.rank:
            return _Fate.OUT_OF_ORDER
        self._enter(kept)
        self._unsaved.append(kept)
        return _Fate.ADDED

    def _enter(self, kept: _Kept) -> None:
        self._ring.append(kept)
        self._by_series.setdefault(kept.series, deque()).append(kept)
        self._next = kept.number + 1
        self._shrink()

    def _shrink(self) -> None:
        while len(self._ring) > self._most:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        series = self._ring.popleft().series
        others = self._by_series[series]
        others.popleft()
        if not others:
            del self._by_series[series]


def _save(connection: sqlite3.Connection, new: Sequence[_Kept], oldest: int) -> None:
    connection.execute("DELETE FROM exemplars WHERE id < ?", (oldest,))
    connection.executemany("INSERT OR REPLACE INTO exemplars VALUES (?, ?, ?, ?, ?, ?)", map(_row, new))


def _row(kept: _Kept) -> tuple[int, int, int, int, int, str]:
    labels = orjson.dumps(dict(kept.given.labels)).decode()
    return kept.number, kept.series, kept.time, int(kept.stamped), kept.bits, labels


def _of_row(row: tuple[int, int, int, int, int, str]) -> _Kept | None:
    number, series, at, stamped, bits, text = row
    try:
        labels = Labels(orjson.loads(text).items())
    except (orjson.JSONDecodeError, AttributeError) as error:
        log.error("the labels of exemplar %d cannot be read: %s", number, error)
        return None
    return _Kept(number, series, Exemplar(labels, float(np.int64(bits).view(np.float64)), at if stamped else None), at)
