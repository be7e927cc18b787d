"""Numbers to bytes and back, without losing a bit; the stored form is described in FORMAT.md.

Three shapes: a *chunk* (several series over the same timestamps), a *row* (one value for each of many series) and a
list of *integers* (timestamps, series numbers). Each blob begins with a codec byte and a CRC-32; ``frame.py`` knows
them all. A new way to store a chunk gets a byte and a module of its own, and an entry in the table of ``decoding.py``.
"""

from __future__ import annotations

from dashboard.storage.codec.decoding import Unpacked, absent_matrix, unpack_chunk
from dashboard.storage.codec.encoding import encode_chunks, rows_per_chunk
from dashboard.storage.codec.frame import Blob, Codec, bind, check, seal, unbind
from dashboard.storage.codec.integers import decode_ints, encode_ints
from dashboard.storage.codec.rows import decode_row, encode_row

__all__ = [
    "Blob",
    "Codec",
    "Unpacked",
    "absent_matrix",
    "bind",
    "check",
    "decode_ints",
    "decode_row",
    "encode_chunks",
    "encode_ints",
    "encode_row",
    "rows_per_chunk",
    "seal",
    "unbind",
    "unpack_chunk",
]
