"""Long series, which are decoded one by one: what is worked on stays in the processor's cache.

Their words take little memory, one or two bytes each, and can be kept for the next time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray, IntArray, Known
from dashboard.storage.codec.heads import BACK_SHIFT, MOST_BACK, STEPS, Heads
from dashboard.storage.codec.packing import Strips, Words, planes, unpack
from dashboard.storage.codec.scaling import AS_BITS, POWERS, Exceptions


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which series of a chunk are asked for."""

    series: IntArray
    rows: IntArray
    """For each series of the chunk, its row in what is asked for, or -1."""
    exceptions: Exceptions


class _Head(NamedTuple):
    exponent: int
    flags: int
    shift: int
    base: int
    low: int


@dataclass(frozen=True, slots=True)
class LongSeries:
    """The words of some series, and of those that they look back at."""

    heads: list[_Head]
    words: dict[int, Words]
    """By the number of the series in the chunk, rising."""
    wanted: Wanted
    nbytes: int

    def write(self, out: FloatArray, first: int) -> Known:
        """Write the values from timestamp ``first`` on into float64[rows, n]."""
        rows, rising = self.wanted.rows.tolist(), np.zeros(len(out), dtype=np.bool_)
        # As far as a series may look back.
        recent = list(np.empty((MOST_BACK + 1, out.shape[1]), dtype=np.int64))
        for series, words in self.words.items() if out.size else ():
            head, numbers = self.heads[series], recent[series % len(recent)]
            _integrate(numbers, words, head, first)
            back = head.flags >> BACK_SHIFT
            if back:
                numbers += recent[(series - back) % len(recent)]
            if rows[series] >= 0:
                _write_row(out[rows[series]], numbers, head.exponent)
                rising[rows[series]] = head.exponent != AS_BITS and not (numbers[1:] < numbers[:-1]).any()
        foreign = self.wanted.exceptions.counts[self.wanted.series] > 0
        if not foreign.any():
            return Known(True, rising)
        self.wanted.exceptions.put(out, self.wanted.rows, first)
        return Known(False, rising & ~foreign)


def unpack_long(strips: Strips, heads: Heads, samples: int, needed: BoolArray, wanted: Wanted) -> LongSeries:
    """Unpack the needed series, which have strips of their own.

    Raises:
        CorruptBlobError: the strips are not what was written.
    """
    columns = (heads.exponents, heads.flags, heads.shift, heads.base, heads.low)
    every = [_Head(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]
    words = dict(sorted(_words(strips, heads.width.tolist(), samples, needed.tolist())))
    return LongSeries(every, words, wanted, sum(each.nbytes for each in words.values()))


def _words(strips: Strips, widths: list[int], samples: int, needed: list[bool]) -> Iterator[tuple[int, Words]]:
    """Yield the needed series, each with its words; their strips come by width."""
    for series in sorted(range(len(widths)), key=widths.__getitem__):
        if needed[series]:
            yield series, unpack(strips, widths[series], samples)
        else:
            strips.skip(planes(widths[series]))


def _integrate(numbers: IntArray, words: Words, head: _Head, first: int) -> None:
    """Turn the words of a series, from ``first`` on, into the integers they came from."""
    numbers[:] = words[first : first + len(numbers)]
    if head.exponent == AS_BITS:
        numbers[0] = head.base ^ int(np.bitwise_xor.reduce(words[: first + 1]).astype(np.int64))
        np.bitwise_xor.accumulate(numbers, out=numbers)
    elif head.flags & STEPS:
        if head.low:
            numbers += head.low
        if head.shift:
            numbers <<= head.shift
        # What the words before add up to; the first of all is 0, and nothing is added to it.
        before = int(np.add.reduce(words[: first + 1], dtype=np.int64)) + first * head.low
        numbers[0] = head.base + (before << head.shift)
        numbers.cumsum(out=numbers)
    else:
        if head.shift:
            numbers <<= head.shift
        if head.base:
            numbers += head.base


def _write_row(out: FloatArray, numbers: IntArray, exponent: int) -> None:
    if exponent == AS_BITS:
        out.view(np.int64)[:] = numbers
    elif exponent:
        np.divide(numbers, POWERS[exponent], out=out)
    else:
        out[:] = numbers
