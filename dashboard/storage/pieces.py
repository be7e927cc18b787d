"""The parts of sources that a query wants: where its series are among their columns, and which timestamps it needs."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import FloatArray, IntArray, Known, SampleLimitError
from dashboard.storage.columns import Keep
from dashboard.storage.packed import Stretch
from dashboard.storage.source import Source

_FOUND_BYTES = 400
"""About what is taken to know where series are, beside the numbers."""

_COUNTED = 16
"""Samples are counted up to so many times the limit."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the wanted series are among some columns: ``columns[i]`` holds the one at ``places[i]``, which rise."""

    series: weakref.ReferenceType[IntArray]
    """Those of the columns; what was found keeps none of them in memory."""
    places: IntArray
    columns: IntArray
    key: bytes
    """The same for the same places."""

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return _FOUND_BYTES + self.places.nbytes + self.columns.nbytes + len(self.key)


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a source that a query wants: ``times`` begins at the place ``first`` of those of the source."""

    source: Source
    found: Found
    times: IntArray
    first: int

    @property
    def size(self) -> int:
        """The number of samples, or places without one, that it has in memory."""
        return len(self.found.places) * len(self.times)

    def read_into(self, out: FloatArray, places: IntArray, keep: Keep) -> Known:
        """Write the samples at some of its places, which rise, into ``out``."""
        return self.source.read_into(out, self._columns(places), self.first, keep)

    def unpacked(self, places: IntArray) -> Stretch | None:
        """Return what it holds of some of its places, which rise, as it was unpacked, if that is plain numbers."""
        columns = self.source.unpacked(self._columns(places))
        return Stretch(columns, self.first, len(self.times)) if columns is not None and columns.is_plain else None

    def _columns(self, places: IntArray) -> IntArray:
        if len(places) == len(self.found.places):
            return self.found.columns
        return self.found.columns[np.searchsorted(self.found.places, places)]


class Lookup:
    """Finds the wanted series in sources; those of one layout share their columns, and are searched once.

    Several threads may look at once: then two may search the same columns, and find the same.
    """

    def __init__(self, wanted: IntArray) -> None:
        """``wanted`` are numbers of series, each once."""
        self.wanted = wanted
        self._table: npt.NDArray[np.int32] | None = None
        self._known: dict[int, Found] = {}
        self._known_bytes = 0

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return self.wanted.nbytes + self._known_bytes + (0 if self._table is None else self._table.nbytes)

    def __call__(self, series: IntArray) -> Found:
        """Find the wanted series among the series of columns."""
        found = self._known.get(id(series))
        # Another array may have had the same id before.
        if found is None or found.series() is not series:
            self._known[id(series)] = found = self._search(series)
            self._known_bytes += found.nbytes
        return found

    def places_of(self, series: IntArray) -> IntArray:
        """Return the place of each series, or -1."""
        table = self._place_table()
        known = series < len(table)
        if known.all():
            return table[series].astype(np.int64)
        return np.where(known, table[np.where(known, series, 0)], -1).astype(np.int64)

    def rest(self) -> None:
        """Let go of what only new columns need; for them it is made again."""
        self._table = None

    def _place_table(self) -> npt.NDArray[np.int32]:
        """Return the place of each number of a series up to the last wanted one, or -1."""
        table = self._table
        if table is None:
            table = np.full(int(self.wanted.max(initial=-1)) + 1, -1, dtype=np.int32)
            table[self.wanted] = np.arange(len(self.wanted))
            self._table = table
        return table

    def _search(self, series: IntArray) -> Found:
        places = self.places_of(series)
        columns = np.flatnonzero(places >= 0)
        places = places[columns]
        if (places[1:] < places[:-1]).any():
            order = np.argsort(places)
            places, columns = places[order], columns[order]
        return Found(weakref.ref(series), places, columns, places.tobytes())


def find_piece(source: Source, lookup: Lookup, start: int, end: int) -> Piece | None:
    """Return what a source holds of the wanted series between two timestamps, both included, if anything."""
    found = lookup(source.series)
    if not len(found.places):
        return None
    times = source.times
    first, last = int(times.searchsorted(start)), int(times.searchsorted(end, side="right"))
    return Piece(source, found, times[first:last], first) if first < last else None


def counted(pieces: Iterable[Piece | None], count: int, most: int | None) -> Iterator[Piece]:
    """Pass on the pieces there are, unless they and ``count`` other samples are more than ``most``.

    How many more is told up to a point: one who asks for far too much need not wait for all to be counted.

    Raises:
        SampleLimitError: they are more.
    """
    for piece in filter(None, pieces):
        count += piece.size
        if most is not None and count > _COUNTED * most:
            break
        yield piece
    if most is not None and count > most:
        raise SampleLimitError(most, count)
