"""A page that repeats the last one line by line: only the lines that changed are read.

Most lines of a page say at a scrape what they said at the last one. To find those that differ takes a comparison of
bytes, which is many times cheaper than to read them all.
"""

from __future__ import annotations

from itertools import compress, count
from operator import ne

import numpy as np

from dashboard.exposition.values import parse_floats
from dashboard.exposition.walk import Memory
from dashboard.model.samples import FloatArray, IntArray

_LARGEST = 1 << 20
_NO_SAMPLE = -1
_DROPPED = -2


class LastPage:
    """The lines of the last page, where each is a sample by itself or tells nothing that could change.

    A page with timestamps, with exemplars or with a series that comes twice is not remembered. To learn a page costs
    about as much as to read it, so it is done when a second page has as many lines as the one before.
    """

    def __init__(self) -> None:
        self._count = -1
        self._tried = False
        self._lines: list[bytes] = []
        self._columns: list[int] = []
        self._values: FloatArray = np.empty(0, np.float64)

    def values(self, body: bytes) -> FloatArray | None:
        """Return the values of a page that differs from the last one in values only, float64[N]; else ``None``."""
        if not self._lines or body.count(b"\n") != self._count:
            return None
        lines = body.split(b"\n")
        changed = [*compress(count(), map(ne, lines, self._lines))]
        read = self._read(lines, changed)
        if read is None:
            self._forget()
            return None
        columns = np.array([self._columns[index] for index in changed], np.int64)
        self._values = self._values.copy()
        self._values[columns[columns >= 0]] = read[columns >= 0]
        self._lines = lines
        return self._values

    def learn(self, body: bytes, memory: Memory, series: IntArray, values: FloatArray) -> None:
        """Remember a page that was found good, with what was kept of it: int64[N], float64[N]."""
        lines = body.count(b"\n")
        if lines != self._count:
            self._forget()
            self._count = lines
        elif not self._tried and len(body) <= _LARGEST:
            self._tried = True
            self._take(body.split(b"\n"), memory, series, values)

    def _take(self, lines: list[bytes], memory: Memory, series: IntArray, values: FloatArray) -> None:
        numbers = [memory.series.get(line.rpartition(b" ")[0]) for line in lines]
        odd = any(number is None and line and line[:1] != b"#" for number, line in zip(numbers, lines, strict=True))
        kept = np.array([number for number in numbers if number is not None and number >= 0], np.int64)
        # Where a name holds a line end, a line may look like a sample and be none.
        if odd or not np.array_equal(kept, series):
            return
        column = count()
        self._columns = [
            _NO_SAMPLE if number is None else next(column) if number >= 0 else _DROPPED for number in numbers
        ]
        self._lines, self._values = lines, values

    def _read(self, lines: list[bytes], changed: list[int]) -> FloatArray | None:
        """Read the values of the changed lines, if their series are those of the last page's."""
        tokens = []
        for index in changed:
            text, _, token = lines[index].rpartition(b" ")
            if self._columns[index] == _NO_SAMPLE or text != self._lines[index].rpartition(b" ")[0]:
                return None
            tokens.append(token)
        try:
            return parse_floats(tokens)
        except ValueError:
            return None

    def _forget(self) -> None:
        self._tried = False
        self._lines, self._columns = [], []
