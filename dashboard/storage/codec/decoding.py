"""Decodes chunks: from strips to words, to integers, to values, each step in the place of the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from dashboard.model.samples import ABSENT, BoolArray, FloatArray, IntArray, Known
from dashboard.storage.codec.first_chunk import decode_first_chunk
from dashboard.storage.codec.frame import Blob, Codec, check, decompress
from dashboard.storage.codec.heads import LONG, STEPS, ByteColumn, Heads, parse_runs, slabs
from dashboard.storage.codec.long_series import Rows, decode_long
from dashboard.storage.codec.packing import Strips, Words, planes, unpack
from dashboard.storage.codec.scaling import AS_BITS, POWERS
from dashboard.storage.errors import CorruptBlobError

Found = Iterator[tuple[IntArray, Words]]
"""Some series, and their words: a row for each."""


_MAY_WRAP = 62
"""Words of more bits may be negative numbers."""


def decode_chunk(blob: Blob, shape: tuple[int, int], rows: IntArray, out: FloatArray, first: int = 0) -> Known:
    """Decode some rows of a chunk: of the timestamps from ``first`` on, as many as ``out``, float64[rows, n], has.

    ``shape`` says how many series and timestamps the whole chunk has.

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    codec, payload = check(blob)
    decode = _DECODERS.get(codec)
    if decode is None:
        raise CorruptBlobError(f"a chunk has the codec {codec}, which this version does not know")
    return decode(payload, shape, rows, out, first)


def absent_matrix(rows: int, samples: int) -> FloatArray:
    """Return a matrix that holds no sample."""
    return np.full((rows, samples), ABSENT)


def _decode(payload: Blob, shape: tuple[int, int], rows: IntArray, out: FloatArray, first: int) -> Known:
    series, samples = shape
    strips = Strips(payload)
    heads = Heads.parse(strips.next(Heads.SIZE * series), series)
    exceptions = parse_runs(strips, heads.runs, samples) if heads.runs.any() else None
    needed = _needed(heads.back, rows)
    wanted = np.full(series, -1, dtype=np.int64)
    wanted[rows] = np.arange(len(rows))
    if out.size:
        if samples >= LONG:
            decode_long(strips, heads, samples, needed, Rows(out, wanted, first))
        else:
            # What lies behind the last place that is asked for is not needed.
            words = _words(strips, heads, samples, needed, first + out.shape[1])
            _decode_short(words, heads, wanted, out, first)
        strips.end()
    rising = _rising(heads)[rows]
    if exceptions is None or not exceptions.counts[rows].any():
        return Known(True, rising)
    exceptions.put(out, wanted, first)
    return Known(False, rising & (exceptions.counts[rows] == 0))


def _rising(heads: Heads) -> BoolArray:
    """Mark the series of which the heads alone tell that they never fall."""
    stepped = (heads.flags & STEPS > 0) & (heads.exponents != AS_BITS)
    rising = np.where(stepped, (heads.low >= 0) & (heads.width < _MAY_WRAP), heads.width == 0)
    back = heads.back
    for row in np.flatnonzero(back).tolist():
        rising[row] &= rising[row - back[row]]
    return rising


def _needed(back: IntArray, rows: IntArray) -> BoolArray:
    """Mark the series that must be decoded to have some of them: those that they look back at, too."""
    needed = np.zeros(len(back), dtype=np.bool_)
    needed[rows] = True
    if not needed.all():
        for row in np.flatnonzero(back)[::-1].tolist():
            needed[row - back[row]] |= needed[row]
    return needed


def _words(
    strips: Strips, heads: Heads, samples: int, needed: BoolArray, count: int
) -> Iterator[tuple[IntArray, Words]]:
    """Yield series with their first words: a row for each."""
    for bits in np.unique(heads.width).tolist():
        for series in slabs(heads.width, bits, samples):
            asked = needed[series]
            if not asked.any():
                strips.skip(planes(bits))
                continue
            words = unpack(strips, bits, len(series) * samples).reshape(-1, samples)[:, :count]
            yield (series, words) if asked.all() else (series[asked], words[asked])


def _decode_short(words: Found, heads: Heads, wanted: IntArray, out: FloatArray, first: int) -> None:
    """Write the values of the series, each into the row of ``out`` where it is wanted, if any."""
    found = list(words)
    series = np.sort(np.concatenate([some for some, _ in found]))
    place = np.full(len(wanted), -1, dtype=np.int64)
    place[series] = np.arange(len(series))
    numbers = np.empty((len(series), first + out.shape[1]), dtype=np.int64)
    for some, rows in found:
        numbers[place[some]] = rows
    _integrate(numbers, heads, series)
    back = heads.back[series]
    _add_back(numbers, back, place[series - back])
    shown = wanted[series] >= 0
    _write(out, wanted[series[shown]], numbers[shown, first:], heads.exponents[series[shown]])


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


Decoder = Callable[[Blob, tuple[int, int], IntArray, FloatArray, int], Known]
_DECODERS: dict[int, Decoder] = {
    Codec.FIRST_CHUNK_PLAIN: decode_first_chunk,
    Codec.FIRST_CHUNK_ZSTD: lambda payload, *wanted: decode_first_chunk(decompress(payload), *wanted),
    Codec.CHUNK: _decode,
}
