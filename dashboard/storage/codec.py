"""Numbers to bytes and back, without losing a bit; the stored form is described in FORMAT.md.

Three shapes: a *chunk* (several series over the same timestamps), a *row* (one value for each of many series) and a
list of *integers* (timestamps, series numbers). Each blob begins with a codec byte and a CRC-32.

A series of a chunk is taken as scaled integers if all its ordinary values are decimals of few places, and as its bits
otherwise. Then neighbours are subtracted (or XORed), cut to the bytes that are needed, laid out in byte planes and
compressed with zstd. What arithmetic would not keep (NaNs and their payloads, infinities, minus zero) is listed beside
the integers as exceptions.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cramjam
import numpy as np
import numpy.typing as npt

from dashboard.model.samples import ABSENT, FloatArray, IntArray
from dashboard.storage.errors import CorruptBlobError

WordArray = npt.NDArray[np.uint64]
ByteArray = npt.NDArray[np.uint8]
Blob = bytes | memoryview

CHUNK_SAMPLES = 8192
"""About how many samples a chunk holds: calls of zstd cost a fixed 10 us, and so are worth sharing."""

_SLICE_SAMPLES = 1 << 16  # What is transformed at once: temporary arrays stay in the processor's cache.
_SMALL = 48  # Shorter payloads only grow under zstd.
_PLACES = 7
_POWERS = 10.0 ** np.arange(_PLACES)
_EXACT = 2.0**53
_AS_BITS = 255  # Stands in the place of the decimal exponent.
_MINUS_ZERO = np.uint64(1 << 63)
_FRAME = struct.Struct("<BI")
_INTS = struct.Struct("<IBqq")
_HEAD = np.dtype([("width", "u1"), ("exponent", "u1"), ("base", "<i8"), ("exceptions", "<u4")])
_CONTAINERS = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 8: 8}


class Codec(enum.IntEnum):
    """The first byte of a blob: what it holds, and whether zstd was used."""

    CHUNK_PLAIN = 1
    CHUNK_ZSTD = 2
    INTS_PLAIN = 3
    INTS_ZSTD = 4
    ROW_PLAIN = 5
    ROW_ZSTD = 6


def rows_per_chunk(samples: int) -> int:
    """Return how many series of so many samples share a chunk."""
    return max(1, CHUNK_SAMPLES // max(1, samples))


# Chunks


@dataclass(frozen=True, slots=True)
class _Words:
    """Series ready to be laid out: a header each, the differences, and the exceptions of all in row order."""

    heads: npt.NDArray[np.void]
    words: WordArray
    exception_starts: IntArray
    exception_places: npt.NDArray[np.uint32]
    exception_bits: WordArray


def encode_chunks(values: FloatArray, rows: int, *, level: int = 3) -> Iterator[bytes]:
    """Encode float64[S, T] into blobs of ``rows`` series each, the last one maybe shorter."""
    samples = max(1, values.shape[1])
    step = max(1, _SLICE_SAMPLES // samples // rows) * rows
    for start in range(0, len(values), step):
        words = _to_words(np.ascontiguousarray(values[start : start + step]))
        for first in range(0, len(words.heads), rows):
            payload = _lay_out(words, first, min(first + rows, len(words.heads)))
            yield _framed(payload, Codec.CHUNK_PLAIN, level)


def decode_chunks(blobs: Sequence[Blob], rows: Sequence[int], samples: int) -> FloatArray:
    """Decode chunks of ``rows[i]`` series over the same ``samples`` timestamps into one float64[sum(rows), samples].

    Raises:
        CorruptBlobError: a blob is not what was written.
    """
    payloads = [_payload(blob, Codec.CHUNK_PLAIN) for blob in blobs]
    parts = [_Part.parse(payload, count, samples) for payload, count in zip(payloads, rows, strict=True)]
    if not parts:
        return np.empty((0, samples))
    heads = np.concatenate([part.heads for part in parts])
    values = np.empty((len(heads), samples))
    for width in np.unique(heads["width"]).tolist():
        chosen = heads["width"] == width
        planes = [part.planes[width] for part in parts if width in part.planes]
        values[chosen] = _from_words(heads[chosen], np.concatenate(planes, axis=1) if planes else None, samples)
    start = 0
    for part in parts:
        part.put_exceptions(values[start : start + len(part.heads)])
        start += len(part.heads)
    return values


def absent_matrix(rows: int, samples: int) -> FloatArray:
    """Return a matrix that holds no sample."""
    return np.full((rows, samples), ABSENT)


def _to_words(values: FloatArray) -> _Words:
    bits = values.view(np.uint64)
    ordinary = np.isfinite(values) & (bits != _MINUS_ZERO)
    integers, exponents = _scale(values if ordinary.all() else _filled(values, ordinary))
    as_bits = exponents == _AS_BITS
    words = np.zeros(values.shape, dtype=np.uint64)
    steps = np.diff(integers, axis=1)
    words[:, 1:] = ((steps << 1) ^ (steps >> 63)).view(np.uint64)
    if as_bits.any():
        words[as_bits, 1:] = bits[as_bits, 1:] ^ bits[as_bits, :-1]
    heads = np.zeros(len(values), dtype=_HEAD)
    heads["width"] = _widths(words)
    heads["exponent"] = exponents
    if values.shape[1]:
        heads["base"] = np.where(as_bits, bits[:, 0].view(np.int64), integers[:, 0])
    row, place = np.nonzero(~ordinary & ~as_bits[:, None])
    heads["exceptions"] = np.bincount(row, minlength=len(values))
    starts = np.concatenate([[0], np.cumsum(heads["exceptions"], dtype=np.int64)])
    return _Words(heads, words, starts, place.astype(np.uint32), bits[row, place])


def _filled(values: FloatArray, ordinary: npt.NDArray[np.bool_]) -> FloatArray:
    """Put the ordinary value before it (or else the first one) in the place of each exception: its step is then 0."""
    places = np.where(ordinary, np.arange(values.shape[1]), -1)
    np.maximum.accumulate(places, axis=1, out=places)
    places = np.where(places < 0, ordinary.argmax(axis=1)[:, None], places)
    filled = np.take_along_axis(values, places, axis=1)
    filled[~ordinary.any(axis=1)] = 0.0
    return filled


def _scale(values: FloatArray) -> tuple[IntArray, npt.NDArray[np.uint8]]:
    """Find for each series the fewest decimal places that give back its very values, and the integers with them."""
    integers = np.zeros(values.shape, dtype=np.int64)
    exponents = np.full(len(values), _AS_BITS, dtype=np.uint8)
    probe = values[:, :: max(1, values.shape[1] // 16)]
    for exponent in range(_PLACES):
        rows = np.flatnonzero(exponents == _AS_BITS)
        rows = rows[_fits(probe[rows], exponent)[1]]
        scaled, fits = _fits(values[rows], exponent)
        integers[rows[fits]] = scaled[fits].astype(np.int64)
        exponents[rows[fits]] = exponent
    return integers, exponents


def _fits(values: FloatArray, exponent: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    power = _POWERS[exponent]
    with np.errstate(over="ignore"):
        scaled = np.rint(values * power) if exponent else np.rint(values)
    same = (scaled / power if exponent else scaled) == values
    return scaled, (same & (np.abs(scaled) <= _EXACT)).all(axis=1)


def _widths(words: WordArray) -> npt.NDArray[np.uint8]:
    """Return how many bytes the largest word of each row needs."""
    largest = words.max(axis=1, initial=0)
    limits = np.uint64(1) << np.arange(0, 64, 8, dtype=np.uint64)
    widths: npt.NDArray[np.uint8] = np.searchsorted(limits, largest, side="right").astype(np.uint8)
    return widths


def _lay_out(words: _Words, first: int, last: int) -> bytes:
    heads = words.heads[first:last]
    parts = [heads.tobytes()]
    for width in np.unique(heads["width"]).tolist():
        if width:
            chosen = words.words[first:last][heads["width"] == width]
            parts.append(_planes(chosen, width).tobytes())
    start, end = words.exception_starts[first], words.exception_starts[last]
    parts.append(words.exception_places[start:end].astype("<u4").tobytes())
    parts.append(words.exception_bits[start:end].astype("<u8").tobytes())
    return b"".join(parts)


def _planes(words: WordArray, width: int) -> ByteArray:
    size = _CONTAINERS[width]
    octets = words.astype(f"<u{size}").view(np.uint8).reshape(*words.shape, size)
    planes: ByteArray = np.moveaxis(octets[..., :width], -1, 0)
    return planes


@dataclass(frozen=True, slots=True)
class _Part:
    """One decompressed chunk: headers, byte planes by width as uint8[width, rows, samples], and exceptions."""

    heads: npt.NDArray[np.void]
    planes: dict[int, ByteArray]
    places: npt.NDArray[np.uint32]
    bits: WordArray

    @classmethod
    def parse(cls, payload: Blob, rows: int, samples: int) -> _Part:
        octets = np.frombuffer(payload, dtype=np.uint8)
        at = rows * _HEAD.itemsize
        heads = octets[:at].view(_HEAD) if len(octets) >= at else np.empty(0, dtype=_HEAD)
        exceptions = int(heads["exceptions"].sum())
        if len(heads) != rows or len(octets) != at + int(heads["width"].sum()) * samples + 12 * exceptions:
            raise CorruptBlobError(f"a chunk of {rows} series and {samples} samples has {len(octets)} bytes")
        planes = {}
        for width, count in zip(*np.unique(heads["width"], return_counts=True), strict=True):
            size = int(width) * int(count) * samples
            if size:
                planes[int(width)] = octets[at : at + size].reshape(int(width), int(count), samples)
            at += size
        places = octets[at : at + 4 * exceptions].view("<u4")
        return cls(heads, planes, places, octets[at + 4 * exceptions :].view("<u8"))

    def put_exceptions(self, values: FloatArray) -> None:
        """Write the exceptions into the chunk's own rows of the result."""
        if len(self.places):
            rows = np.repeat(np.arange(len(self.heads)), self.heads["exceptions"])
            values.view(np.uint64)[rows, self.places] = self.bits


