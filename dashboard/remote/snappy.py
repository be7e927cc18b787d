"""Snappy's block format, in which the remote protocols compress each message."""

from __future__ import annotations

import cramjam

from dashboard.remote.errors import BadMessageError

MOST_BYTES = 32 << 20
"""The longest message that is taken, decompressed."""

_LONGEST_VARINT = 5


def compress(message: bytes) -> bytes:
    """Compress a message."""
    return bytes(cramjam.snappy.compress_raw(message))


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
