"""A store in memory, for unit tests: series whose samples come to light as the test's time goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, matches_all
from dashboard.model.samples import STALE, FloatArray, IntArray, SampleLimitError, SeriesBatch, is_absent
from dashboard.rules.unit_tests.notation import SeriesDescription
from dashboard.storage import AppendResult

_ROOM = 64


@dataclass(slots=True)
class _Series:
    """The samples of a series that queries may see, and those to come."""

    labels: Labels
    count: int = 0
    timestamps: IntArray = field(default_factory=lambda: np.empty(_ROOM, dtype=np.int64))
    values: FloatArray = field(default_factory=lambda: np.empty(_ROOM))
    coming_timestamps: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    coming_values: FloatArray = field(default_factory=lambda: np.empty(0))

    def add(self, timestamps: IntArray, values: FloatArray) -> int:
        """Append samples that are newer than the last one; return how many were not."""
        if self.count:
            newer = timestamps > self.timestamps[self.count - 1]
            late = int(np.count_nonzero(~newer))
            timestamps, values = timestamps[newer], values[newer]
        else:
            late = 0
        end = self.count + len(timestamps)
        if end > len(self.timestamps):
            self.timestamps = np.resize(self.timestamps, 2 * end)
            self.values = np.resize(self.values, 2 * end)
        self.timestamps[self.count : end] = timestamps
        self.values[self.count : end] = values
        self.count = end
        return late

    def reveal(self, until: int) -> int:
        """Let queries see what comes until a time; return how many samples came too late for that."""
        cut = int(np.searchsorted(self.coming_timestamps, until, side="right"))
        late = self.add(self.coming_timestamps[:cut], self.coming_values[:cut])
        self.coming_timestamps, self.coming_values = self.coming_timestamps[cut:], self.coming_values[cut:]
        return late

    def between(self, start: int, end: int) -> slice:
        """Return the places of the samples from ``start`` to ``end``, both included."""
        seen = self.timestamps[: self.count]
        return slice(int(np.searchsorted(seen, start)), int(np.searchsorted(seen, end, side="right")))


class MemoryStore:
    """Holds the series of one test; the engine and the rules use it in place of the store on disk.

    Times are milliseconds. Samples that were loaded are shown to queries once :meth:`reveal` has reached their time;
    what rules append is shown at once.
    """

    def __init__(self) -> None:
        self._series: dict[Labels, _Series] = {}
        self._by_number: list[_Series] = []

    def load(self, interval: int, descriptions: Iterable[SeriesDescription], start: int = 0) -> None:
        """Take in series with one value each ``interval``, the first at ``start``.

        A series that is described twice keeps the last description. Loading again adds to what was loaded before.
        """
        for labels, values in {each.labels: each.values for each in descriptions}.items():
            timestamps = start + interval * np.arange(len(values), dtype=np.int64)
            present = ~is_absent(values)
            series = self._of(labels)
            series.coming_timestamps = np.concatenate((series.coming_timestamps, timestamps[present]))
            series.coming_values = np.concatenate((series.coming_values, values[present]))

    def reveal(self, until: int | None = None) -> int:
        """Show the loaded samples up to a time, or all; return how many were dropped since newer ones are there."""
        last = np.iinfo(np.int64).max if until is None else until
        return sum(series.reveal(last) for series in self._series.values())

    def _of(self, labels: Labels) -> _Series:
        if labels not in self._series:
            self._series[labels] = _Series(labels)
        return self._series[labels]

    # What the engine asks.

    def select(
        self, matchers: Sequence[Matcher], start: int, end: int, /, *, most: int | None = None
    ) -> list[SeriesBatch]:
        """Return the samples of matching series, both ends included (see `dashboard.promql.Queryable`)."""
        wanted = tuple(matchers)
        found = [
            (series, place)
            for series in self._series.values()
            if matches_all(wanted, series.labels) and (place := series.between(start, end)).stop > place.start
        ]
        samples = sum(place.stop - place.start for _, place in found)
        if most is not None and samples > most:
            raise SampleLimitError(most, samples)
        sharing: dict[bytes, list[tuple[_Series, slice]]] = {}
        for series, place in found:
            sharing.setdefault(series.timestamps[place].tobytes(), []).append((series, place))
        return [_batch(group) for group in sharing.values()]

    # What rules ask.

    def series_id(self, labels: Labels) -> int:
        """Return a number for a series."""
        self._by_number.append(self._of(labels))
        return len(self._by_number) - 1

    def appender(self) -> MemoryAppender:
        """Return a writer of rows."""
        return MemoryAppender(self._by_number.__getitem__)


def _batch(group: Sequence[tuple[_Series, slice]]) -> SeriesBatch:
    first, place = group[0]
    return SeriesBatch(
        labels=[series.labels for series, _ in group],
        timestamps=first.timestamps[place],
        samples=np.stack([series.values[own] for series, own in group]),
    )


class MemoryAppender:
    """Writes rows, as `dashboard.storage.RowAppender` does."""

    def __init__(self, series: Callable[[int], _Series]) -> None:
        self._series = series
        self._last: dict[Labels, _Series] = {}

    def append(self, timestamp: int, series: IntArray, values: FloatArray) -> AppendResult:
        """Append a row; series of the last row that are not in this one get a staleness marker."""
        row = [self._series(number) for number in series.tolist()]
        late = sum(_add(each, timestamp, value) for each, value in zip(row, values.tolist(), strict=True))
        present = {each.labels: each for each in row}
        added = sum(labels not in self._last for labels in present)
        self._mark(timestamp, [each for labels, each in self._last.items() if labels not in present])
        self._last = present
        return AppendResult(added=added, out_of_order=late)

    def end(self, timestamp: int) -> None:
        """Put staleness markers behind every series of the last row."""
        self._mark(timestamp, self._last.values())
        self._last = {}

    def _mark(self, timestamp: int, gone: Iterable[_Series]) -> None:
        for each in gone:
            _add(each, timestamp, STALE)


def _add(series: _Series, timestamp: int, value: float) -> int:
    return series.add(np.array([timestamp], dtype=np.int64), np.array([value]))
