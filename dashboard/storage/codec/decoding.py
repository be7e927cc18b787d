"""Decodes chunks: from strips to words, which can be kept, and from those to values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dashboard.model.samples import ABSENT, BoolArray, Falls, FloatArray, IntArray, Known, find_falls
from dashboard.storage.codec.first_chunk import decode_first_chunk
from dashboard.storage.codec.frame import Blob, Codec, check, decompress
from dashboard.storage.codec.heads import LONG, STEPS, ByteColumn, Heads, parse_runs, slabs
from dashboard.storage.codec.long_series import Wanted, unpack_long
from dashboard.storage.codec.packing import Strips, Words, planes, unpack
from dashboard.storage.codec.scaling import AS_BITS, POWERS
from dashboard.storage.errors import CorruptBlobError

Found = Iterator[tuple[IntArray, Words]]
"""Some series, and their words: a row for each."""


class Unpacked(Protocol):
    """Some series of a chunk, from which values are made faster than from its bytes."""

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""

    @property
    def is_plain(self) -> bool:
        """Whether it is known that no value is a NaN."""

    def write(self, out: FloatArray, first: int) -> Known:
        """Write the values from timestamp ``first`` on into float64[rows, n]."""

    def take(self, places: IntArray) -> FloatArray:
        """Return the values at some timestamps, whose places rise: float64[rows, len(places)]."""

    def edges(self) -> tuple[FloatArray, FloatArray]:
        """Return the first and the last value, which must be plain, of each row."""

    def falls(self, first: int, last: int) -> Falls:
        """Return where values between two places fall, counted from the first one; they must be plain."""


@dataclass(frozen=True, slots=True)
class _Values:
    """Series that are short, or in the form of the first version, as their values."""

    values: FloatArray
    known: Known

    @classmethod
    def of(cls, values: FloatArray) -> _Values:
        return cls(values, Known.of(values))

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    @property
    def is_plain(self) -> bool:
        return self.known.plain

    def write(self, out: FloatArray, first: int) -> Known:
        out[:] = self.values[:, first : first + out.shape[1]]
        return self.known

    def take(self, places: IntArray) -> FloatArray:
        return self.values.take(places, axis=1)

    def edges(self) -> tuple[FloatArray, FloatArray]:
        return self.values[:, 0], self.values[:, -1]

    def falls(self, first: int, last: int) -> Falls:
        return find_falls(self.values[:, first:last])


def unpack_chunk(blob: Blob, shape: tuple[int, int], rows: IntArray) -> Unpacked:
    """Unpack some rows, each once, of a chunk; ``shape`` says how many series and timestamps the whole chunk has.

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    codec, payload = check(blob)
    if codec == Codec.CHUNK:
        return _unpack(payload, shape, rows)
    if codec == Codec.FIRST_CHUNK_ZSTD:
        payload = memoryview(decompress(payload))
    elif codec != Codec.FIRST_CHUNK_PLAIN:
        raise CorruptBlobError(f"a chunk has the codec {codec}, which this version does not know")
    return _Values.of(decode_first_chunk(payload, shape, rows))


def absent_matrix(rows: int, samples: int) -> FloatArray:
    """Return a matrix that holds no sample."""
    return np.full((rows, samples), ABSENT)


def _unpack(payload: Blob, shape: tuple[int, int], rows: IntArray) -> Unpacked:
    series, samples = shape
    strips = Strips(payload)
    heads = Heads.parse(strips.next(Heads.SIZE * series), series)
    every = parse_runs(strips, heads.runs, samples)
    needed = _needed(heads.back, rows)
    wanted = np.full(series, -1, dtype=np.int64)
    wanted[rows] = np.arange(len(rows))
    exceptions = every.only(wanted >= 0)
    if samples >= LONG:
        unpacked: Unpacked = unpack_long(strips, heads, samples, needed, Wanted(rows, wanted, exceptions))
    else:
        values = np.empty((len(rows), samples))
        _decode_short(_words(strips, heads, samples, needed), heads, wanted, values)
        exceptions.put(values, wanted, 0)
        unpacked = _Values.of(values)
    strips.end()
    return unpacked


def _needed(back: IntArray, rows: IntArray) -> BoolArray:
    """Mark the series that must be decoded to have some of them: those that they look back at, too."""
    needed = np.zeros(len(back), dtype=np.bool_)
    needed[rows] = True
    if not needed.all():
        for row in np.flatnonzero(back)[::-1].tolist():
            needed[row - back[row]] |= needed[row]
    return needed


def _words(strips: Strips, heads: Heads, samples: int, needed: BoolArray) -> Found:
    """Yield series with their words: a row for each."""
    for bits in np.unique(heads.width).tolist():
        for series in slabs(heads.width, bits, samples):
            asked = needed[series]
            if not asked.any():
                strips.skip(planes(bits))
                continue
            words = unpack(strips, bits, len(series) * samples).reshape(-1, samples)
            yield (series, words) if asked.all() else (series[asked], words[asked])


def _decode_short(words: Found, heads: Heads, wanted: IntArray, out: FloatArray) -> None:
    """Write the values of the series, all together, each into the row of ``out`` where it is wanted, if any."""
    found = list(words)
    if not found or not out.size:
        return
    series = np.sort(np.concatenate([some for some, _ in found]))
    place = np.full(len(wanted), -1, dtype=np.int64)
    place[series] = np.arange(len(series))
    numbers = np.empty((len(series), out.shape[1]), dtype=np.int64)
    for some, rows in found:
        numbers[place[some]] = rows
    _integrate(numbers, heads, series)
    back = heads.back[series]
    _add_back(numbers, back, place[series - back])
    shown = wanted[series] >= 0
    _write(out, wanted[series[shown]], numbers[shown], heads.exponents[series[shown]])


def _integrate(numbers: IntArray, heads: Heads, series: IntArray) -> None:
    """Turn words, in their place, into the integers they came from; a row for each of the series."""
    as_bits = heads.exponents[series] == AS_BITS
    stepped = ((heads.flags[series] & STEPS) > 0) & ~as_bits
    base, low, shift = heads.base[series], heads.low[series], heads.shift[series]
    if low.any():
        numbers[:, 1:] += low[:, None]
    if shift.any():
        numbers <<= shift[:, None]
    level = ~stepped & ~as_bits
    if level.any():
        numbers[level] += base[level, None]
    begun = stepped | as_bits
    numbers[begun, 0] = base[begun]
    if stepped.all():
        np.cumsum(numbers, axis=1, out=numbers)
    elif stepped.any():
        numbers[stepped] = np.cumsum(numbers[stepped], axis=1)
    if as_bits.any():
        numbers[as_bits] = np.bitwise_xor.accumulate(numbers[as_bits], axis=1)


def _add_back(numbers: IntArray, back: IntArray, those: IntArray) -> None:
    """Add to each row that looks back the row that it was coded against, as soon as that one is whole."""
    waiting = np.flatnonzero(back)
    done = back == 0
    while len(waiting):
        ready = done[those[waiting]]
        now = waiting[ready]
        numbers[now] += numbers[those[now]]
        done[now] = True
        waiting = waiting[~ready]


def _write(out: FloatArray, places: IntArray, numbers: IntArray, exponents: ByteColumn) -> None:
    as_bits = exponents == AS_BITS
    values = numbers.astype(np.float64)
    powers = POWERS[np.where(as_bits, 0, exponents)]
    if (powers > 1).any():
        values /= powers[:, None]
    values.view(np.int64)[as_bits] = numbers[as_bits]
    out[places] = values
