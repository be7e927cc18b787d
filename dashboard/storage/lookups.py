"""The lookups of selectors that are asked for again and again, as pages and rules do, until series come or go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from dashboard.model.matcher import Matcher
from dashboard.storage.pieces import Lookup
from dashboard.storage.series import SeriesRegistry

_MOST = 32
_LARGE = 1 << 19
"""A lookup that has grown beyond so many bytes is not kept any longer."""


class Lookups:
    """Finds the series of selectors, and remembers where those of the last few are. Thread-safe."""

    def __init__(self, series: SeriesRegistry) -> None:
        self._series = series
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Matcher, ...], tuple[int, Lookup]] = OrderedDict()

    def of(self, matchers: Iterable[Matcher]) -> Lookup:
        """Return the lookup of the series that satisfy every matcher now."""
        selector = tuple(matchers)
        with self._lock:
            changes, lookup = self._kept.pop(selector, (-1, None))
        if lookup is None or changes != self._series.changes or lookup.nbytes > _LARGE:
            # Asked for before the series: one that comes in between is found by the next query.
            changes = self._series.changes
            lookup = Lookup(self._series.select(selector))
        with self._lock:
            self._kept[selector] = changes, lookup
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return lookup
