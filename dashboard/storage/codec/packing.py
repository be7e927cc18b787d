"""Words as narrow as they can be: whole bytes in planes of their own, and two or four bits several to a byte.

A width is a number of bits. Its last two or four bits, if it is no whole number of bytes, are the lowest of each word:
of a series with noise they are pure chance, which is best left out of what zstd looks at.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dashboard.storage.codec.frame import Blob, compress, decompress
from dashboard.storage.codec.planes import ByteArray, WordArray
from dashboard.storage.errors import CorruptBlobError

WIDTHS = np.array(sorted({0, *(byte + bits for byte in range(0, 64, 8) for bits in (2, 4, 8))}), dtype=np.int64)
"""0, 2, 4, 8, 10, 12, 16 and so on up to 64."""

_AS_IT_IS = 1 << 31
_LENGTH = np.dtype("<u4")


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


def unpack(strips: Strips, width: int, shape: tuple[int, int]) -> npt.NDArray[np.unsignedinteger]:
    """Undo :func:`pack`; the words are as narrow as numpy has them."""
    odd, count = width % 8, shape[0] * shape[1]
    words: npt.NDArray[np.unsignedinteger] = np.zeros(0, dtype=np.uint8)
    if odd:
        words = _unpacked(strips.next(-(-count * odd // 8)), odd)[:count]
    kind = f"<u{next(size for size in (1, 2, 4, 8) if 8 * size >= width)}"
    for place in range(odd, width, 8):
        plane = strips.next(count)
        words = plane if place == 0 else _join(words, plane, place, kind)
    return words.reshape(shape)


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
        if self._at != len(self._payload):
            raise CorruptBlobError(f"a chunk has {len(self._payload) - self._at} bytes too many")

    def _body(self) -> tuple[bool, memoryview]:
        head = int.from_bytes(self._payload[self._at : self._at + _LENGTH.itemsize], "little")
        start = self._at + _LENGTH.itemsize
        self._at = start + (head & (_AS_IT_IS - 1))
        if self._at > len(self._payload):
            raise CorruptBlobError("a chunk ends in the middle of a strip")
        return bool(head & _AS_IT_IS), self._payload[start : self._at]


def _join(
    words: npt.NDArray[np.unsignedinteger], plane: ByteArray, place: int, kind: str
) -> npt.NDArray[np.unsignedinteger]:
    wide = words.astype(kind, copy=False)
    higher = plane.astype(kind)
    higher <<= np.uint8(place)
    higher |= wide
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
    if bits == 4:
        spread = octets.astype("<u2")
        spread |= spread << np.uint16(4)
        spread &= np.uint16(0x0F0F)
        return spread.view(np.uint8)
    wide = octets.astype("<u4")
    wide |= wide << np.uint32(12)
    wide &= np.uint32(0x000F000F)
    wide |= wide << np.uint32(6)
    wide &= np.uint32(0x03030303)
    return wide.view(np.uint8)
