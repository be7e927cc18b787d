"""Chunks: several series over the same timestamps.

A series is taken as scaled integers if all its ordinary values are decimals of few places, and as its bits otherwise.
Its integers are coded against those of a series just before it where that leaves less (the buckets of a histogram, a
count beside its last bucket), then against their own neighbours in time where that leaves less, and what is left
becomes words that are as narrow as the largest of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import ABSENT, FloatArray, IntArray
from dashboard.storage.codec.first_chunk import decode_first_chunk
from dashboard.storage.codec.frame import Blob, Codec, check, decompress, seal
from dashboard.storage.codec.packing import WIDTHS, Strips, pack, planes, strip, unpack, widths
from dashboard.storage.codec.planes import ByteArray, WordArray
from dashboard.storage.codec.scaling import AS_BITS, PLACES, POWERS, Exceptions, scale, split
from dashboard.storage.errors import CorruptBlobError

ByteColumn = npt.NDArray[np.uint8]

_STRIP = 1 << 12
"""A strip has at least so many samples, where there are: each has a code of its own, which costs a hundred bytes."""
_TOGETHER = 1 << 16
_LOOKED_AT = 40
"""From so many places the encoder judges which way is shortest."""
_BACK = 2
"""How many series a series may look back at."""
_STEPS = 1  # A flag: words are differences in time, not values.
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


def decode_chunk(blob: Blob, series: int, samples: int, rows: IntArray) -> FloatArray:
    """Decode some of the ``series`` of a chunk over ``samples`` timestamps into float64[rows, samples].

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    codec, payload = check(blob)
    decode = _DECODERS.get(codec)
    if decode is None:
        raise CorruptBlobError(f"a chunk has the codec {codec}, which this version does not know")
    return decode(payload, series, samples, rows)


def absent_matrix(rows: int, samples: int) -> FloatArray:
    """Return a matrix that holds no sample."""
    return np.full((rows, samples), ABSENT)


# Encoding


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
    flags = (steps * _STEPS | back << 1).astype(np.uint8)
    parts = [strip(_Heads(exponents, flags, shift, width, base, low, exceptions.counts).to_bytes())]
    if len(exceptions.starts):
        parts.append(strip(_runs_to_bytes(exceptions)))
    for bits in np.unique(width).tolist():
        for rows in _slabs(width, bits, words.shape[1]):
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


