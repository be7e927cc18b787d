"""Chunks as the first version wrote them: read, and written no more.

A header for each series, the zigzag-coded differences (or XORs) of all series of a width in byte planes, and exceptions
one by one.
"""

from __future__ import annotations

import numpy as np

from dashboard.model.samples import FloatArray, IntArray
from dashboard.storage.codec.frame import Blob
from dashboard.storage.codec.planes import ByteArray, assemble, signed
from dashboard.storage.codec.scaling import AS_BITS, POWERS
from dashboard.storage.errors import CorruptBlobError

_HEAD = np.dtype([("width", "u1"), ("exponent", "u1"), ("base", "<i8"), ("exceptions", "<u4")])
_PLACES = 7


def decode_first_chunk(payload: Blob, shape: tuple[int, int], rows: IntArray) -> FloatArray:
    """Decode some series of a chunk; see :func:`unpack_chunk`.

    Raises:
        CorruptBlobError: it is not what was written.
    """
    series, samples = shape
    octets = np.frombuffer(payload, dtype=np.uint8)
    at = series * _HEAD.itemsize
    heads = octets[:at].view(_HEAD) if len(octets) >= at else np.empty(0, dtype=_HEAD)
    exceptions = int(heads["exceptions"].sum())
    if len(heads) != series or len(octets) != at + int(heads["width"].sum()) * samples + 12 * exceptions:
        raise CorruptBlobError(f"a chunk of {series} series and {samples} samples has {len(octets)} bytes")
    if ((heads["exponent"] >= _PLACES) & (heads["exponent"] != AS_BITS)).any() or (heads["width"] > 8).any():
        raise CorruptBlobError("the heads of a chunk make no sense")
    values = np.empty((series, samples))
    for width in np.unique(heads["width"]).tolist():
        chosen = heads["width"] == width
        size = width * int(chosen.sum()) * samples
        planes = octets[at : at + size].reshape(width, -1, samples) if size else None
        values[chosen] = _from_words(heads[chosen], planes, samples)
        at += size
    places = octets[at : at + 4 * exceptions].view("<u4")
    if len(places):
        if (places >= samples).any():
            raise CorruptBlobError("the exceptions of a chunk lie outside of it")
        owners = np.repeat(np.arange(series), heads["exceptions"])
        values.view(np.uint64)[owners, places] = octets[at + 4 * exceptions :].view("<u8")
    return values[rows]


def _from_words(heads: np.ndarray[tuple[int], np.dtype[np.void]], planes: ByteArray | None, samples: int) -> FloatArray:
    values = np.empty((len(heads), samples))
    as_bits = heads["exponent"] == AS_BITS
    base = heads["base"][:, None]
    words = assemble(planes) if planes is not None else np.zeros((len(heads), samples), dtype=np.uint8)
    if as_bits.any():
        differences = np.bitwise_xor.accumulate(words[as_bits].astype(np.uint64), axis=1)
        values[as_bits] = (differences ^ base[as_bits].view(np.uint64)).view(np.float64)
    integers = np.cumsum(signed(words[~as_bits]), axis=1, dtype=np.int64) + base[~as_bits]
    values[~as_bits] = integers / POWERS[heads["exponent"][~as_bits]][:, None]
    return values