def _from_words(heads: npt.NDArray[np.void], planes: ByteArray | None, samples: int) -> FloatArray:
    values = np.empty((len(heads), samples))
    as_bits = heads["exponent"] == _AS_BITS
    base = heads["base"][:, None]
    words = _assemble(planes) if planes is not None else np.zeros((len(heads), samples), dtype=np.uint8)
    if as_bits.any():
        differences = np.bitwise_xor.accumulate(words[as_bits].astype(np.uint64), axis=1)
        values[as_bits] = (differences ^ base[as_bits].view(np.uint64)).view(np.float64)
        if as_bits.all():
            return values
        words = words[~as_bits]
    integers = np.cumsum(_signed(words), axis=1, dtype=np.int64)
    integers += base[~as_bits]
    exponents = heads["exponent"][~as_bits]
    scaled = integers.astype(np.float64)
    if exponents.any():
        scaled /= _POWERS[exponents][:, None]
    values[~as_bits] = scaled
    return values


def _assemble(planes: ByteArray) -> npt.NDArray[np.unsignedinteger]:
    width = len(planes)
    if width == 1:
        single: ByteArray = planes[0]
        return single
    size = _CONTAINERS[width]
    octets = np.zeros((*planes.shape[1:], size), dtype=np.uint8)
    for place in range(width):
        octets[..., place] = planes[place]
    words: npt.NDArray[np.unsignedinteger] = octets.view(f"<u{size}")[..., 0]
    return words