def _slabs(width: ByteColumn, bits: int, samples: int) -> list[IntArray]:
    """Part the rows of one width into those that share strips."""
    rows = np.flatnonzero(width == bits)
    if not bits or not samples:
        return []
    each = max(1, _STRIP // samples)
    return [rows[first : first + each] for first in range(0, len(rows), each)]


# What precedes the words


@dataclass(frozen=True, slots=True)
class _Heads:
    """One entry a series, stored column by column."""

    exponents: ByteColumn
    flags: ByteColumn
    shift: ByteColumn
    width: ByteColumn
    base: IntArray
    low: IntArray
    runs: IntArray

    SIZE = 4 + 8 + 8 + 4

    @property
    def back(self) -> IntArray:
        """How far before each series the one lies against which it is coded."""
        return (self.flags >> 1).astype(np.int64)

    def to_bytes(self) -> bytes:
        columns = (self.exponents, self.flags, self.shift, self.width)
        wide = (_planes(self.base, 8), _planes(self.low, 8), _planes(self.runs, 4))
        return b"".join([*(column.tobytes() for column in columns), *wide])

    @classmethod
    def parse(cls, octets: ByteArray, series: int) -> _Heads:
        small = octets[: 4 * series].reshape(4, series)
        base, low = (_unplanes(octets[(4 + 8 * n) * series : (12 + 8 * n) * series], 8) for n in (0, 1))
        heads = cls(small[0], small[1], small[2], small[3], base, low, _unplanes(octets[20 * series :], 4))
        as_bits, back = heads.exponents == AS_BITS, heads.back
        if (
            ((heads.exponents >= PLACES) & ~as_bits).any()
            or (back > np.arange(series)).any()
            or (as_bits & (back > 0)).any()
            or (heads.shift > 63).any()
            or not np.isin(heads.width, WIDTHS).all()
        ):
            raise CorruptBlobError("the heads of a chunk make no sense")
        return heads


def _runs_to_bytes(exceptions: Exceptions) -> bytes:
    return b"".join(
        [
            _planes(exceptions.starts, 4),
            _planes(exceptions.lengths, 4),
            _planes(exceptions.bits.view(np.int64), 8),
        ]
    )


def _parse_runs(strips: Strips, counts: IntArray, samples: int) -> Exceptions:
    total = int(counts.sum())
    octets = strips.next(16 * total)
    starts, lengths = _unplanes(octets[: 4 * total], 4), _unplanes(octets[4 * total : 8 * total], 4)
    if (starts + lengths > samples).any():
        raise CorruptBlobError("the exceptions of a chunk lie outside of it")
    return Exceptions(counts, starts, lengths, _unplanes(octets[8 * total :], 8).view(np.uint64))


def _planes(numbers: IntArray, size: int) -> bytes:
    return numbers.astype(f"<i{size}").view(np.uint8).reshape(-1, size).T.tobytes()


def _unplanes(octets: ByteArray, size: int) -> IntArray:
    kind = "<u4" if size == 4 else "<i8"
    return np.ascontiguousarray(octets.reshape(size, -1).T).view(kind)[:, 0].astype(np.int64)


# Decoding


def _decode(payload: Blob, series: int, samples: int, rows: IntArray) -> FloatArray:
    strips = Strips(payload)
    heads = _Heads.parse(strips.next(_Heads.SIZE * series), series)
    exceptions = _parse_runs(strips, heads.runs, samples) if heads.runs.any() else None
    chosen = _needed(heads.back, rows)
    place = np.full(series, -1, dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    numbers = np.zeros((len(chosen), samples), dtype=np.int64)
    _read_words(strips, heads, place, numbers)
    # A few series at a time stay in the processor's cache.
    each = max(1, _TOGETHER // max(1, samples))
    for first in range(0, len(chosen) if samples else 0, each):
        _integrate(numbers[first : first + each], heads, chosen[first : first + each])
    _add_back(numbers, heads.back[chosen], chosen, place)
    for first in range(0, len(chosen), each):
        own = slice(first, first + each)
        _to_values(numbers[own], heads.exponents[chosen[own]])
    values = numbers.view(np.float64)
    if exceptions is not None:
        exceptions.put(values, place)
    if len(chosen) == len(rows) and np.array_equal(chosen, rows):
        return values
    return values[place[rows]]


def _needed(back: IntArray, rows: IntArray) -> IntArray:
    """Return the series that must be decoded to have some of them: those that they look back at, too."""
    needed = np.zeros(len(back), dtype=np.bool_)
    needed[rows] = True
    if not needed.all():
        for row in np.flatnonzero(back)[::-1].tolist():
            needed[row - back[row]] |= needed[row]
    return np.flatnonzero(needed)


def _read_words(strips: Strips, heads: _Heads, place: IntArray, numbers: IntArray) -> None:
    samples = numbers.shape[1]
    for bits in np.unique(heads.width).tolist():
        for rows in _slabs(heads.width, bits, samples):
            own = place[rows]
            if (own < 0).all():
                strips.skip(planes(bits))
                continue
            words = unpack(strips, bits, (len(rows), samples))
            asked = own >= 0
            numbers[own[asked]] = words if asked.all() else words[asked]
    strips.end()


def _integrate(numbers: IntArray, heads: _Heads, chosen: IntArray) -> None:
    """Turn words into the integers they came from; row ``i`` is of series ``chosen[i]``."""
    as_bits = heads.exponents[chosen] == AS_BITS
    stepped = ((heads.flags[chosen] & _STEPS) > 0) & ~as_bits
    base, low, shift = heads.base[chosen], heads.low[chosen], heads.shift[chosen]
    if low.any():
        numbers[:, 1:] += low[:, None]
    if shift.any():
        numbers <<= shift[:, None]
    level = ~stepped & ~as_bits
    if level.any():
        numbers[level] += base[level, None]
    first = stepped | as_bits
    numbers[first, 0] = base[first]
    if stepped.all():
        np.cumsum(numbers, axis=1, out=numbers)
    elif stepped.any():
        numbers[stepped] = np.cumsum(numbers[stepped], axis=1)
    if as_bits.any():
        numbers[as_bits] = np.bitwise_xor.accumulate(numbers[as_bits], axis=1)


def _add_back(numbers: IntArray, back: IntArray, chosen: IntArray, place: IntArray) -> None:
    """Add to each series the one that it was coded against, as soon as that one is whole."""
    waiting = np.flatnonzero(back)
    done = back == 0
    while len(waiting):
        those = place[chosen[waiting] - back[waiting]]
        ready = done[those]
        now = waiting[ready]
        numbers[now] += numbers[those[ready]]
        done[now] = True
        waiting = waiting[~ready]


def _to_values(numbers: IntArray, exponents: ByteColumn) -> None:
    """Put values in the place of their integers."""
    as_bits = exponents == AS_BITS
    if as_bits.all():
        return
    values = numbers.astype(np.float64)
    if exponents.any():
        values /= POWERS[np.where(as_bits, 0, exponents)][:, None]
    if as_bits.any():
        numbers.view(np.float64)[~as_bits] = values[~as_bits]
    else:
        numbers.view(np.float64)[:] = values


Decoder = Callable[[Blob, int, int, IntArray], FloatArray]
_DECODERS: dict[int, Decoder] = {
    Codec.FIRST_CHUNK_PLAIN: decode_first_chunk,
    Codec.FIRST_CHUNK_ZSTD: lambda payload, *shape: decode_first_chunk(decompress(payload), *shape),
    Codec.CHUNK: _decode,
}
