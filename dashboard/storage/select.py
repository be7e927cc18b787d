"""From the pieces that hold some series to batches: each series in one batch, in order of time, no timestamp twice.

Series that lie in the same pieces are joined together, as matrices. Only series whose pieces overlap in time (an import
over what was scraped, samples with timestamps of their own, two writers) are sorted one by one; where two pieces have
the same timestamp, the one that comes first in the list of pieces wins.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray, IntArray, SampleLimitError, is_absent
from dashboard.storage.points import PointColumns
from dashboard.storage.source import Source

Part = tuple[IntArray, IntArray, FloatArray]
"""Places in the list of wanted series, timestamps, and float64[places, timestamps] with a sample everywhere."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The part of a source that a query wants: ``columns[i]`` holds the wanted series ``places[i]``."""

    source: Source
    places: IntArray
    columns: IntArray
    times: IntArray
    first: int
    last: int

    @property
    def size(self) -> int:
        """The number of places in the matrix that :meth:`read` gives for all of its series."""
        return len(self.columns) * len(self.times)

    def read(self, places: IntArray) -> FloatArray:
        """Read the columns of some of its places, which are in order."""
        columns = self.columns
        if len(places) < len(self.places):
            columns = columns[np.isin(self.places, places, assume_unique=True)]
        return self.source.read(columns, self.first, self.last)


def merge(
    wanted: IntArray,
    sources: Sequence[Source],
    points: PointColumns,
    start: int,
    end: int,
    *,
    most: int | None = None,
) -> Iterator[Part]:
    """Join what the sources and points hold of the wanted series between two timestamps, both included.

    Raises:
        SampleLimitError: they hold more samples than ``most``; raised before any is read.
    """
    if not len(wanted):
        return
    where = np.full(int(wanted.max(initial=-1)) + 1, -1, dtype=np.int64)
    where[wanted] = np.arange(len(wanted))
    found = _points_between(points, where, start, end)
    pieces = list(_counted((_piece(source, where, start, end) for source in sources), len(found), most))
    pointed = np.zeros(len(wanted), dtype=np.bool_)
    pointed[where[found.series]] = True
    for places, chain in _chains(len(wanted), pieces):
        alone = pointed[places]
        if _overlap(chain):
            alone = np.ones(len(places), dtype=np.bool_)
        yield from _joined(places[~alone], chain)
        yield from _sorted(places[alone], wanted, chain, found)
    chained = np.zeros(len(wanted), dtype=np.bool_)
    for piece in pieces:
        chained[piece.places] = True
    yield from _sorted(np.flatnonzero(pointed & ~chained), wanted, [], found)


def members(wanted: BoolArray, source: Source) -> IntArray:
    """Return which of the wanted series (a mask by number) a source holds."""
    series = source.series
    series = series[series < len(wanted)]
    return series[wanted[series]]


def _piece(source: Source, where: IntArray, start: int, end: int) -> _Piece | None:
    series = source.series
    known = series < len(where)
    places = np.where(known, where[np.where(known, series, 0)], -1)
    columns = np.flatnonzero(places >= 0)
    if not len(columns):
        return None
    times = source.times
    first, last = np.searchsorted(times, start), np.searchsorted(times, end, side="right")
    if first == last:
        return None
    places = places[columns]
    if (places[1:] < places[:-1]).any():
        order = np.argsort(places)
        places, columns = places[order], columns[order]
    return _Piece(source, places, columns, times[first:last], int(first), int(last))


def _counted(pieces: Iterable[_Piece | None], count: int, most: int | None) -> Iterator[_Piece]:
    """Pass on the pieces there are, until they and ``count`` other samples are more than ``most``."""
    _check(count, most)
    for piece in filter(None, pieces):
        count += piece.size
        _check(count, most)
        yield piece


def _check(count: int, most: int | None) -> None:
    if most is not None and count > most:
        raise SampleLimitError(most)


def _points_between(points: PointColumns, where: IntArray, start: int, end: int) -> PointColumns:
    mask = (points.timestamps >= start) & (points.timestamps <= end) & (points.series < len(where))
    mask[mask] = where[points.series[mask]] >= 0
    return points.where(mask)


def _chains(count: int, pieces: Sequence[_Piece]) -> Iterator[tuple[IntArray, list[_Piece]]]:
    """Group the places by the list of pieces that hold them."""
    chains: list[list[_Piece]] = [[]]
    chain_of = np.zeros(count, dtype=np.int64)
    for piece in pieces:
        before, inverse = np.unique(chain_of[piece.places], return_inverse=True)
        chain_of[piece.places] = len(chains) + inverse
        chains.extend([*chains[chain], piece] for chain in before.tolist())
    order = np.argsort(chain_of, kind="stable")
    numbers, starts = np.unique(chain_of[order], return_index=True)
    for number, places in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        if number:
            yield places, chains[number]


def _overlap(chain: list[_Piece]) -> bool:
    """Sort the pieces by time if that leaves none that overlap; otherwise leave their order, and say so."""
    ordered = sorted(chain, key=lambda piece: int(piece.times[0]))
    for earlier, later in itertools.pairwise(ordered):
        if later.times[0] <= earlier.times[-1]:
            return True
    chain[:] = ordered
    return False


def _joined(places: IntArray, chain: Sequence[_Piece]) -> Iterator[Part]:
    """Put pieces that follow each other side by side, and part the series by where they have samples."""
    if not len(places):
        return
    times = np.concatenate([piece.times for piece in chain])
    values = np.concatenate([piece.read(places) for piece in chain], axis=1)
    absent = is_absent(values)
    if not absent.any():
        yield places, times, values
        return
    for rows, present in _patterns(~absent):
        if present.any():
            yield places[rows], times[present], values[np.ix_(rows, present)]


def _patterns(present: BoolArray) -> Iterator[tuple[IntArray, BoolArray]]:
    """Group equal rows of a mask: their numbers, and the row."""
    packed = np.packbits(present, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    for row, rows in zip(first.tolist(), groups, strict=True):
        yield rows, present[row]


def _sorted(places: IntArray, wanted: IntArray, chain: Sequence[_Piece], points: PointColumns) -> Iterator[Part]:
    """Sort the samples of each series by time; of equal timestamps, the first one is kept."""
    if not len(places):
        return
    matrices = [piece.read(places) for piece in chain]
    own = {number: (times, values) for number, times, values in points.by_series()}
    nothing = (np.empty(0, dtype=np.int64), np.empty(0))
    for row, place in enumerate(places.tolist()):
        more_times, more_values = own.get(int(wanted[place]), nothing)
        times = np.concatenate([*(piece.times for piece in chain), more_times])
        values = np.concatenate([*(matrix[row] for matrix in matrices), more_values])
        present = ~is_absent(values)
        times, first = np.unique(times[present], return_index=True)
        if len(times):
            yield np.array([place]), times, values[present][first][None]
