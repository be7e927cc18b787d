"""The wire format of protobuf, as far as the remote protocols need it: fields of varints, doubles and bytes.

The messages are few and flat, and samples are written by the column with numpy, which no generated class could do.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from dashboard.remote.errors import BadMessageError

_MASK = (1 << 64) - 1
_LONGEST_VARINT = 10


class WireType(enum.IntEnum):
    """How a field's value is written."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5


def varint(value: int) -> bytes:
    """Write an integer, seven bits a byte; negative ones are 64 bits wide."""
    rest = value & _MASK
    written = bytearray()
    while rest > 0x7F:
        written.append(rest & 0x7F | 0x80)
        rest >>= 7
    written.append(rest)
    return bytes(written)


def tag(field: int, wire_type: WireType) -> bytes:
    """Write what stands before a field's value."""
    return varint(field << 3 | wire_type)


def bytes_field(field: int, value: bytes) -> bytes:
    """Write a field that holds bytes, a text in UTF-8 or another message."""
    return b"%b%b%b" % (tag(field, WireType.BYTES), varint(len(value)), value)


def varint_field(field: int, value: int) -> bytes:
    """Write a field that holds an integer."""
    return tag(field, WireType.VARINT) + varint(value)


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield a message's fields by number: an integer for a varint, else the bytes.

    Raises:
        BadMessageError: the message ends within a field, or has one of an unknown type.
    """
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        match key & 7:
            case WireType.VARINT:
                value, at = _read_varint(message, at)
                yield key >> 3, value
                continue
            case WireType.FIXED64:
                end = at + 8
            case WireType.FIXED32:
                end = at + 4
            case WireType.BYTES:
                length, at = _read_varint(message, at)
                end = at + length
            case _:
                raise BadMessageError("proto: illegal wireType")
        if end > len(message):
            raise BadMessageError("unexpected EOF")
        yield key >> 3, message[at:end]
        at = end


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        if at + place >= len(message):
            raise BadMessageError("unexpected EOF")
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & _MASK, at + place + 1
    raise BadMessageError("proto: integer overflow")


def signed(value: int | bytes) -> int:
    """Return a varint as a signed 64-bit integer.

    Raises:
        BadMessageError: the field holds bytes.
    """
    if isinstance(value, bytes):
        raise BadMessageError("proto: wrong wireType")
    return value - (1 << 64) if value >> 63 else value


def text(value: int | bytes) -> str:
    """Return the text of a field.

    Raises:
        BadMessageError: the field holds no text in UTF-8.
    """
    if isinstance(value, int):
        raise BadMessageError("proto: wrong wireType")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadMessageError("a text is not UTF-8") from error


def message(value: int | bytes) -> bytes:
    """Return the bytes of a field that holds another message.

    Raises:
        BadMessageError: the field holds an integer.
    """
    if isinstance(value, int):
        raise BadMessageError("proto: wrong wireType")
    return value
