"""Columns in chunks, as blocks and sealed rows have them: which chunks hold what is wanted, and what is cached."""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import ABSENT, Falls, FloatArray, IntArray, Known
from dashboard.storage.cache import Cache
from dashboard.storage.codec import Blob, Unpacked, unpack_chunk
from dashboard.storage.errors import CorruptBlobError

Body = Callable[[int], Blob | None]
"""Returns a chunk by its number; ``None`` where it was deleted meanwhile. Raises CorruptBlobError."""

_KEPT_FALLS = 1000
"""Falls are remembered if there is no more than one in so many samples."""

Damaged = Callable[[int, CorruptBlobError], None]
"""Is told which chunk is damaged."""


@dataclass(frozen=True, slots=True)
class Chunked:
    """Columns over the same timestamps, some side by side in each chunk."""

    starts: IntArray
    """The column with which each chunk begins."""
    width: int
    """How many columns there are."""
    samples: int
    """How many timestamps there are."""

    def owners(self, columns: IntArray) -> IntArray:
        """Return the numbers of the chunks that hold some columns, rising."""
        return np.unique(self._owner_of(columns))

    def unpack(self, columns: IntArray, body: Body, damaged: Damaged) -> Columns:
        """Unpack columns; a chunk that is damaged or gone holds no sample."""
        parts = []
        for chunk, places in self._chunks(columns):
            start, end = self._range(chunk)
            try:
                blob = body(chunk)
                shape = (end - start, self.samples)
                parts.append((places, None if blob is None else unpack_chunk(blob, shape, columns[places] - start)))
            except CorruptBlobError as error:
                damaged(chunk, error)
                parts.append((places, None))
        return Columns(len(columns), self.samples, parts)

    def _chunks(self, columns: IntArray) -> Iterator[tuple[int, slice | IntArray]]:
        """Yield each chunk with the places of ``columns`` that it holds."""
        owners = self._owner_of(columns)
        if (owners[1:] >= owners[:-1]).all():
            chunks, begins = np.unique(owners, return_index=True)
            bounds = [*begins.tolist(), len(columns)]
            yield from zip(chunks.tolist(), map(slice, bounds, bounds[1:]), strict=True)
            return
        for chunk in np.unique(owners).tolist():
            yield chunk, np.flatnonzero(owners == chunk)

    def _owner_of(self, columns: IntArray) -> IntArray:
        return np.searchsorted(self.starts, columns, side="right") - 1

    def _range(self, chunk: int) -> tuple[int, int]:
        end = int(self.starts[chunk + 1]) if chunk + 1 < len(self.starts) else self.width
        return int(self.starts[chunk]), end


class Columns:
    """Columns that were unpacked, by the chunk that they come from: their places, and what they hold, if anything."""

    def __init__(self, count: int, samples: int, parts: Sequence[tuple[slice | IntArray, Unpacked | None]]) -> None:
        """``count`` is how many columns there are, ``samples`` how many timestamps they have."""
        self.count = count
        self.samples = samples
        self.parts = parts
        # What is asked for again and again is remembered; two threads may find it out at once, and find the same.
        self._edges: tuple[FloatArray, FloatArray] | None = None
        self._few_falls: tuple[Falls | None] | None = None

    @property
    def nbytes(self) -> int:
        """How much memory they take, with what is remembered of them."""
        remembered = self.count * (16 + 24 * self.samples // _KEPT_FALLS)
        return remembered + sum(part.nbytes for _, part in self.parts if part is not None)

    def write(self, out: FloatArray, first: int) -> Known:
        """Write the values from the timestamp at place ``first`` on into float64[columns, n]."""
        plain, rising = True, np.zeros(self.count, dtype=np.bool_)
        for places, part in self.parts:
            # Of places that are no slice, this is a copy.
            target = out[places]
            if part is None:
                target[:] = ABSENT
                plain = False
            else:
                known = part.write(target, first)
                plain, rising[places] = plain and known.plain, known.rising
            if not isinstance(places, slice):
                out[places] = target
        return Known(plain, rising)

    @property
    def is_plain(self) -> bool:
        """Whether it is known that no value is a NaN."""
        return all(part is not None and part.is_plain for _, part in self.parts)

    def take(self, places: IntArray) -> FloatArray:
        """Return the values, which must be plain, at some timestamps, whose places rise: float64[columns, n]."""
        out = np.empty((self.count, len(places)))
        for own, part in self.parts:
            if part is not None:
                out[own] = part.take(places)
        return out

    def edges(self) -> tuple[FloatArray, FloatArray]:
        """Return the first and the last value, which must be plain, of each column."""
        if self._edges is None:
            first, last = np.empty(self.count), np.empty(self.count)
            for own, part in self.parts:
                if part is not None:
                    first[own], last[own] = part.edges()
            self._edges = first, last
        return self._edges

    def falls(self, first: int, last: int) -> Falls:
        """Return where values between two places fall, counted from the first one; they must be plain."""
        if self._few_falls is None:
            found = self._find_falls(0, self.samples)
            # To keep many would take much memory.
            are_few = len(found.rows) * _KEPT_FALLS <= self.count * self.samples
            self._few_falls = (found if are_few else None,)
        (few,) = self._few_falls
        if few is None:
            return self._find_falls(first, last)
        own = (few.places > first) & (few.places < last)
        return Falls(few.rows[own], few.places[own] - first, few.before[own])

    def _find_falls(self, first: int, last: int) -> Falls:
        rows = np.arange(self.count)
        every = [part.falls(first, last).moved(rows[own], 0) for own, part in self.parts if part is not None]
        return every[0] if len(every) == 1 else Falls.joined(every)


class Keep(enum.Enum):
    """What is kept of columns that had to be decoded, for those who ask for the same."""

    NOTHING = enum.auto()
    UNPACKED = enum.auto()
    """What takes little memory, and has to be made values of each time."""
    VALUES = enum.auto()


@dataclass(frozen=True, slots=True)
class CachedColumns:
    """Reads columns of so many samples through a cache, where ``key`` names what they are columns of."""

    cache: Cache
    key: Hashable
    samples: int
    unpack: Callable[[IntArray], Columns]

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        """Write columns into float64[columns, n], from the timestamp at place ``first`` on."""
        if keep is Keep.NOTHING:
            return self.unpack(columns).write(out, first)
        if keep is Keep.UNPACKED:
            return self.unpacked(columns).write(out, first)
        values, known = self._values(columns)
        out[:] = values[:, first : first + out.shape[1]]
        return known

    def unpacked(self, columns: IntArray) -> Columns:
        """Return columns as they were unpacked."""

        def make() -> tuple[Columns, int]:
            made = self.unpack(columns)
            return made, made.nbytes

        found: Columns = self.cache.get(("unpacked", self.key, columns.tobytes()), make)
        return found

    def _values(self, columns: IntArray) -> tuple[FloatArray, Known]:
        def make() -> tuple[tuple[FloatArray, Known], int]:
            values = np.empty((len(columns), self.samples))
            return (values, self.unpack(columns).write(values, 0)), values.nbytes

        found: tuple[FloatArray, Known] = self.cache.get(("values", self.key, columns.tobytes()), make)
        return found
