"""Lists of integers that rise more or less evenly: timestamps and series numbers."""

from __future__ import annotations

import struct

import numpy as np

from dashboard.model.samples import IntArray
from dashboard.storage.codec.frame import Blob, Codec, seal_compressed, unseal_compressed
from dashboard.storage.codec.planes import assemble, planes_of, signed, widths, zigzag
from dashboard.storage.errors import CorruptBlobError

_HEAD = struct.Struct("<IBqq")


def encode_ints(numbers: IntArray) -> bytes:
    """Encode int64[N] by the differences of their differences: evenly spaced numbers cost nothing."""
    steps = np.diff(numbers)
    words = zigzag(np.diff(steps, prepend=steps[:1]))
    width = int(widths(words[None])[0])
    base, step = (int(numbers[0]) if len(numbers) else 0), (int(steps[0]) if len(steps) else 0)
    planes = planes_of(words, width).tobytes() if width else b""
    return seal_compressed(_HEAD.pack(len(numbers), width, base, step) + planes, Codec.INTS_PLAIN)


def decode_ints(blob: Blob) -> IntArray:
    """Decode what :func:`encode_ints` wrote.

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    payload = unseal_compressed(blob, Codec.INTS_PLAIN)
    if len(payload) < _HEAD.size:
        raise CorruptBlobError(f"a list of integers has only {len(payload)} bytes")
    count, width, base, step = _HEAD.unpack_from(payload)
    if len(payload) != _HEAD.size + width * max(0, count - 1) or width > 8:
        raise CorruptBlobError(f"a list of {count} integers has {len(payload)} bytes")
    if count < 2 or not width:
        even: IntArray = np.arange(count, dtype=np.int64) * step + base
        return even
    planes = np.frombuffer(payload, dtype=np.uint8, offset=_HEAD.size).reshape(width, 1, count - 1)
    numbers = np.empty(count, dtype=np.int64)
    numbers[0] = base
    np.cumsum(signed(assemble(planes)[0]), dtype=np.int64, out=numbers[1:])
    numbers[1:] += step
    np.cumsum(numbers, out=numbers)
    return numbers
