"""Which series ``limit_ratio`` takes: those whose labels hash low (util/ratiosampler of Prometheus 3).

The hash is XXH64 of the labels as Prometheus 3 keeps them in memory, so that both take the same series.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray

_MASK = 2**64 - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def chosen(series: Sequence[Labels], ratios: FloatArray) -> BoolArray:
    """Return which series are taken at each step, bool[S, T]; a negative ratio takes from the other end."""
    places = np.array([_place(labels) for labels in series]).reshape(-1, 1)
    taken: BoolArray = np.where(ratios >= 0, places < ratios, places >= 1.0 + ratios)
    return taken


def _place(labels: Labels) -> float:
    """Return where between 0 and 1 a label set lies."""
    packed = b"".join(_sized(text) for pair in labels for text in pair)
    return xxh64(packed) / float(2**64)


def _sized(text: str) -> bytes:
    """Write a string with its length before it: one byte, or 255 and three more (labels_stringlabels.go)."""
    data = text.encode(errors="surrogateescape")
    size = len(data)
    return (bytes([size]) if size < 255 else b"\xff" + size.to_bytes(3, "little")) + data


def xxh64(data: bytes) -> int:
    """Return the XXH64 hash of some bytes, with the seed 0."""
    whole = len(data) // 32 * 32
    total = _stripes(data[:whole]) if whole else _P5
    total = (total + len(data)) & _MASK
    at = whole
    while at + 8 <= len(data):
        total ^= _round(0, int.from_bytes(data[at : at + 8], "little"))
        total = (_rotated(total, 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= len(data):
        total ^= int.from_bytes(data[at : at + 4], "little") * _P1 & _MASK
        total = (_rotated(total, 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        total = _rotated(total ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    return _avalanche(total)


def _stripes(data: bytes) -> int:
    lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
    for words in struct.iter_unpack("<4Q", data):
        lanes = [_round(lane, word) for lane, word in zip(lanes, words, strict=True)]
    total = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
    for lane in lanes:
        total = ((total ^ _round(0, lane)) * _P1 + _P4) & _MASK
    return total


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def _rotated(number: int, bits: int) -> int:
    return (number << bits | number >> (64 - bits)) & _MASK


def _avalanche(total: int) -> int:
    total = (total ^ total >> 33) * _P2 & _MASK
    total = (total ^ total >> 29) * _P3 & _MASK
    return total ^ total >> 32
