"""Snappy's block format, in which the remote protocols compress each message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cramjam

from dashboard.remote.errors import BadMessageError
from dashboard.remote.protobuf import varint

MOST_BYTES = 32 << 20
"""The longest message that is taken, decompressed."""

_LONGEST_VARINT = 5
# Snappy itself looks back no further than this.
_WORTH_A_PART = 64 << 10


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message, compressed: ``length`` is the one it had. Parts are joined as they are."""

    length: int
    elements: bytes


def compress(message: bytes) -> bytes:
    """Compress a message."""
    return bytes(cramjam.snappy.compress_raw(message))


def parts(pieces: Iterable[bytes]) -> Iterator[Part]:
    """Compress pieces of a message one after the other, so that it never lies in memory as a whole."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        if len(kept) >= _WORTH_A_PART:
            yield _part(bytes(kept))
            kept.clear()
    if kept:
        yield _part(bytes(kept))


def joined(message: Iterable[Part]) -> bytes:
    """Return the compressed message that parts make."""
    found = list(message)
    return b"".join([varint(sum(part.length for part in found)), *(part.elements for part in found)])


def _part(message: bytes) -> Part:
    # Behind the length there are only elements, which look back but never ahead.
    return Part(len(message), compress(message)[len(varint(len(message))) :])


def decompress(body: bytes, most: int = MOST_BYTES) -> bytes:
    """Decompress a message. Its declared length is checked before any memory is taken for it.

    Raises:
        BadMessageError: it is not in this format, or longer than ``most`` bytes.
    """
    length = _declared_length(body)
    if length > most:
        raise BadMessageError(f"message of {length} bytes is longer than {most}")
    try:
        message = bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise BadMessageError("snappy: corrupt input") from error
    return message


def _declared_length(body: bytes) -> int:
    length = 0
    for place, byte in enumerate(body[:_LONGEST_VARINT]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return length
    raise BadMessageError("snappy: corrupt input")
