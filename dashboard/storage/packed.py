"""Samples that stay packed until they are asked for: much of what a long query reads is only added up, or skipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dashboard.model.samples import Falls, FloatArray, IntArray
from dashboard.storage.columns import Columns


@dataclass(frozen=True, slots=True)
class Stretch:
    """Unpacked columns for some of the timestamps: as many as ``count`` from the place ``first`` of theirs on."""

    columns: Columns
    first: int
    count: int

    def first_values(self) -> FloatArray:
        """Return the first value of each column in it."""
        return self.columns.take(np.array([self.first]))[:, 0] if self.first else self.columns.edges()[0]

    def last_values(self) -> FloatArray:
        """Return the last value of each column in it."""
        last = self.first + self.count - 1
        # Most stretches reach up to the edge of their columns, but one in which another one lies may not.
        if last == self.columns.samples - 1:
            return self.columns.edges()[1]
        return self.columns.take(np.array([last]))[:, 0]


class PackedSamples:
    """Series over the same timestamps, as stretches that follow each other; all values are plain numbers."""

    def __init__(self, members: Sequence[tuple[int, Sequence[Stretch]]]) -> None:
        """``members`` are numbers of series, each with the stretches that hold so many series."""
        self._members = members
        self._values: FloatArray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """How many series and timestamps there are."""
        return sum(count for count, _ in self._members), sum(stretch.count for stretch in self._members[0][1])

    def values(self) -> FloatArray:
        """Return all values: float64[S, T]."""
        if self._values is None:
            values = np.empty(self.shape)
            for rows, at, stretch in self._placed():
                stretch.columns.write(values[rows, at : at + stretch.count], stretch.first)
            self._values = values
        return self._values

    def take(self, places: IntArray) -> FloatArray:
        """Return the values at some timestamps, whose places rise: float64[S, len(places)]."""
        out = np.empty((self.shape[0], len(places)))
        for rows, at, stretch in self._placed():
            start, stop = np.searchsorted(places, (at, at + stretch.count)).tolist()
            if start < stop:
                out[rows, start:stop] = stretch.columns.take(places[start:stop] - at + stretch.first)
        return out

    def falls(self) -> Falls:
        """Return where values fall."""
        found = [
            stretch.columns.falls(stretch.first, stretch.first + stretch.count).moved(rows.start, at)
            for rows, at, stretch in self._placed()
        ]
        found += [falls for _, row, stretches in self._numbered() for falls in _between(row, stretches)]
        return Falls.joined([falls for falls in found if len(falls.rows)])

    def _numbered(self) -> Iterator[tuple[int, int, Sequence[Stretch]]]:
        row = 0
        for count, stretches in self._members:
            yield count, row, stretches
            row += count

    def _placed(self) -> Iterator[tuple[slice, int, Stretch]]:
        """Yield each stretch with its rows, and with the place of its first timestamp among all."""
        for count, row, stretches in self._numbered():
            at = 0
            for stretch in stretches:
                yield slice(row, row + count), at, stretch
                at += stretch.count


def _between(row: int, stretches: Sequence[Stretch]) -> Iterator[Falls]:
    """Yield where the first values of a stretch are below the last ones of the stretch before."""
    at = 0
    for earlier, later in pairwise(stretches):
        at += earlier.count
        last, first = earlier.last_values(), later.first_values()
        fallen = np.flatnonzero(first < last)
        yield Falls(fallen + row, np.full(len(fallen), at), last[fallen])
