"""Words in byte planes: all lowest bytes, then all second ones, and so on, since like compresses best beside like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import IntArray

WordArray = npt.NDArray[np.uint64]
ByteArray = npt.NDArray[np.uint8]

_CONTAINERS = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 8: 8}


def zigzag(numbers: IntArray) -> WordArray:
    """Fold signed numbers so that small ones of either sign are small."""
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def signed(words: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.signedinteger]:
    """Undo zigzag in the width that the words have."""
    kind = np.dtype(f"i{words.dtype.itemsize}")
    unfolded: npt.NDArray[np.signedinteger] = (words >> 1).view(kind) ^ -((words & 1).view(kind))
    return unfolded


def widths(words: WordArray) -> npt.NDArray[np.uint8]:
    """Return how many bytes the largest word of each row needs."""
    largest = words.max(axis=1, initial=0)
    limits = np.uint64(1) << np.arange(0, 64, 8, dtype=np.uint64)
    found: npt.NDArray[np.uint8] = np.searchsorted(limits, largest, side="right").astype(np.uint8)
    return found


def planes_of(words: WordArray, width: int) -> ByteArray:
    """Return the ``width`` lowest bytes of words as uint8[width, *shape]."""
    size = _CONTAINERS[width]
    octets = words.astype(f"<u{size}").view(np.uint8).reshape(*words.shape, size)
    planes: ByteArray = np.moveaxis(octets[..., :width], -1, 0)
    return planes


def assemble(planes: ByteArray) -> npt.NDArray[np.unsignedinteger]:
    """Undo :func:`planes_of`; the words are as narrow as numpy has them."""
    width = len(planes)
    if width == 1:
        single: ByteArray = planes[0]
        return single
    size = _CONTAINERS[width]
    octets = np.zeros((*planes.shape[1:], size), dtype=np.uint8)
    for place in range(width):
        octets[..., place] = planes[place]
    words: npt.NDArray[np.unsignedinteger] = octets.view(f"<u{size}")[..., 0]
    return words
