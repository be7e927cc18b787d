"""Columns in chunks, as blocks and sealed rows have them: which chunks hold what is wanted, and what is cached."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

import numpy as np

from dashboard.model.samples import ABSENT, FloatArray, IntArray, Known
from dashboard.storage.cache import Cache
from dashboard.storage.codec import Blob, decode_chunk
from dashboard.storage.errors import CorruptBlobError

Body = Callable[[int], Blob | None]
"""Returns a chunk by its number; ``None`` where it was deleted meanwhile. Raises CorruptBlobError."""

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

    def decode_into(self, out: FloatArray, columns: IntArray, first: int, body: Body, damaged: Damaged) -> Known:
        """Write columns into float64[columns, n], from the timestamp at place ``first`` on.

        A chunk that is damaged or gone holds no sample.
        """
        plain, rising = True, np.zeros(len(columns), dtype=np.bool_)
        for chunk, places in self._chunks(columns):
            start, end = self._range(chunk)
            # Of places that are no slice, this is a copy.
            target, rows = out[places], columns[places] - start
            try:
                blob = body(chunk)
                known = None if blob is None else decode_chunk(blob, (end - start, self.samples), rows, target, first)
            except CorruptBlobError as error:
                damaged(chunk, error)
                known = None
            if known is None:
                target[:] = ABSENT
                plain = False
            else:
                plain, rising[places] = plain and known.plain, known.rising
            if not isinstance(places, slice):
                out[places] = target
        return Known(plain, rising)

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


def read_cached(
    cache: Cache, key: Hashable, shape: tuple[int, int], decode: Callable[[FloatArray], Known]
) -> tuple[FloatArray, Known]:
    """Return whole columns, float64 of this shape, and what is known of them, as ``decode`` wrote them once."""

    def make() -> tuple[tuple[FloatArray, Known], int]:
        values = np.empty(shape)
        return (values, decode(values)), values.nbytes

    found: tuple[FloatArray, Known] = cache.get(key, make)
    return found
