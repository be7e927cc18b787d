"""Samples: bit patterns with a meaning, and matrices of series that share their timestamps.

Timestamps are int64 milliseconds since 1970, values are float64, everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dashboard.model.labels import Labels

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

STALE_BITS = 0x7FF0_0000_0000_0002
"""The NaN with which Prometheus says that a series has ended (model/value in prometheus/prometheus)."""

ABSENT_BITS = 0x7FF4_0000_0000_0A55
"""A NaN of our own that fills the places of a matrix where a series has no sample. It never leaves the process."""

# Made from their bits: arithmetic would turn them into ordinary NaNs.
STALE: float = float(np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0])
ABSENT: float = float(np.array([ABSENT_BITS], dtype=np.uint64).view(np.float64)[0])


_TOGETHER = 1 << 16
"""So many samples stay in the processor's cache."""

_WORTH_MAKING = 8
"""If more than one sample in so many is asked for, all of them are made."""


def is_stale(values: FloatArray) -> BoolArray:
    """Return a mask of the staleness markers, taken from the bits."""
    return np.equal(np.ascontiguousarray(values).view(np.uint64), np.uint64(STALE_BITS))


def is_absent(values: FloatArray) -> BoolArray:
    """Return a mask of the places that hold no sample."""
    return np.equal(np.ascontiguousarray(values).view(np.uint64), np.uint64(ABSENT_BITS))


class SampleLimitError(Exception):
    """What was asked for holds more samples than the caller wants to have in memory; nothing was read."""

    def __init__(self, most: int, found: int) -> None:
        super().__init__(f"there are more than {most} samples")
        self.found = found


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of float64[S, T], so that nobody has to look at each value again."""

    plain: bool
    """Whether all are plain numbers: none is a NaN, and so none is absent or a staleness marker."""
    rising: BoolArray
    """Which rows never fall from a sample to the next: bool[S]."""

    @classmethod
    def of(cls, values: FloatArray) -> Known:
        """Look at each value."""
        return cls(not np.isnan(values).any(), np.all(values[:, 1:] >= values[:, :-1], axis=1))

    @classmethod
    def nothing(cls, rows: int) -> Known:
        """Return that nothing is known."""
        return cls(False, np.zeros(rows, dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class Falls:
    """Where a series falls from a sample to the next: its row, the place of the lower sample, and the value before it.

    All three have one entry a fall, in the order of rows and, in each, of time.
    """

    rows: IntArray
    places: IntArray
    before: FloatArray

    @classmethod
    def joined(cls, every: Sequence[Falls]) -> Falls:
        """Put falls, which may be none, in order."""
        if not every:
            return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
        rows, places, before = (
            np.concatenate([falls.rows for falls in every]),
            np.concatenate([falls.places for falls in every]),
            np.concatenate([falls.before for falls in every]),
        )
        order = np.lexsort((places, rows))
        return cls(rows[order], places[order], before[order])

    def moved(self, rows: int | IntArray, places: int) -> Falls:
        """Return the same where rows and places are counted from elsewhere: row i is ``rows[i]``, or ``rows`` + i."""
        return Falls(self.rows + rows if isinstance(rows, int) else rows[self.rows], self.places + places, self.before)


def find_falls(values: FloatArray) -> Falls:
    """Look for falls in float64[S, T]; NaNs neither fall nor are fallen from."""
    each = max(_TOGETHER // max(values.shape[1], 1), 1)
    found = []
    for first in range(0, len(values), each):
        part = values[first : first + each]
        # Places in a flat array are found much faster.
        flat = np.flatnonzero(part[:, 1:] < part[:, :-1])
        if len(flat):
            rows, places = np.divmod(flat, values.shape[1] - 1)
            found.append(Falls(rows + first, places + 1, part[rows, places]))
    return found[0] if len(found) == 1 else Falls.joined(found)


class Samples(Protocol):
    """Samples of some series over some timestamps that are not numbers yet: what little is needed is made of them."""

    def values(self) -> FloatArray:
        """Return them all: float64[S, T]."""

    def take(self, places: IntArray) -> FloatArray:
        """Return those at some timestamps, whose places rise: float64[S, len(places)]."""

    def falls(self) -> Falls:
        """Return where they fall."""


@dataclass(frozen=True, slots=True)
class SeriesBatch:
    """Series that have samples at exactly the same timestamps.

    ``timestamps`` is int64[T], strictly increasing; ``samples`` are float64[S, T], one row a series, with a sample in
    every place (which may be a staleness marker, never ``ABSENT``), or what makes them.
    """

    labels: Sequence[Labels]
    timestamps: IntArray
    samples: FloatArray | Samples
    known: Known | None = None

    @property
    def values(self) -> FloatArray:
        """All samples: float64[S, T]."""
        return self.samples if isinstance(self.samples, np.ndarray) else self.samples.values()

    @property
    def size(self) -> int:
        """How many samples there are."""
        return len(self.labels) * len(self.timestamps)

    @property
    def is_plain(self) -> bool:
        """Whether it is known that none of the samples is a NaN."""
        return self.known is not None and self.known.plain

    def take(self, places: IntArray) -> FloatArray:
        """Return the samples at some timestamps: float64[S, len(places)]."""
        if not isinstance(self.samples, np.ndarray):
            rising, where = np.unique(places, return_inverse=True)
            if len(rising) * _WORTH_MAKING < len(self.timestamps):
                return self.samples.take(rising).take(where, axis=1)
        # No place is beyond the samples: clipping only spares numpy a look at each.
        return self.values.take(places, axis=1, mode="clip")

    def falls(self) -> Falls:
        """Return where samples fall."""
        if not isinstance(self.samples, np.ndarray):
            return self.samples.falls()
        if self.known is None:
            return find_falls(self.samples)
        rows = np.flatnonzero(~self.known.rising)
        return find_falls(self.samples if len(rows) == len(self.samples) else self.samples[rows]).moved(rows, 0)
