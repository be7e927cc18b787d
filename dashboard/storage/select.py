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

from dashboard.model.samples import BoolArray, FloatArray, IntArray, Known, Samples, is_absent
from dashboard.storage.columns import Keep
from dashboard.storage.packed import PackedSamples
from dashboard.storage.pieces import Lookup, Piece, counted, find_piece
from dashboard.storage.points import PointColumns
from dashboard.storage.source import Source

_KEPT = 1 << 20
"""If a query reads no more samples, their values are kept for the next one: those of more would fill the cache."""


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of some series over the same timestamps."""

    places: IntArray
    """Places in the list of wanted series."""
    times: IntArray
    samples: FloatArray | Samples
    """float64[places, times], with a sample everywhere, or what makes them."""
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class _Chain:
    """Series that lie in the same pieces, which follow each other in time."""

    places: IntArray
    times: IntArray
    pieces: Sequence[Piece]

    def read_into(self, out: FloatArray, keep: Keep) -> Known:
        """Write the pieces side by side into float64[places, times]."""
        if len(self.pieces) == 1:
            return self.pieces[0].read_into(out, self.places, keep)
        at, plain, rising = 0, True, np.ones(len(out), dtype=np.bool_)
        for piece in self.pieces:
            own = out[:, at : at + len(piece.times)]
            known = piece.read_into(own, self.places, keep)
            plain = plain and known.plain
            rising &= known.rising
            if at:
                rising &= own[:, 0] >= out[:, at - 1]
            at += len(piece.times)
        return Known(plain, rising)


def merge(
    lookup: Lookup,
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
    wanted = lookup.wanted
    if not len(wanted):
        return
    found = _points_between(points, lookup, start, end)
    pieces = list(counted((find_piece(source, lookup, start, end) for source in sources), len(found), most))
    size = sum(piece.size for piece in pieces)
    pointed = np.unique(lookup.places_of(found.series)) if len(found) else found.series
    chains: list[_Chain] = []
    for places, chain in _chains(len(wanted), pieces):
        together, alone = _parted(places, pointed, overlap=_overlap(chain))
        if len(together):
            chains.append(_Chain(together, _end_to_end(chain), chain))
        yield from _sorted(alone, wanted, chain, found)
    for same in _of_same_times(chains):
        packed = _packed(same) if size > _KEPT else None
        if packed is None:
            yield from _joined(same, Keep.VALUES if size <= _KEPT else Keep.UNPACKED)
        else:
            yield packed
    if len(pointed):
        yield from _sorted(_outside(pointed, pieces), wanted, [], found)


def _parted(places: IntArray, pointed: IntArray, *, overlap: bool) -> tuple[IntArray, IntArray]:
    """Part the places of a chain into those that can be joined, and those that must be sorted one by one."""
    if overlap:
        return places[:0], places
    if not len(pointed):
        return places, places[:0]
    alone = np.isin(places, pointed)
    return places[~alone], places[alone]


def _outside(places: IntArray, pieces: Iterable[Piece]) -> IntArray:
    """Return those of the places that are in no piece."""
    return np.setdiff1d(places, np.concatenate([places[:0], *(piece.found.places for piece in pieces)]))


def members(wanted: BoolArray, source: Source) -> IntArray:
    """Return which of the wanted series (a mask by number) a source holds."""
    series = source.series
    series = series[series < len(wanted)]
    return series[wanted[series]]


def _points_between(points: PointColumns, lookup: Lookup, start: int, end: int) -> PointColumns:
    if not len(points):
        return points
    mask = (points.timestamps >= start) & (points.timestamps <= end)
    mask[mask] = lookup.places_of(points.series[mask]) >= 0
    return points.where(mask)


def _chains(count: int, pieces: Sequence[Piece]) -> Iterator[tuple[IntArray, list[Piece]]]:
    """Group the places by the list of pieces that hold them."""
    families: dict[bytes, list[int]] = {}
    for number, piece in enumerate(pieces):
        families.setdefault(piece.found.key, []).append(number)
    parts = [(pieces[family[0]].found.places, family) for family in families.values()]
    if _share(count, parts):
        parts = list(_split(count, parts))
    for places, numbers in parts:
        yield places, [pieces[number] for number in sorted(numbers)]


def _share(count: int, parts: Sequence[tuple[IntArray, list[int]]]) -> bool:
    """Say whether some of the parts share places."""
    if len(parts) < 2:
        return False
    taken = np.zeros(count, dtype=np.bool_)
    taken[np.concatenate([places for places, _ in parts])] = True
    return int(np.count_nonzero(taken)) < sum(len(places) for places, _ in parts)


def _split(count: int, parts: Sequence[tuple[IntArray, list[int]]]) -> Iterator[tuple[IntArray, list[int]]]:
    """Cut parts that share places into smaller ones that do not."""
    chains: list[list[int]] = [[]]
    chain_of = np.zeros(count, dtype=np.int64)
    for places, family in parts:
        before, inverse = np.unique(chain_of[places], return_inverse=True)
        chain_of[places] = len(chains) + inverse
        chains.extend([*chains[chain], *family] for chain in before.tolist())
    order = np.argsort(chain_of, kind="stable")
    numbers, starts = np.unique(chain_of[order], return_index=True)
    for number, places in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        if number:
            yield places, chains[number]


def _overlap(chain: list[Piece]) -> bool:
    """Sort the pieces by time if that leaves none that overlap; otherwise leave their order, and say so."""
    ordered = sorted(chain, key=lambda piece: int(piece.times[0]))
    for earlier, later in itertools.pairwise(ordered):
        if later.times[0] <= earlier.times[-1]:
            return True
    chain[:] = ordered
    return False


def _end_to_end(chain: Sequence[Piece]) -> IntArray:
    return chain[0].times if len(chain) == 1 else np.concatenate([piece.times for piece in chain])


def _of_same_times(chains: Sequence[_Chain]) -> Iterable[list[_Chain]]:
    """Group the chains that have the same timestamps."""
    alike: dict[tuple[int, int, int], list[list[_Chain]]] = {}
    for chain in chains:
        groups = alike.setdefault((len(chain.times), int(chain.times[0]), int(chain.times[-1])), [])
        same = next((group for group in groups if (group[0].times == chain.times).all()), None)
        if same is None:
            groups.append([chain])
        else:
            same.append(chain)
    return itertools.chain.from_iterable(alike.values())


def _packed(chains: Sequence[_Chain]) -> Part | None:
    """Return chains of the same timestamps without making values of them, if they are blocks of plain numbers."""
    members = []
    for chain in chains:
        stretches = []
        # What came last is least likely to be packed.
        for piece in reversed(chain.pieces):
            stretch = piece.unpacked(chain.places)
            if stretch is None:
                return None
            stretches.append(stretch)
        members.append((len(chain.places), stretches[::-1]))
    places = np.concatenate([chain.places for chain in chains])
    return Part(places, chains[0].times, PackedSamples(members), Known(True, np.zeros(len(places), dtype=np.bool_)))


def _joined(chains: Sequence[_Chain], keep: Keep) -> Iterator[Part]:
    """Read chains of the same timestamps into one matrix, and part the series by where they have samples."""
    times, places = chains[0].times, np.concatenate([chain.places for chain in chains])
    values, row = np.empty((len(places), len(times))), 0
    plain, whole, rising = True, True, np.empty(len(places), dtype=np.bool_)
    for chain in chains:
        rows = slice(row, row + len(chain.places))
        found = chain.read_into(values[rows], keep)
        plain, rising[rows] = plain and found.plain, found.rising
        whole = whole and (found.plain or not is_absent(values[rows]).any())
        row = rows.stop
    if whole:
        yield Part(places, times, values, Known(plain, rising))
        return
    for some, present in _patterns(~is_absent(values)):
        if present.any():
            yield Part(places[some], times[present], values[np.ix_(some, present)])


def _patterns(present: BoolArray) -> Iterator[tuple[IntArray, BoolArray]]:
    """Group equal rows of a mask: their numbers, and the row."""
    packed = np.packbits(present, axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
    for row, rows in zip(first.tolist(), groups, strict=True):
        yield rows, present[row]


def _sorted(places: IntArray, wanted: IntArray, chain: Sequence[Piece], points: PointColumns) -> Iterator[Part]:
    """Sort the samples of each series by time; of equal timestamps, the first one is kept."""
    if not len(places):
        return
    matrices = [_matrix(piece, places) for piece in chain]
    own = {number: (times, values) for number, times, values in points.by_series()}
    nothing = (np.empty(0, dtype=np.int64), np.empty(0))
    for row, place in enumerate(places.tolist()):
        more_times, more_values = own.get(int(wanted[place]), nothing)
        times = np.concatenate([*(piece.times for piece in chain), more_times])
        values = np.concatenate([*(matrix[row] for matrix in matrices), more_values])
        present = ~is_absent(values)
        times, first = np.unique(times[present], return_index=True)
        if len(times):
            yield Part(np.array([place]), times, values[present][first][None])


def _matrix(piece: Piece, places: IntArray) -> FloatArray:
    values = np.empty((len(places), len(piece.times)))
    piece.read_into(values, places, Keep.NOTHING)
    return values
