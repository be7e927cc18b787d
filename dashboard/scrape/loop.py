"""One target's scrapes: fetch its page, read it, append it as one row."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dashboard.exposition.errors import ExpositionError, SampleLimitExceededError, SyntaxFault
from dashboard.exposition.page import Metadata
from dashboard.exposition.reader import PageReader, Reading, StampedSamples
from dashboard.model.samples import FloatArray, IntArray
from dashboard.scrape.counters import ScrapeCounters
from dashboard.scrape.errors import FetchError
from dashboard.scrape.fetch import Source
from dashboard.scrape.naming import report_labels, series_labels
from dashboard.scrape.schedule import aligned
from dashboard.scrape.status import BadLine, TargetHealth, TargetStatus
from dashboard.scrape.store import AppendResult, RowAppender, Store
from dashboard.scrape.target import Target

log = logging.getLogger(__name__)

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
class _Outcome:
    """What became of one fetch: the page as read, or why there is none."""

    reading: Reading
    samples: int
    kept: int
    error: Exception | None = None


class ScrapeLoop:
    """Scrapes one target again and again, never twice at once.

    A loop that replaces another of the same target is given the other's ``appender``, so that no series ends between.
    """

    def __init__(
        self,
        target: Target,
        source: Source,
        store: Store,
        *,
        counters: ScrapeCounters,
        clock: Callable[[], int],
        appender: RowAppender | None = None,
    ) -> None:
        self.target = target
        self.appender = appender or store.appender()
        self.metadata: Mapping[str, Metadata] = {}
        self.status = _first_status(target)
        self._source = source
        self._store = store
        self._counters = counters
        self._clock = clock
        self._reader = PageReader(self._resolve, honor_timestamps=self.target.honor_timestamps)
        self._reports = np.array([store.series_id(report_labels(name, target.labels)) for name in REPORTS], np.int64)
        self._report_numbers = frozenset(self._reports.tolist())
        self._page_has_reports = False
        self._last_series = _NO_SERIES
        self._last_timestamp = 0
        self._running = threading.Lock()
        self._storing = threading.Lock()
        self._stopped = False

    def scrape(self) -> TargetStatus:
        """Scrape once and return the target's status; where a scrape runs already, only return the status."""
        if self._running.acquire(blocking=False):
            try:
                self._scrape_once()
            finally:
                self._running.release()
        return self.status

    def stop(self) -> None:
        """Store nothing from now on; a fetch that runs is cut short."""
        with self._storing:
            self._stopped = True
        self._source.cancel()
        # A scrape that runs closes the source itself.
        if self._running.acquire(blocking=False):
            self._source.close()
            self._running.release()

    def end(self) -> None:
        """Stop, and mark every series of the target as stale."""
        self.stop()
        self.appender.end(max(self._clock(), self._last_timestamp + 1))

    def _scrape_once(self) -> None:
        now = self._clock()
        begun = time.monotonic()
        outcome = self._fetch()
        duration = time.monotonic() - begun
        with self._storing:
            if not self._stopped:
                self._store_outcome(now, outcome, duration)
                self._tell(now, outcome, duration)
        if self._stopped:
            self._source.close()

    def _fetch(self) -> _Outcome:
        try:
            answer = self._source.fetch()
            reading = self._reader.read(answer.body, answer.content_type, self.target.sample_limit)
        except SampleLimitExceededError as error:
            self._counters.sample_limit.inc()
            return _Outcome(_NOTHING_READ, error.samples, error.kept, error)
        except SyntaxFault as error:
            return _Outcome(_NOTHING_READ, error.samples, error.samples, error)
        except (FetchError, ExpositionError) as error:
            return _Outcome(_NOTHING_READ, 0, 0, error)
        except Exception as error:  # Whatever one target provokes must not end its loop.
            log.exception("scraping %s failed", self.target.url)
            return _Outcome(_NOTHING_READ, 0, 0, error)
        return _Outcome(reading, reading.samples, reading.kept)

    def _resolve(self, exposed: Mapping[str, str]) -> int:
        labels = series_labels(exposed, self.target.labels, honor_labels=self.target.honor_labels)
        number = self._store.series_id(labels)
        if number in self._report_numbers:
            self._page_has_reports = True
        return number

    def _store_outcome(self, now: int, outcome: _Outcome, duration: float) -> None:
        reading = outcome.reading
        added = self._count_added(outcome)
        reports = np.array([outcome.error is None, duration, outcome.samples, outcome.kept, added], np.float64)
        series = np.concatenate((self._reports, reading.series))
        values = np.concatenate((reports, reading.values))
        if self._page_has_reports:
            # As in Prometheus, a page's own series counts before the one that we would report.
            kept = np.concatenate((~np.isin(self._reports, reading.series), np.ones(len(reading.series), np.bool_)))
            series, values = series[kept], values[kept]
        timestamp = aligned(self.target, now)
        if timestamp <= self._last_timestamp:
            timestamp = now
        self._count_dropped(self.appender.append(timestamp, series, values))
        self._last_timestamp = max(self._last_timestamp, timestamp)
        self._counters.duplicates.inc(reading.duplicates)
        self._store_stamped(now, reading.stamped)

    def _store_stamped(self, now: int, stamped: StampedSamples) -> None:
        if not len(stamped.series):
            return
        times = stamped.timestamps
        near = (times <= now + _FURTHEST_AHEAD) & (times >= now - _FURTHEST_BEHIND)
        self._counters.out_of_bounds.inc(int(np.count_nonzero(~near)))
        result = self._store.append_points(stamped.series[near], times[near], stamped.values[near])
        self._count_dropped(result)

    def _count_dropped(self, result: AppendResult) -> None:
        self._counters.out_of_order.inc(result.out_of_order)
        self._counters.duplicates.inc(result.duplicates)

    def _count_added(self, outcome: _Outcome) -> int:
        """Count the series that the last good page did not have."""
        if outcome.error is not None:
            return 0
        series = outcome.reading.series
        if len(outcome.reading.stamped.series):
            series = np.concatenate((series, outcome.reading.stamped.series))
        if np.array_equal(series, self._last_series):
            return 0
        added = np.setdiff1d(series, self._last_series).size
        self._last_series = series
        return added

    def _tell(self, now: int, outcome: _Outcome, duration: float) -> None:
        error = outcome.error
        health = TargetHealth.DOWN if error else TargetHealth.UP
        self._counters.scrapes.labels(health.value).inc()
        if error and self.status.health is not TargetHealth.DOWN:
            log.warning("%s is down: %s", self.target.url, error)
        if not error:
            self.metadata = outcome.reading.metadata
        self.status = dataclasses.replace(
            self.status,
            health=health,
            last_error="" if error is None else str(error) or type(error).__name__,
            last_scrape=now,
            last_duration=duration,
            samples=outcome.samples,
            bad_line=BadLine(error.line, error.text, error.reason) if isinstance(error, SyntaxFault) else None,
        )


def _first_status(target: Target) -> TargetStatus:
    return TargetStatus(
        id=target.id,
        scrape_pool=target.scrape_pool,
        url=target.url,
        labels=target.labels,
        discovered_labels=target.discovered_labels,
        interval=target.interval,
        timeout=target.timeout,
    )
