"""What is stored of a target's scrapes: the series of its pages, and those that the server itself reports of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dashboard.config.scrape import ScrapeConfig
from dashboard.exposition.reader import DROPPED, PageReader, Reading, StampedSamples
from dashboard.model.samples import STALE, FloatArray, IntArray
from dashboard.scrape.counters import ScrapeCounters
from dashboard.scrape.naming import SeriesNamer, report_labels
from dashboard.scrape.store import AppendResult, RowAppender, Store
from dashboard.scrape.target import Target
from dashboard.storage.errors import ForgottenSeriesError

REPORTS = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""What is stored of every scrape beside the page's own samples."""

# As Prometheus, which takes samples until they are half a block of two hours behind (tsdb/head.go).
_FURTHEST_AHEAD, _FURTHEST_BEHIND = 600_000, 3_600_000
_NO_SERIES: IntArray = np.empty(0, np.int64)
_NO_VALUES: FloatArray = np.empty(0, np.float64)
_NOTHING_READ = Reading(_NO_SERIES, _NO_VALUES, StampedSamples(_NO_SERIES, _NO_SERIES, _NO_VALUES), {}, 0, 0, 0, ())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one fetch: the page as read, or why there is none.

    ``samples`` counts those of the page, ``kept`` those that metric relabelling left.
    """

    reading: Reading
    samples: int
    kept: int
    error: Exception | None = None

    @classmethod
    def failed(cls, error: Exception, samples: int = 0, kept: int = 0) -> Outcome:
        """Return the outcome of a fetch that made nothing to store.

        The error loses the frames that it came through: they hold the page, and in the end whoever holds the error, so
        that the page would stay in memory until cycles are looked for.
        """
        error.__cause__ = error.__context__ = None
        return cls(_NOTHING_READ, samples, kept, error.with_traceback(None))


def _recording(job: ScrapeConfig) -> tuple[object, ...]:
    """Return what of a job has a part in what becomes of the lines of a page."""
    return (
        job.honor_labels,
        job.honor_timestamps,
        job.track_timestamps_staleness,
        job.metric_relabel_configs,
        job.label_limit,
        job.label_name_length_limit,
        job.label_value_length_limit,
        job.metric_name_validation_scheme,
    )


@dataclass(slots=True)
class Memory:
    """What is remembered of a target from scrape to scrape: its rows, its last series, and those with timestamps."""

    appender: RowAppender
    timestamp: int = 0
    series: IntArray = field(default_factory=lambda: _NO_SERIES)
    tracked: IntArray = field(default_factory=lambda: _NO_SERIES)


class Recorder:
    """Names and stores the series of one target; whoever calls it sees to it that one scrape is recorded at a time.

    A recorder that is given the ``memory`` of another of the same target goes on with its rows, so that no series ends
    between.
    """

    def __init__(self, target: Target, store: Store, counters: ScrapeCounters, memory: Memory | None = None) -> None:
        self._target = target
        self._store = store
        self._counters = counters
        self._namer = SeriesNamer(target)
        self.memory = memory or Memory(store.appender())
        self.reader = self._new_reader()
        self._reports = self._number_reports()
        self._report_numbers = frozenset(self._reports.tolist())
        self._page_has_reports = False

    def _number_reports(self) -> IntArray:
        labels = (report_labels(name, self._target.labels) for name in REPORTS)
        return np.array([self._store.series_id(each) for each in labels], np.int64)

    def _new_reader(self) -> PageReader:
        honor = self._target.config.honor_timestamps
        return PageReader(self._resolve, keeps=self._namer.keeps, honor_timestamps=honor)

    def serves(self, target: Target) -> bool:
        """Say whether a target's pages become the same series, and are stored in the same way."""
        return target.labels == self._target.labels and _recording(target.config) == _recording(self._target.config)

    def record(self, now: int, timestamp: int, outcome: Outcome, duration: float) -> None:
        """Store what became of a scrape that began ``now`` and took ``duration`` seconds, at ``timestamp``."""
        if timestamp <= self.memory.timestamp:
            timestamp = now
        series, values = self._row(outcome, duration)
        try:
            self._count_dropped(self.memory.appender.append(timestamp, series, values))
        except ForgottenSeriesError:
            # The page has a series again that was gone for longer than the retention.
            self.reader = self._new_reader()
            self._reports = self._number_reports()
            raise
        self.memory.timestamp = max(self.memory.timestamp, timestamp)
        self._counters.duplicates.inc(outcome.reading.duplicates)
        self._store_stamped(now, timestamp, outcome.reading)
        if outcome.reading.exemplars:
            kept = self._store.append_exemplars(outcome.reading.exemplars, timestamp)
            self._counters.exemplars_out_of_order.inc(kept.out_of_order)

    def end(self, now: int) -> None:
        """Mark every series of the target as stale."""
        timestamp = max(now, self.memory.timestamp + 1)
        self.memory.appender.end(timestamp)
        self._mark_stale(self.memory.tracked, timestamp)

    def _resolve(self, exposed: Mapping[str, str]) -> int:
        labels = self._namer.name(exposed)
        if labels is None:
            return DROPPED
        number = self._store.series_id(labels)
        if number in self._report_numbers:
            self._page_has_reports = True
        return number

    def _row(self, outcome: Outcome, duration: float) -> tuple[IntArray, FloatArray]:
        """Return the series and values of one row."""
        reading = outcome.reading
        told = (outcome.error is None, duration, outcome.samples, outcome.kept, self._count_added(outcome))
        series = np.concatenate((self._reports, reading.series))
        values = np.concatenate((np.array(told, np.float64), reading.values))
        if self._page_has_reports:
            # As in Prometheus, a page's own series counts before the one that we would report.
            kept = np.concatenate((~np.isin(self._reports, reading.series), np.ones(len(reading.series), np.bool_)))
            return series[kept], values[kept]
        return series, values

    def _store_stamped(self, now: int, timestamp: int, reading: Reading) -> None:
        stamped, times = reading.stamped, reading.stamped.timestamps
        if not len(times) and not len(self.memory.tracked):
            return
        near = (times <= now + _FURTHEST_AHEAD) & (times >= now - _FURTHEST_BEHIND)
        series = stamped.series[near]
        self._counters.out_of_bounds.inc(len(times) - len(series))
        if self._target.config.track_timestamps_staleness:
            gone = np.setdiff1d(self.memory.tracked, np.concatenate((series, reading.series)))
            self._mark_stale(gone, timestamp)
            self.memory.tracked = np.unique(series)
        if len(series):
            self._count_dropped(self._store.append_points(series, times[near], stamped.values[near]))

    def _mark_stale(self, series: IntArray, timestamp: int) -> None:
        # A series with samples from after that time is not marked, which is no fault and so is not counted.
        if len(series):
            self._store.append_points(series, np.full(len(series), timestamp, np.int64), np.full(len(series), STALE))

    def _count_dropped(self, result: AppendResult) -> None:
        self._counters.out_of_order.inc(result.out_of_order)
        self._counters.duplicates.inc(result.duplicates)

    def _count_added(self, outcome: Outcome) -> int:
        """Count the series that the last good page did not have; one without any does not count as such."""
        if outcome.error is not None or not outcome.samples:
            return 0
        series = outcome.reading.series
        if len(outcome.reading.stamped.series):
            series = np.concatenate((series, outcome.reading.stamped.series))
        if np.array_equal(series, self.memory.series):
            return 0
        added = np.setdiff1d(series, self.memory.series).size
        self.memory.series = series
        return added
