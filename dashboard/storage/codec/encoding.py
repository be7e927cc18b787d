"""Encodes chunks: several series over the same timestamps.

A series is taken as scaled integers if all its ordinary values are decimals of few places, and as its bits otherwise.
Its integers are coded against those of a series just before it where that leaves less (the buckets of a histogram, a
count beside its last bucket), then against their own neighbours in time where that leaves less, and what is left
becomes words that are as narrow as the largest of them. ``decoding.py`` undoes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import FloatArray, IntArray
from dashboard.storage.codec.frame import Codec, seal
from dashboard.storage.codec.heads import BACK_SHIFT, STEPS, ByteColumn, Heads, runs_to_bytes, slabs
from dashboard.storage.codec.packing import pack, strip, widths
from dashboard.storage.codec.planes import WordArray
from dashboard.storage.codec.scaling import AS_BITS, Exceptions, scale, split

_LOOKED_AT = 40
"""From so many places the encoder judges which way is shortest."""
_BACK = 2
"""How many series a series may look back at."""
_GAIN = 0.93  # Looking back makes decoding slower, and must be worth it.


def rows_per_chunk(samples: int) -> int:
    """Return about how many series of so many samples share a chunk.

    Long chunks lose less at the ends of the database's pages, short ones cost less when only one series is asked for.
    """
    return max(2, min(256, round(1024 / math.sqrt(max(1, samples)))))


def encode_chunks(values: FloatArray, *, last: bool = True, thorough: bool = False) -> list[tuple[int, bytes]]:
    """Encode float64[S, T] into chunks, and return how many series each has, and its bytes.

    Series that look back at each other share a chunk. Unless these are the ``last`` of their kind, the series of the
    last chunk are left out: together with more they may make a better one. ``thorough`` takes more time where that
    helps.
    """
    plan = _plan(values)
    sizes = _sizes(plan.back, rows_per_chunk(values.shape[1]))
    if not last:
        sizes = sizes[:-1]
    ends = np.cumsum(sizes).tolist()
    return [(size, _encoded(plan, end - size, end, thorough=thorough)) for size, end in zip(sizes, ends, strict=True)]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Series as integers, and how each is to be coded."""

    integers: IntArray
    exponents: ByteColumn
    back: IntArray
    """How far before it the series lies against which it is coded, 0 for none."""
    steps: npt.NDArray[np.bool_]
    """Whether it is coded by its differences in time."""
    steps_alone: npt.NDArray[np.bool_]
    """The same, if it were not coded against another."""
    exceptions: Exceptions


def _plan(values: FloatArray) -> _Plan:
    ordinary, exceptions = split(np.ascontiguousarray(values))
    integers, exponents = scale(ordinary)
    alone, alone_steps = _costs(integers, np.zeros(len(integers), dtype=np.int64))
    best, steps, back = alone.copy(), alone_steps.copy(), np.zeros(len(integers), dtype=np.int64)
    for distance in range(1, _BACK + 1):
        costs, their_steps = _costs(integers, np.full(len(integers), distance))
        like = np.zeros(len(integers), dtype=np.bool_)
        like[distance:] = (exponents[distance:] == exponents[:-distance]) & (exponents[distance:] != AS_BITS)
        better = like & (costs < _GAIN * best)
        best, back = np.where(better, costs, best), np.where(better, distance, back)
        steps = np.where(better, their_steps, steps)
    as_bits = exponents == AS_BITS
    return _Plan(integers, exponents, back, steps | as_bits, alone_steps | as_bits, exceptions)


