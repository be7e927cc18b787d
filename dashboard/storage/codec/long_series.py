"""Decodes long series one by one: what is worked on stays in the processor's cache, from the words to the values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.storage.codec.heads import BACK_SHIFT, MOST_BACK, STEPS, Heads
from dashboard.storage.codec.packing import Strips, Words, planes, unpack
from dashboard.storage.codec.scaling import AS_BITS, POWERS


@dataclass(frozen=True, slots=True)
class Rows:
    """Where values go: into row ``wanted[series]`` of ``out``, if that is not -1, those from place ``first`` on."""

    out: FloatArray
    wanted: IntArray
    first: int


class _Head(NamedTuple):
    exponent: int
    flags: int
    shift: int
    width: int
    base: int
    low: int


def decode_long(strips: Strips, heads: Heads, samples: int, needed: BoolArray, rows: Rows) -> None:
    """Write the values of series that have strips of their own.

    Raises:
        CorruptBlobError: the strips are not what was written.
    """
    every = [
        _Head(*each)
        for each in zip(
            *(column.tolist() for column in (heads.exponents, heads.flags, heads.shift, heads.width)),
            heads.base.tolist(),
            heads.low.tolist(),
            strict=True,
        )
    ]
    # What lies behind the last place that is asked for is not needed.
    count = rows.first + rows.out.shape[1]
    words = dict(_words(strips, every, samples, needed.tolist()))
    # As far as a series may look back.
    recent = list(np.empty((MOST_BACK + 1, count), dtype=np.int64))
    wanted = rows.wanted.tolist()
    for series in sorted(words):
        head, numbers = every[series], recent[series % len(recent)]
        _integrate(numbers, words.pop(series)[:count], head)
        back = head.flags >> BACK_SHIFT
        if back:
            numbers += recent[(series - back) % len(recent)]
        if wanted[series] >= 0:
            _write(rows.out[wanted[series]], numbers[rows.first :], head.exponent)


def _words(strips: Strips, heads: list[_Head], samples: int, needed: list[bool]) -> Iterator[tuple[int, Words]]:
    """Yield the needed series, each with its words; their strips come by width."""
    for series in sorted(range(len(heads)), key=lambda each: heads[each].width):
        if needed[series]:
            yield series, unpack(strips, heads[series].width, samples)
        else:
            strips.skip(planes(heads[series].width))


def _integrate(numbers: IntArray, words: Words, head: _Head) -> None:
    """Turn the words of a series into the integers they came from."""
    numbers[:] = words
    if head.low:
        numbers[1:] += head.low
    if head.shift:
        numbers <<= head.shift
    if head.exponent == AS_BITS:
        numbers[0] = head.base
        np.bitwise_xor.accumulate(numbers, out=numbers)
    elif head.flags & STEPS:
        numbers[0] = head.base
        numbers.cumsum(out=numbers)
    elif head.base:
        numbers += head.base


def _write(out: FloatArray, numbers: IntArray, exponent: int) -> None:
    if exponent == AS_BITS:
        out.view(np.int64)[:] = numbers
    elif exponent:
        np.divide(numbers, POWERS[exponent], out=out)
    else:
        out[:] = numbers
