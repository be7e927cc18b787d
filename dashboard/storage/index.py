"""Which series have which labels: posting lists in memory, answered as masks over all series.

The rules for what a matcher selects are Prometheus's: an absent label reads as empty, so ``{foo=""}`` and
``{foo!~".+"}`` select the series without ``foo``.
"""

from __future__ import annotations

import array
import re
from collections.abc import Iterable, Sequence

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import BoolArray, IntArray
from dashboard.storage.cardinality import Cardinality, cardinality

_LITERALS = re.compile(r"[\w :/%@,~<>=!&;\"'-]*(?:\|[\w :/%@,~<>=!&;\"'-]*)*")
"""An expression that is nothing but literals and ``|``. The pattern is ours, and linear."""


class Index:
    """Posting lists: for each label name and value, the numbers of the series that carry it. Not thread-safe."""

    def __init__(self) -> None:
        self._postings: dict[str, dict[str, array.array[int]]] = {}
        self._size = 0
        self._alive = np.zeros(0, dtype=np.bool_)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._alive))

    def add(self, series: int, labels: Labels) -> None:
        """Enter a series whose number is larger than all before."""
        for name, value in labels:
            values = self._postings.setdefault(name, {})
            if value in values:
                values[value].append(series)
            else:
                values[value] = array.array("q", (series,))
        self._size = series + 1
        if series >= len(self._alive):
            self._alive = np.concatenate([self._alive, np.zeros(max(64, self._size), dtype=np.bool_)])
        self._alive[series] = True

    def remove(self, series: IntArray, labels: Iterable[Labels]) -> None:
        """Take series out that were entered with these labels."""
        self._alive[series] = False
        touched = {pair for each in labels for pair in each}
        for name, value in touched:
            values = self._postings[name]
            numbers = np.array(values[value], dtype=np.int64)
            left = numbers[self._alive[numbers]]
            if len(left):
                values[value] = array.array("q", left.tobytes())
            else:
                del values[value]
                if not values:
                    del self._postings[name]

    def alive(self, series: IntArray) -> BoolArray:
        """Say which numbers are in the index."""
        known = series < self._size
        return known & self._alive[np.where(known, series, 0)] if self._size else known

    def select(self, matchers: Iterable[Matcher]) -> IntArray:
        """Return the numbers, ascending, of the series that satisfy every matcher."""
        chosen = self._alive[: self._size].copy()
        for matcher in matchers:
            chosen &= self._matching(matcher)
        return np.flatnonzero(chosen)

    def cardinality(self, limit: int) -> Cardinality:
        """Return which names and labels have the most series and values, ``limit`` of each."""
        return cardinality(self._postings, limit)

    def _matching(self, matcher: Matcher) -> BoolArray:
        """Mark the series that satisfy a matcher; a negative one is the complement of its positive twin."""
        postings = self._postings.get(matcher.name, {})
        positive = _positive(matcher)
        marked = np.zeros(self._size, dtype=np.bool_)
        if positive.matches(""):
            # The fewer are left to unmark: those that have the label with another value.
            marked[:] = True
            self._mark(marked, postings, (value for value in postings if not positive.matches(value)), as_=False)
        else:
            self._mark(marked, postings, _matching_values(positive, postings), as_=True)
        return ~marked if matcher.kind.is_negative else marked

    @staticmethod
    def _mark(marked: BoolArray, postings: dict[str, array.array[int]], values: Iterable[str], *, as_: bool) -> None:
        for value in values:
            marked[np.array(postings[value], dtype=np.int64)] = as_


def _positive(matcher: Matcher) -> Matcher:
    kinds = {MatchKind.NOT_EQUAL: MatchKind.EQUAL, MatchKind.NOT_REGEX: MatchKind.REGEX}
    return Matcher(kinds.get(matcher.kind, matcher.kind), matcher.name, matcher.value)


def _matching_values(matcher: Matcher, postings: dict[str, array.array[int]]) -> Sequence[str]:
    """Return the values in the index that a matcher accepts, which must not be one that accepts the empty value."""
    if matcher.kind is MatchKind.EQUAL:
        return [matcher.value] if matcher.value in postings else []
    if _LITERALS.fullmatch(matcher.value):
        return [value for value in dict.fromkeys(matcher.value.split("|")) if value in postings]
    if matcher.value == ".+":
        return list(postings)
    return [value for value in postings if matcher.matches(value)]
