"""Words as narrow as they can be: whole bytes in planes of their own, and two or four bits several to a byte.

A width is a number of bits. Its last two or four bits, if it is no whole number of bytes, are the lowest of each word:
of a series with noise they are pure chance, which is best left out of what zstd looks at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dashboard.storage.codec.frame import Blob, compress, decompress
from dashboard.storage.codec.planes import ByteArray, WordArray
from dashboard.storage.errors import CorruptBlobError

Words = npt.NDArray[np.unsignedinteger]

WIDTHS = np.array(sorted({0, *(byte + bits for byte in range(0, 64, 8) for bits in (2, 4, 8))}), dtype=np.int64)
"""0, 2, 4, 8, 10, 12, 16 and so on up to 64."""

_CONTAINERS = {
    width: np.dtype(f"<u{next(size for size in (1, 2, 4, 8) if 8 * size >= width)}") for width in WIDTHS.tolist()
}
_AS_IT_IS = 1 << 31
_LENGTH = struct.Struct("<I")


def widths(largest: WordArray) -> npt.NDArray[np.uint8]:
    """Return how many bits words up to these need."""
    limits = np.array([(1 << int(width)) - 1 for width in WIDTHS], dtype=np.uint64)
    return WIDTHS[np.searchsorted(limits, largest)].astype(np.uint8)


def pack(words: WordArray, width: int, *, thorough: bool) -> Iterator[bytes]:
    """Yield the strips of words[S, T] of one width: the odd bits first, then a plane a byte."""
    odd = width % 8
    if odd:
        yield strip(_packed(words.astype(np.uint8) & np.uint8((1 << odd) - 1), odd), thorough=thorough)
    for place in range(odd, width, 8):
        yield strip((words >> np.uint64(place)).astype(np.uint8).tobytes(), thorough=thorough)


def unpack(strips: Strips, width: int, count: int) -> Words:
    """Undo :func:`pack` for so many words, one after the other; they are as narrow as numpy has them."""
    if not width:
        return np.zeros(count, dtype=np.uint8)
    odd = width % 8
    words: Words = strips.next(count) if not odd else _unpacked(strips.next(-(-count * odd // 8)), odd)[:count]
    for place in range(odd or 8, width, 8):
        words = _join(words, strips.next(count), place, _CONTAINERS[width])
    return words


def planes(width: int) -> int:
    """Return how many strips words of a width make."""
    return -(-width // 8) if width % 8 == 0 else width // 8 + 1


def strip(payload: bytes, *, thorough: bool = False) -> bytes:
    """Return a payload, compressed if that is worth it, behind its length."""
    packed = compress(payload, thorough=thorough)
    if len(packed) < len(payload):
        return len(packed).to_bytes(4, "little") + packed
    return (len(payload) | _AS_IT_IS).to_bytes(4, "little") + payload


class Strips:
    """Reads strips one after the other."""

    def __init__(self, payload: Blob) -> None:
        self._payload = memoryview(payload)
        self._size = len(self._payload)
        self._at = 0

    def next(self, size: int) -> ByteArray:
        """Return the next strip, which must have this many bytes.

        Raises:
            CorruptBlobError: it has not.
        """
        plain, body = self._body()
        octets = body if plain else decompress(body)
        if len(octets) != size:
            raise CorruptBlobError(f"a strip of a chunk has {len(octets)} bytes instead of {size}")
        return np.frombuffer(octets, dtype=np.uint8)

    def skip(self, count: int) -> None:
        """Pass over strips that nobody asked for."""
        for _ in range(count):
            self._body()

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            CorruptBlobError: something is.
        """
        if self._at != self._size:
            raise CorruptBlobError(f"a chunk has {self._size - self._at} bytes too many")

    def _body(self) -> tuple[bool, memoryview]:
        start = self._at + _LENGTH.size
        if start > self._size:
            raise CorruptBlobError("a chunk ends where a strip was expected")
        (head,) = _LENGTH.unpack_from(self._payload, self._at)
        self._at = start + (head & (_AS_IT_IS - 1))
        if self._at > self._size:
            raise CorruptBlobError("a chunk ends in the middle of a strip")
        return bool(head & _AS_IT_IS), self._payload[start : self._at]


def _join(words: Words, plane: ByteArray, place: int, kind: np.dtype[np.unsignedinteger]) -> Words:
    higher = plane.astype(kind)
    # numpy multiplies faster than it shifts.
    higher *= kind.type(1 << place)
    higher |= words
    return higher


def _packed(small: ByteArray, bits: int) -> bytes:
    """Put values of two or four bits side by side in bytes, the first one lowest."""
    each = 8 // bits
    flat = np.zeros(-(-small.size // each) * each, dtype=np.uint8)
    flat[: small.size] = small.ravel()
    packed = flat[::each].copy()
    for place in range(1, each):
        packed |= flat[place::each] << np.uint8(bits * place)
    return packed.tobytes()


def _unpacked(octets: ByteArray, bits: int) -> ByteArray:
    """Undo :func:`_packed`, spreading the bits of whole bytes at once."""
    # No byte is beyond the table: wrapping only spares numpy a look at each.
    return _SPREAD[bits].take(octets, mode="wrap").view(np.uint8)


def _spread(bits: int) -> npt.NDArray[np.unsignedinteger]:
    """Return, for each byte, the values that are side by side in it, as a word with a byte for each."""
    each = 8 // bits
    octets = np.arange(256, dtype=np.uint8)[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)
    return (octets & np.uint8((1 << bits) - 1)).view(f"<u{each}")[:, 0]


_SPREAD = {bits: _spread(bits) for bits in (2, 4)}
