"""What every blob begins with: a codec byte and a checksum; and the one place that calls zstd."""

from __future__ import annotations

import enum
import struct
import threading
import zlib

import zstandard

from dashboard.storage.errors import CorruptBlobError

Blob = bytes | memoryview

_SMALL = 48  # Shorter payloads only grow under zstd.
_FRAME = struct.Struct("<BI")
_BOUND_BYTES = 16
_MOST = 1 << 31
"""No payload is larger; a damaged length may not ask for all memory."""


class Codec(enum.IntEnum):
    """The first byte of a blob: what it holds, and how."""

    FIRST_CHUNK_PLAIN = 1
    FIRST_CHUNK_ZSTD = 2
    INTS_PLAIN = 3
    INTS_ZSTD = 4
    ROW_PLAIN = 5
    ROW_ZSTD = 6
    CHUNK = 7
    RUN = 8
    BOUND = 9


class _Contexts(threading.local):
    """The contexts of one thread: making one anew costs more than compressing a row."""

    def __init__(self) -> None:
        self.fast = zstandard.ZstdCompressor(level=1)
        self.thorough = zstandard.ZstdCompressor(level=9)
        self.decompressor = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def compress(payload: bytes, *, thorough: bool = False) -> bytes:
    """Compress with zstd.

    Level 1 codes what is left of a series best: higher levels take chance for repetition, and lose. Only what repeats
    itself indeed is worth a ``thorough`` second attempt.
    """
    best = _contexts.fast.compress(payload)
    if thorough and 3 * len(best) < len(payload):
        best = min(best, _contexts.thorough.compress(payload), key=len)
    return best


def decompress(payload: Blob) -> bytes:
    """Undo :func:`compress`.

    Raises:
        CorruptBlobError: it is not what was written.
    """
    try:
        if zstandard.frame_content_size(payload) > _MOST:
            raise CorruptBlobError("zstd promises more than a blob may hold")
        return _contexts.decompressor.decompress(payload)
    except zstandard.ZstdError as error:
        raise CorruptBlobError(f"zstd cannot read a blob: {error}") from error


def seal(codec: Codec, payload: bytes) -> bytes:
    """Put codec byte and checksum before a payload."""
    return _FRAME.pack(codec, zlib.crc32(payload, codec)) + payload


def check(blob: Blob) -> tuple[int, memoryview]:
    """Return codec byte and payload of a blob.

    Raises:
        CorruptBlobError: the checksum does not agree with its bytes.
    """
    view = memoryview(blob)
    if len(view) < _FRAME.size:
        raise CorruptBlobError(f"a blob has only {len(view)} bytes")
    codec, checksum = _FRAME.unpack_from(view)
    payload = view[_FRAME.size :]
    if zlib.crc32(payload, codec) != checksum:
        raise CorruptBlobError("the checksum of a blob does not agree with its bytes")
    return codec, payload


def bind(blob: bytes, *fields: int) -> bytes:
    """Put a checksum before a blob that also covers its place: the fields that stand beside it in the table."""
    return _FRAME.pack(Codec.BOUND, _bond(blob, fields)) + blob


def unbind(blob: Blob, *fields: int) -> Blob:
    """Undo :func:`bind`; a blob of the first version, which is not bound, is returned as it is.

    Raises:
        CorruptBlobError: it was written for another place.
    """
    if not isinstance(blob, bytes | memoryview):
        raise CorruptBlobError("there is something else in the place of a blob")
    view = memoryview(blob)
    if len(view) < _FRAME.size or view[0] != Codec.BOUND:
        return blob
    inner = view[_FRAME.size :]
    if _FRAME.unpack_from(view)[1] != _bond(inner, fields):
        raise CorruptBlobError("a blob is not in the place that it was written for")
    return inner


def _bond(blob: Blob, fields: tuple[int, ...]) -> int:
    # The rest of the blob has a checksum of its own, which is among its first bytes.
    return zlib.crc32(blob[:_BOUND_BYTES], zlib.crc32(struct.pack(f"<{len(fields)}q", *fields)))


def seal_compressed(payload: bytes, plain: Codec) -> bytes:
    """Seal a payload under ``plain``, or compressed under the codec after it where that is worth it."""
    if len(payload) < _SMALL:
        return seal(plain, payload)
    return seal(Codec(plain + 1), compress(payload))


def unseal_compressed(blob: Blob, plain: Codec) -> Blob:
    """Undo :func:`seal_compressed`.

    Raises:
        CorruptBlobError: it is not what was written.
    """
    codec, payload = check(blob)
    if codec == plain:
        return payload
    if codec != plain + 1:
        raise CorruptBlobError(f"a blob has the codec {codec} where {plain.name} or zstd was expected")
    return memoryview(decompress(payload))
