"""Long series, which are decoded one by one: what is worked on stays in the processor's cache.

Their words take little memory, one or two bytes each, and can be kept for the next time. Of values at few timestamps,
and of where values fall, the words tell without being made values.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dashboard.model.samples import BoolArray, Falls, FloatArray, IntArray, Known, find_falls
from dashboard.storage.codec.heads import BACK_SHIFT, MOST_BACK, STEPS, Heads
from dashboard.storage.codec.packing import Strips, Words, planes, unpack
from dashboard.storage.codec.scaling import AS_BITS, POWERS, Exceptions

_FEW = 64
"""If more than one sample in so many falls, it is faster to make values of all."""

_SMALL = 1 << 24
"""Steps below that fit into 32 bits, and so do the sums of up to 100; chunks of long series have fewer than 50."""

_HEAD_BYTES = 500
"""About what a series takes beside its words."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which series of a chunk are asked for."""

    series: IntArray
    rows: IntArray
    """For each series of the chunk, its row in what is asked for, or -1."""
    exceptions: Exceptions
    """Of these series alone."""


class _Coding(enum.Enum):
    """What the words of a series are."""

    BITS = enum.auto()
    """Each is the XOR of a value's bits with those before."""
    STEPS = enum.auto()
    """Each is the difference to the integer before."""
    LEVELS = enum.auto()
    """Each is an integer itself."""


class _Head(NamedTuple):
    exponent: int
    coding: _Coding
    back: int
    """How far before it the series lies to which this one's integers are added."""
    shift: int
    base: int
    low: int

    @property
    def lowest_step(self) -> float:
        """What no step of the words alone is below."""
        return self.low << self.shift if self.coding is _Coding.STEPS else -math.inf


@dataclass(frozen=True, slots=True)
class _Slab:
    """Series whose words are of one kind, a row for each."""

    coding: _Coding
    series: list[int]
    """Their numbers in the chunk."""
    words: Words
    base: IntArray
    """What their heads say of each: int64[S, 1]."""
    low: IntArray
    shift: IntArray

    @classmethod
    def of(cls, coding: _Coding, words: dict[int, Words], heads: list[_Head]) -> _Slab:
        """Put the words of series side by side."""
        told = np.array([(head.base, head.low, head.shift) for head in heads], dtype=np.int64)
        return cls(coding, list(words), np.stack(list(words.values())), told[:, :1], told[:, 1:2], told[:, 2:])

    def integers_at(self, places: IntArray) -> IntArray:
        """Return the integers at some places, which rise: words between two of them are only added up."""
        if self.coding is _Coding.LEVELS:
            return (self.words[:, places].astype(np.int64) << self.shift) + self.base
        starts = np.concatenate((places[:1] * 0, places[:-1] + 1))
        words = self.words[:, : places[-1] + 1]
        if self.coding is _Coding.BITS:
            bits = np.bitwise_xor.reduceat(words, starts, axis=1).astype(np.int64)
            return np.bitwise_xor.accumulate(bits, axis=1) ^ self.base
        integers = np.add.reduceat(words, starts, axis=1, dtype=np.int64)
        integers.cumsum(axis=1, out=integers)
        if self.low.any():
            integers += self.low * places
        integers <<= self.shift
        integers += self.base
        return integers


