"""What precedes the words of a chunk: an entry for each series, and the exceptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import IntArray
from dashboard.storage.codec.packing import WIDTHS, Strips
from dashboard.storage.codec.planes import ByteArray
from dashboard.storage.codec.scaling import AS_BITS, PLACES, Exceptions
from dashboard.storage.errors import CorruptBlobError

ByteColumn = npt.NDArray[np.uint8]

STEPS = 1
"""A flag: words are differences in time, not values."""
BACK_SHIFT = 1
"""The flags above the first one say how far back a series looks."""
MOST_BACK = 3

_STRIP = 1 << 12
"""A strip has at least so many samples, where there are: each has a code of its own, which costs a hundred bytes."""
LONG = _STRIP // 2 + 1
"""From so many samples on a series has strips of its own."""
_KNOWN = np.isin(np.arange(256), WIDTHS)


@dataclass(frozen=True, slots=True)
class Heads:
    """One entry a series, stored column by column."""

    exponents: ByteColumn
    flags: ByteColumn
    shift: ByteColumn
    width: ByteColumn
    base: IntArray
    low: IntArray
    runs: IntArray

    SIZE = 4 + 8 + 8 + 4

    @property
    def back(self) -> IntArray:
        """How far before each series the one lies against which it is coded."""
        return (self.flags >> BACK_SHIFT).astype(np.int64)

    def to_bytes(self) -> bytes:
        columns = (self.exponents, self.flags, self.shift, self.width)
        wide = (_planes(self.base, 8), _planes(self.low, 8), _planes(self.runs, 4))
        return b"".join([*(column.tobytes() for column in columns), *wide])

    @classmethod
    def parse(cls, octets: ByteArray, series: int) -> Heads:
        small = octets[: 4 * series].reshape(4, series)
        base, low = (_unplanes(octets[(4 + 8 * n) * series : (12 + 8 * n) * series], 8) for n in (0, 1))
        heads = cls(small[0], small[1], small[2], small[3], base, low, _unplanes(octets[20 * series :], 4))
        as_bits, back = heads.exponents == AS_BITS, heads.back
        if (
            ((heads.exponents >= PLACES) & ~as_bits).any()
            or (back > np.minimum(np.arange(series), MOST_BACK)).any()
            or (as_bits & (back > 0)).any()
            or (heads.shift > 63).any()
            or not _KNOWN[heads.width].all()
        ):
            raise CorruptBlobError("the heads of a chunk make no sense")
        return heads


def runs_to_bytes(exceptions: Exceptions) -> bytes:
    return b"".join(
        [
            _planes(exceptions.starts, 4),
            _planes(exceptions.lengths, 4),
            _planes(exceptions.bits.view(np.int64), 8),
        ]
    )


def parse_runs(strips: Strips, counts: IntArray, samples: int) -> Exceptions:
    total = int(counts.sum())
    # Where there are none, there is no strip of them.
    octets = strips.next(16 * total) if total else np.empty(0, dtype=np.uint8)
    starts, lengths = _unplanes(octets[: 4 * total], 4), _unplanes(octets[4 * total : 8 * total], 4)
    if (starts + lengths > samples).any():
        raise CorruptBlobError("the exceptions of a chunk lie outside of it")
    return Exceptions(counts, starts, lengths, _unplanes(octets[8 * total :], 8).view(np.uint64))


def _planes(numbers: IntArray, size: int) -> bytes:
    return numbers.astype(f"<i{size}").view(np.uint8).reshape(-1, size).T.tobytes()


def _unplanes(octets: ByteArray, size: int) -> IntArray:
    kind = "<u4" if size == 4 else "<i8"
    return np.ascontiguousarray(octets.reshape(size, -1).T).view(kind)[:, 0].astype(np.int64)


def slabs(width: ByteColumn, bits: int, samples: int) -> list[IntArray]:
    """Part the rows of one width into those that share strips; words of no bits have none, and are all together."""
    rows = np.flatnonzero(width == bits)
    if not samples:
        return []
    if not bits:
        return [rows]
    each = max(1, _STRIP // samples)
    return [rows[first : first + each] for first in range(0, len(rows), each)]
