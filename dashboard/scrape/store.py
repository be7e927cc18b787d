"""What scraping asks of storage; :class:`dashboard.storage.Storage` answers it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import Labels
from dashboard.model.samples import FloatArray, IntArray


class AppendResult(Protocol):
    """What became of appended samples."""

    @property
    def duplicates(self) -> int:
        """Samples dropped because their series has another value at their time."""
        ...

    @property
    def out_of_order(self) -> int:
        """Samples dropped because their series has newer ones."""
        ...


class ExemplarResult(Protocol):
    """What became of appended exemplars."""

    @property
    def out_of_order(self) -> int:
        """Exemplars dropped because their series has newer ones."""
        ...


class RowAppender(Protocol):
    """Takes the rows of one target; series that are not in a new row become stale."""

    def append(self, timestamp: int, series: IntArray, values: FloatArray) -> AppendResult:
        """Append one row: a timestamp (milliseconds), int64[N], float64[N]."""
        ...

    def end(self, timestamp: int) -> object:
        """Mark every series of the last row as stale."""
        ...


class Store(Protocol):
    """Keeps samples."""

    def series_id(self, labels: Labels) -> int:
        """Return the number of a series, which stays the same for ever."""
        ...

    def appender(self) -> RowAppender:
        """Return an appender for the rows of one target."""
        ...

    def append_points(self, series: IntArray, timestamps: IntArray, values: FloatArray) -> AppendResult:
        """Append samples that have timestamps of their own: int64[N], int64[N], float64[N]."""
        ...

    def append_exemplars(self, exemplars: Iterable[tuple[int, Exemplar]], timestamp: int) -> ExemplarResult:
        """Keep exemplars, each with the number of its series; those without a timestamp are of ``timestamp``."""
        ...
