"""Values as integers: most series are whole numbers or short decimals, and integers subtract without loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.storage.codec.planes import WordArray

AS_BITS = 255
"""Stands in the place of the decimal exponent of a series that is kept as bits."""
PLACES = 10
POWERS = 10.0 ** np.arange(PLACES)

_EXACT = 2.0**53
_MINUS_ZERO = np.uint64(1 << 63)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Runs of places that hold what arithmetic would not keep, in the order of rows."""

    counts: IntArray
    """How many runs each row has."""
    starts: IntArray
    lengths: IntArray
    bits: WordArray

    def part(self, first: int, last: int) -> Exceptions:
        """Return the exceptions of some rows."""
        before = np.concatenate([[0], np.cumsum(self.counts)])
        runs = slice(int(before[first]), int(before[last]))
        return Exceptions(self.counts[first:last], self.starts[runs], self.lengths[runs], self.bits[runs])

    @property
    def nbytes(self) -> int:
        """How much memory they take."""
        return self.counts.nbytes + self.starts.nbytes + self.lengths.nbytes + self.bits.nbytes

    def only(self, kept: BoolArray) -> Exceptions:
        """Return those of the rows that are kept; all rows stay where they are."""
        runs = np.repeat(kept, self.counts)
        return Exceptions(np.where(kept, self.counts, 0), self.starts[runs], self.lengths[runs], self.bits[runs])

    def put(self, values: FloatArray, wanted: IntArray, first: int) -> None:
        """Write those of the places from ``first`` on that float64[wanted rows, n] has.

        ``wanted[row]`` is a row's place in the result, or -1.
        """
        rows = np.repeat(wanted[np.repeat(np.arange(len(self.counts)), self.counts)], self.lengths)
        before = np.cumsum(self.lengths) - self.lengths
        places = np.arange(len(rows)) + np.repeat(self.starts - before, self.lengths) - first
        bits = np.repeat(self.bits, self.lengths)
        asked = (rows >= 0) & (places >= 0) & (places < values.shape[1])
        values.view(np.uint64)[rows[asked], places[asked]] = bits[asked]


def split(values: FloatArray) -> tuple[FloatArray, Exceptions]:
    """Part values into ordinary ones and exceptions: NaNs with their payloads, infinities and minus zero.

    In the place of each exception stands the ordinary value before it (or else the first one): its step is then 0.
    """
    bits = values.view(np.uint64)
    ordinary = np.isfinite(values) & (bits != _MINUS_ZERO)
    if ordinary.all():
        nothing = np.empty(0, dtype=np.int64)
        return values, Exceptions(np.zeros(len(values), np.int64), nothing, nothing, nothing.view(np.uint64))
    return _filled(values, ordinary), _runs(bits, ordinary)


def scale(values: FloatArray) -> tuple[IntArray, npt.NDArray[np.uint8]]:
    """Find for each series the fewest decimal places that give back its very values, and the integers with them.

    The integers of a series that has none are the bits of its values.
    """
    integers = values.view(np.int64).copy()
    exponents = np.full(len(values), AS_BITS, dtype=np.uint8)
    probe = values[:, :: max(1, values.shape[1] // 16)]
    for exponent in range(PLACES):
        rows = np.flatnonzero(exponents == AS_BITS)
        rows = rows[_fits(probe[rows], exponent)[1]]
        if len(rows):
            scaled, fits = _fits(values if len(rows) == len(values) else values[rows], exponent)
            integers[rows[fits]] = scaled[fits]
            exponents[rows[fits]] = exponent
    return integers, exponents


def _filled(values: FloatArray, ordinary: BoolArray) -> FloatArray:
    rows = np.flatnonzero(~ordinary.all(axis=1))
    own = ordinary[rows]
    places = np.where(own, np.arange(values.shape[1]), -1)
    np.maximum.accumulate(places, axis=1, out=places)
    places = np.where(places < 0, own.argmax(axis=1)[:, None], places)
    some = np.take_along_axis(values[rows], places, axis=1)
    some[~own.any(axis=1)] = 0.0
    filled = values.copy()
    filled[rows] = some
    return filled


def _runs(bits: WordArray, ordinary: BoolArray) -> Exceptions:
    """Join exceptions with the same bits that lie side by side."""
    row, place = np.nonzero(~ordinary)
    own = bits[row, place]
    begins = np.ones(len(row), dtype=np.bool_)
    begins[1:] = (row[1:] != row[:-1]) | (place[1:] != place[:-1] + 1) | (own[1:] != own[:-1])
    firsts = np.flatnonzero(begins)
    lengths = np.diff(firsts, append=len(row))
    return Exceptions(np.bincount(row[firsts], minlength=len(bits)), place[firsts], lengths, own[firsts])


def _fits(values: FloatArray, exponent: int) -> tuple[FloatArray, BoolArray]:
    power = POWERS[exponent]
    with np.errstate(over="ignore"):
        scaled = np.rint(values * power) if exponent else np.rint(values)
    same = (scaled / power if exponent else scaled) == values
    return scaled, (same & (np.abs(scaled) <= _EXACT)).all(axis=1)
