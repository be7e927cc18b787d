"""The windows of time that blocks cover: short ones while they are young, and longer ones as they age.

Each length is a multiple of the one before, and all windows are counted from 1970, so that a window lies wholly in one
longer one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dashboard.model.samples import IntArray

_MULTIPLES = (1, 6, 30, 120)
"""Of two hours: half a day, two and a half days, ten days."""
_LONGEST_GRACE = 300_000
GROUP_TIMES = 1 << 14
"""A group has at most so many timestamps: it is what a query that wants little of it must decode."""


class Windows:
    """Which lengths blocks have, and when a window has ended."""

    def __init__(self, block_length: int, longest: int) -> None:
        """``block_length`` is that of the youngest blocks; merged ones get up to ``longest`` milliseconds."""
        self.lengths = [each * block_length for each in _MULTIPLES if each == 1 or each * block_length <= longest]
        self._grace = min(block_length // 4, _LONGEST_GRACE)

    @property
    def longest(self) -> int:
        """The length of the blocks that all others are merged into."""
        return self.lengths[-1]

    @property
    def shortest(self) -> int:
        """The length of the blocks that the head is cut into."""
        return self.lengths[0]

    def ended(self, end: int, now: int) -> bool:
        """Say whether a window that ends there has ended, with some time for what is late."""
        return end + self._grace <= now

    def of(self, time: int, now: int) -> tuple[int, int]:
        """Return start and end of the longest window about a time that has ended; the shortest if none has."""
        for length in reversed(self.lengths):
            start = time // length * length
            if self.ended(start + length, now):
                return start, start + length
        start = time // self.shortest * self.shortest
        return start, start + self.shortest

    def cut(self, times: IntArray, now: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield start and end of each window with the first and last place of its timestamps, which rise."""
        first = 0
        while first < len(times):
            start, end = self.of(int(times[first]), now)
            last = int(np.searchsorted(times, end))
            yield start, end, first, last
            first = last


def parts(count: int) -> Iterator[tuple[int, int]]:
    """Cut so many timestamps into groups of about the same length."""
    groups = -(-count // GROUP_TIMES)
    ends = [count * (number + 1) // groups for number in range(groups)]
    yield from zip([0, *ends], ends, strict=False)