@dataclass(frozen=True, slots=True)
class LongSeries:
    """The words of some series, and of those that they look back at."""

    heads: dict[int, _Head]
    """By the number of the series in the chunk, rising."""
    words: dict[int, Words]
    slabs: list[_Slab]
    """The same words."""
    wanted: Wanted
    samples: int

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        of_words = sum(slab.words.nbytes for slab in self.slabs)
        return of_words + self.wanted.exceptions.nbytes + _HEAD_BYTES * len(self.heads)

    @property
    def is_plain(self) -> bool:
        """Whether it is known that no value is a NaN."""
        return not self._foreign().any()

    def write(self, out: FloatArray, first: int) -> Known:
        """Write the values from timestamp ``first`` on into float64[rows, n]."""
        rising = np.zeros(len(out), dtype=np.bool_)
        for row, integers, exponent in self._integers(first, out.shape[1]):
            _write_row(out[row], integers, exponent)
            rising[row] = exponent != AS_BITS and not (integers[1:] < integers[:-1]).any()
        foreign = self._foreign()
        if not foreign.any():
            return Known(True, rising)
        self.wanted.exceptions.put(out, self.wanted.rows, first)
        return Known(False, rising & ~foreign)

    def take(self, places: IntArray) -> FloatArray:
        """Return the values, which must be plain, at some timestamps, whose places rise: float64[rows, len(places)]."""
        integers: dict[int, IntArray] = {}
        for slab in self.slabs:
            integers.update(zip(slab.series, slab.integers_at(places), strict=True))
        out, rows = np.empty((len(self.wanted.series), len(places))), self.wanted.rows.tolist()
        for series, head in self.heads.items():
            if head.back:
                integers[series] += integers[series - head.back]
            if rows[series] >= 0:
                _write_row(out[rows[series]], integers[series], head.exponent)
        return out

    def edges(self) -> tuple[FloatArray, FloatArray]:
        """Return the first and the last value, which must be plain, of each row."""
        both = self.take(np.array([0, self.samples - 1]))
        return both[:, 0], both[:, 1]

    def falls(self, first: int, last: int) -> Falls:
        """Return where values between two places fall, counted from the first one; they must be plain."""
        count = len(self.wanted.series)
        found = self._falling_steps(first, last)
        if found is None or sum(map(len, found.values())) * _FEW > count * (last - first):
            values = np.empty((count, last - first))
            self.write(values, first)
            return find_falls(values)
        rows = np.repeat(np.array(list(found), dtype=np.int64), list(map(len, found.values())))
        places = np.concatenate([*found.values(), np.empty(0, dtype=np.int64)])
        before = np.unique(places - 1)
        values = self.take(before + first) if len(before) else np.empty((count, 0))
        return Falls(rows, places, values[rows, np.searchsorted(before, places - 1)])

    def _falling_steps(self, first: int, last: int) -> dict[int, IntArray] | None:
        """Return the places of the negative steps of each row that has any; ``None`` where steps do not tell."""
        rows, falling = self.wanted.rows.tolist(), self._may_fall()
        if any(self.heads[series].coding is _Coding.BITS for series in falling):
            return None
        found: dict[int, IntArray] = {}
        known: dict[int, IntArray] = {}
        for series in falling:
            head = self.heads[series]
            known[series] = steps = _steps(self.words[series][first:last], head)
            if head.back:
                known[series] = steps = steps + known[series - head.back]
            places = np.flatnonzero(steps < 0) + 1 if rows[series] >= 0 else ()
            if len(places):
                found[rows[series]] = np.asarray(places)
        return dict(sorted(found.items()))

    def _may_fall(self) -> list[int]:
        """Return the series of which the heads do not tell that they never fall, and all that those look back at."""
        lowest: dict[int, float] = {}
        for series, head in self.heads.items():
            lowest[series] = head.lowest_step + (lowest[series - head.back] if head.back else 0)
        found = {series for series, step in lowest.items() if step < 0}
        for series in sorted(found, reverse=True):
            while self.heads[series].back:
                series -= self.heads[series].back  # noqa: PLW2901 - up to where it began.
                found.add(series)
        return sorted(found)

    def _integers(self, first: int, count: int) -> Iterator[tuple[int, IntArray, int]]:
        """Yield each row that is asked for: its integers, which hold until the next one comes, and exponent."""
        rows = self.wanted.rows.tolist()
        # As far as a series may look back.
        recent = list(np.empty((MOST_BACK + 1, count), dtype=np.int64))
        for series, words in self.words.items() if count else ():
            head, integers = self.heads[series], recent[series % len(recent)]
            _integrate(integers, words, head, first)
            if head.back:
                integers += recent[(series - head.back) % len(recent)]
            if rows[series] >= 0:
                yield rows[series], integers, head.exponent

    def _foreign(self) -> BoolArray:
        """Mark the rows that hold what integers cannot be."""
        marked: BoolArray = self.wanted.exceptions.counts[self.wanted.series] > 0
        return marked


