"""Samples: bit patterns with a meaning, and matrices of series that share their timestamps.

Timestamps are int64 milliseconds since 1970, values are float64, everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
class SeriesBatch:
    """Series that have samples at exactly the same timestamps.

    ``timestamps`` is int64[T], strictly increasing; ``values`` is float64[S, T], one row a series, with a sample in
    every place (which may be a staleness marker, never ``ABSENT``).
    """

    labels: Sequence[Labels]
    timestamps: IntArray
    values: FloatArray
    known: Known | None = None
