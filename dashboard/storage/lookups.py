"""The lookups of selectors that are asked for again and again, as pages and rules do, until series come or go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.model.matcher import Matcher
from dashboard.storage.pieces import Lookup
from dashboard.storage.series import SeriesRegistry

_MOST = 256
_LIMIT = 4 << 20
"""All lookups that are kept take about so many bytes; one that takes a quarter of that is not kept."""
_PERIODS = 10
"""What was asked for in none of so many periods goes."""


@dataclass(slots=True)
class _Kept:
    lookup: Lookup
    changes: int
    """How often series had come or gone when they were looked for."""
    used: int
    """The last period in which somebody asked for it."""


class Lookups:
    """Finds the series of selectors, and remembers where those of the last few are. Thread-safe."""

    def __init__(self, series: SeriesRegistry) -> None:
        self._series = series
        self._lock = threading.Lock()
        self._period = 0
        self._kept: OrderedDict[tuple[Matcher, ...], _Kept] = OrderedDict()

    def of(self, matchers: Iterable[Matcher]) -> Lookup:
        """Return the lookup of the series that satisfy every matcher now."""
        selector = tuple(matchers)
        with self._lock:
            kept = self._kept.get(selector)
            if kept is not None and kept.changes == self._series.changes:
                self._kept.move_to_end(selector)
                kept.used = self._period
                kept.lookup.rest()
                return kept.lookup
        # Asked for before the series: one that comes in between is found by the next query.
        changes = self._series.changes
        lookup = Lookup(self._series.select(selector))
        with self._lock:
            self._kept[selector] = _Kept(lookup, changes, self._period)
            self._kept.move_to_end(selector)
            self._shrink()
        return lookup

    def age(self) -> None:
        """Begin a period, and drop what has become useless or large."""
        with self._lock:
            self._period += 1
            self._shrink()

    def _shrink(self) -> None:
        """Drop what is useless, and of the rest what was asked for longest ago: lookups grow as they are used."""
        count = size = 0
        for selector, kept in reversed(list(self._kept.items())):
            kept.lookup.rest()
            own = kept.lookup.nbytes
            stale = kept.changes != self._series.changes or kept.used < self._period - _PERIODS
            if stale or count == _MOST or own > _LIMIT // 4 or size + own > _LIMIT:
                del self._kept[selector]
            else:
                count, size = count + 1, size + own