def unpack_long(strips: Strips, heads: Heads, samples: int, needed: BoolArray, wanted: Wanted) -> LongSeries:
    """Unpack the needed series, which have strips of their own.

    Raises:
        CorruptBlobError: the strips are not what was written.
    """
    every = _parsed(heads)
    words = dict(sorted(_words(strips, heads.width.tolist(), samples, needed.tolist())))
    own = {series: every[series] for series in words}
    slabs = list(_slabs(words, own))
    rows = {series: row for slab in slabs for series, row in zip(slab.series, slab.words, strict=True)}
    # The words are in memory only once: as rows of the slabs.
    return LongSeries(own, {series: rows[series] for series in own}, slabs, wanted, samples)


def _parsed(heads: Heads) -> list[_Head]:
    columns = (heads.exponents, heads.flags, heads.shift, heads.base, heads.low)
    return [
        _Head(exponent, _coding(exponent, flags), flags >> BACK_SHIFT, *rest)
        for exponent, flags, *rest in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _coding(exponent: int, flags: int) -> _Coding:
    if exponent == AS_BITS:
        return _Coding.BITS
    return _Coding.STEPS if flags & STEPS else _Coding.LEVELS


def _slabs(words: dict[int, Words], heads: dict[int, _Head]) -> Iterator[_Slab]:
    """Put the words of one kind side by side."""
    kinds: dict[tuple[_Coding, int], list[int]] = {}
    for series, row in words.items():
        kinds.setdefault((heads[series].coding, row.dtype.itemsize), []).append(series)
    for (coding, _), members in kinds.items():
        yield _Slab.of(coding, {series: words[series] for series in members}, [heads[series] for series in members])


def _words(strips: Strips, widths: list[int], samples: int, needed: list[bool]) -> Iterator[tuple[int, Words]]:
    """Yield the needed series, each with its words; their strips come by width."""
    for series in sorted(range(len(widths)), key=widths.__getitem__):
        if needed[series]:
            yield series, unpack(strips, widths[series], samples)
        else:
            strips.skip(planes(widths[series]))


def _integrate(integers: IntArray, words: Words, head: _Head, first: int) -> None:
    """Turn the words of a series, from ``first`` on, into the integers they came from."""
    integers[:] = words[first : first + len(integers)]
    if head.coding is _Coding.BITS:
        integers[0] = head.base ^ int(np.bitwise_xor.reduce(words[: first + 1]).astype(np.int64))
        np.bitwise_xor.accumulate(integers, out=integers)
    elif head.coding is _Coding.STEPS:
        if head.low:
            integers += head.low
        if head.shift:
            integers <<= head.shift
        # What the words before add up to; the first of all is 0, and nothing is added to it.
        before = int(np.add.reduce(words[: first + 1], dtype=np.int64)) + first * head.low
        integers[0] = _wrapped(head.base + (before << head.shift))
        integers.cumsum(out=integers)
    else:
        if head.shift:
            integers <<= head.shift
        if head.base:
            integers += head.base


def _wrapped(number: int) -> int:
    """Return a number as 64 bits hold it: sums on the way may be beyond them, and come back."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _steps(words: Words, head: _Head) -> IntArray:
    """Return how far a series goes from each sample to the next, as far as its own words tell."""
    if head.coding is _Coding.LEVELS:
        levels = words.astype(np.int64) << head.shift
        return levels[1:] - levels[:-1]
    small = words.dtype.itemsize <= 2 and abs(head.low) < _SMALL and not head.shift
    steps: IntArray = words[1:].astype(np.int32 if small else np.int64)
    steps += head.low
    if head.shift:
        steps <<= head.shift
    return steps


def _write_row(out: FloatArray, numbers: IntArray, exponent: int) -> None:
    if exponent == AS_BITS:
        out.view(np.int64)[:] = numbers
    elif exponent:
        np.divide(numbers, POWERS[exponent], out=out)
    else:
        out[:] = numbers