def _signed(words: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.signedinteger]:
    """Undo zigzag in the width that the words have."""
    kind = np.dtype(f"i{words.dtype.itemsize}")
    signed: npt.NDArray[np.signedinteger] = (words >> 1).view(kind) ^ -((words & 1).view(kind))
    return signed


# Integers and rows


def encode_ints(numbers: IntArray, *, level: int = 3) -> bytes:
    """Encode int64[N] by the differences of their differences: evenly spaced numbers cost nothing."""
    steps = np.diff(numbers)
    bends = np.diff(steps, prepend=steps[:1])
    words = ((bends << 1) ^ (bends >> 63)).view(np.uint64)
    width = int(_widths(words[None])[0])
    base, step = (int(numbers[0]) if len(numbers) else 0), (int(steps[0]) if len(steps) else 0)
    planes = _planes(words, width).tobytes() if width else b""
    return _framed(_INTS.pack(len(numbers), width, base, step) + planes, Codec.INTS_PLAIN, level)


def decode_ints(blob: Blob) -> IntArray:
    """Decode what :func:`encode_ints` wrote.

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    payload = _payload(blob, Codec.INTS_PLAIN)
    count, width, base, step = _INTS.unpack_from(payload)
    numbers = np.full(count, base, dtype=np.int64)
    if count > 1:
        bends = np.zeros(count - 1, dtype=np.int64)
        if width:
            planes = np.frombuffer(payload, dtype=np.uint8, offset=_INTS.size).reshape(width, 1, count - 1)
            bends = np.cumsum(_signed(_assemble(planes)[0]), dtype=np.int64)
        numbers[1:] += np.cumsum(bends + step)
    return numbers


def encode_row(values: FloatArray) -> bytes:
    """Encode float64[N], values of different series, quickly."""
    return _framed(values.view(np.uint8).reshape(-1, 8).T.tobytes(), Codec.ROW_PLAIN, 1)


def decode_row(blob: Blob) -> FloatArray:
    """Decode what :func:`encode_row` wrote.

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    planes = np.frombuffer(_payload(blob, Codec.ROW_PLAIN), dtype=np.uint8)
    return np.ascontiguousarray(planes.reshape(8, -1).T).view("<f8")[:, 0]


# Frames


def _framed(payload: bytes, plain: Codec, level: int) -> bytes:
    """Put codec and checksum before the payload, compressed if it is worth it."""
    codec = plain
    if len(payload) >= _SMALL:
        codec, payload = Codec(plain + 1), bytes(cramjam.zstd.compress(payload, level=level))
    return _FRAME.pack(codec, zlib.crc32(payload, codec)) + payload


def _payload(blob: Blob, plain: Codec) -> Blob:
    view = memoryview(blob)
    if len(view) < _FRAME.size:
        raise CorruptBlobError(f"a blob has only {len(view)} bytes")
    codec, checksum = _FRAME.unpack_from(view)
    payload = view[_FRAME.size :]
    if zlib.crc32(payload, codec) != checksum:
        raise CorruptBlobError("the checksum of a blob does not agree with its bytes")
    if codec == plain:
        return payload
    if codec != plain + 1:
        raise CorruptBlobError(f"a blob has the codec {codec} where {plain.name} or zstd was expected")
    try:
        return memoryview(cramjam.zstd.decompress(payload))
    except cramjam.DecompressionError as error:
        raise CorruptBlobError(f"zstd cannot read a blob: {error}") from error
