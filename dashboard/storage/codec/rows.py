"""Rows: one value for each of many series, written often and read once."""

from __future__ import annotations

import numpy as np

from dashboard.model.samples import FloatArray
from dashboard.storage.codec.frame import Blob, Codec, seal_compressed, unseal_compressed
from dashboard.storage.errors import CorruptBlobError


def encode_row(values: FloatArray) -> bytes:
    """Encode float64[N], values of different series, quickly."""
    return seal_compressed(values.view(np.uint8).reshape(-1, 8).T.tobytes(), Codec.ROW_PLAIN)


def decode_row(blob: Blob) -> FloatArray:
    """Decode what :func:`encode_row` wrote.

    Raises:
        CorruptBlobError: the blob is not what was written.
    """
    planes = np.frombuffer(unseal_compressed(blob, Codec.ROW_PLAIN), dtype=np.uint8)
    if len(planes) % 8:
        raise CorruptBlobError(f"a row has {len(planes)} bytes")
    return np.ascontiguousarray(planes.reshape(8, -1).T).view("<f8")[:, 0]