def _costs(integers: IntArray, back: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return about how many bits a sample takes, and whether differences in time are the shorter way."""
    samples = integers.shape[1]
    if samples < 2:
        return np.zeros(len(integers)), np.zeros(len(integers), dtype=np.bool_)
    places = np.unique(np.linspace(0, samples - 2, min(samples - 1, _LOOKED_AT)).astype(np.int64))
    rows = np.maximum(np.arange(len(integers)) - back, 0)
    here, there = integers[:, places].astype(np.float64), integers[:, places + 1].astype(np.float64)
    if back.any():
        here, there = here - here[rows], there - there[rows]
    level, step = _bits(here), _bits(there - here)
    return np.minimum(level, step), step <= level


def _bits(numbers: FloatArray) -> FloatArray:
    bits: FloatArray = np.log2(1 + np.abs(numbers - numbers.mean(axis=1, keepdims=True))).mean(axis=1)
    return bits


def _sizes(back: IntArray, rows: int) -> list[int]:
    """Cut series into chunks of about ``rows``, not between two that belong together unless it gets far too many."""
    joined = np.zeros(len(back) + 1, dtype=np.bool_)
    for row in np.flatnonzero(back).tolist():
        joined[row - int(back[row]) + 1 : row + 1] = True
    sizes, start = [], 0
    for end in range(1, len(back) + 1):
        size = end - start
        if end == len(back) or size >= 4 * rows or (size >= rows and not joined[end]):
            sizes.append(size)
            start = end
    return sizes


def _encoded(plan: _Plan, first: int, last: int, *, thorough: bool) -> bytes:
    own = slice(first, last)
    back, exponents = plan.back[own].copy(), plan.exponents[own]
    outside = back > np.arange(last - first)
    back[outside] = 0
    steps = np.where(outside, plan.steps_alone[own], plan.steps[own])
    numbers = plan.integers[own]
    if back.any():
        numbers = numbers.copy()
        coded = np.flatnonzero(back)
        numbers[coded] -= plan.integers[own][coded - back[coded]]
    words, low, base, shift = _words(numbers, exponents == AS_BITS, steps)
    width = widths(words.max(axis=1, initial=0))
    exceptions = plan.exceptions.part(first, last)
    flags = (steps * STEPS | back << BACK_SHIFT).astype(np.uint8)
    parts = [strip(Heads(exponents, flags, shift, width, base, low, exceptions.counts).to_bytes())]
    if len(exceptions.starts):
        parts.append(strip(runs_to_bytes(exceptions)))
    for bits in np.unique(width[width > 0]).tolist():
        for rows in slabs(width, bits, words.shape[1]):
            parts.extend(pack(words[rows], bits, thorough=thorough))
    return seal(Codec.CHUNK, b"".join(parts))


def _words(
    numbers: IntArray, as_bits: npt.NDArray[np.bool_], steps: npt.NDArray[np.bool_]
) -> tuple[WordArray, IntArray, IntArray, ByteColumn]:
    """Return what is left of each number, and what must be added again: the lowest, the first, and zeros at the end."""
    base = numbers[:, 0].copy() if numbers.shape[1] else np.zeros(len(numbers), dtype=np.int64)
    low, shift = np.zeros(len(numbers), dtype=np.int64), np.zeros(len(numbers), dtype=np.uint8)
    words = np.zeros(numbers.shape, dtype=np.int64)
    if numbers.shape[1] < 2:
        return words.view(np.uint64), low, base, shift
    np.subtract(numbers, base[:, None], out=words)
    used = np.bitwise_or.reduce(words, axis=1).view(np.uint64)
    shift = np.where(as_bits | (used == 0), 0, _trailing_zeros(used)).astype(np.uint8)
    if shift.any():
        words >>= shift[:, None]
    stepped = np.flatnonzero(steps & ~as_bits)
    if len(stepped):
        words[stepped, 1:] = np.diff(words[stepped], axis=1)
        low[stepped] = words[stepped, 1:].min(axis=1)
        words[stepped, 1:] -= low[stepped, None]
    level = np.flatnonzero(~steps)
    if len(level):
        least = words[level].min(axis=1)
        words[level] -= least[:, None]
        base[level] += least << shift[level]
    if as_bits.any():
        words[as_bits, 0] = 0
        words[as_bits, 1:] = numbers[as_bits, 1:] ^ numbers[as_bits, :-1]
    return words.view(np.uint64), low, base, shift


def _trailing_zeros(words: WordArray) -> IntArray:
    lowest = words & (~words + np.uint64(1))
    # A power of two is exact as a float.
    return np.log2(np.maximum(lowest, np.uint64(1)).astype(np.float64)).astype(np.int64)
