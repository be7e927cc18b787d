"""One target's scrapes: fetch its page, read it, record what became of it."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping

from dashboard.exposition.errors import ExpositionError, SyntaxFault
from dashboard.exposition.page import Metadata
from dashboard.scrape.counters import ScrapeCounters
from dashboard.scrape.errors import ScrapeError
from dashboard.scrape.fetch import Source
from dashboard.scrape.recorder import Outcome, Recorder
from dashboard.scrape.schedule import aligned
from dashboard.scrape.status import BadLine, TargetHealth, TargetStatus, first_status, renamed
from dashboard.scrape.store import Store
from dashboard.scrape.target import Target

log = logging.getLogger(__name__)


class ScrapeLoop:
    """Scrapes one target again and again, never twice at once.

    A loop that comes ``after`` another one, of a target with the same labels, goes on where that one was stopped.
    """

    def __init__(
        self,
        target: Target,
        source: Source,
        store: Store,
        *,
        counters: ScrapeCounters,
        clock: Callable[[], int],
        after: ScrapeLoop | None = None,
    ) -> None:
        self.target = target
        self.refusal: ScrapeError | None = None
        """Why no page is fetched at all, if so: each scrape fails with it."""
        self.metadata: Mapping[str, Metadata] = after.metadata if after else {}
        self.status: TargetStatus = renamed(after.status, target) if after else first_status(target)
        self._source = source
        self._counters = counters
        self._clock = clock
        self.recorder = _recorder(target, store, counters, after)
        self.begun: float = after.begun if after else 0.0
        self._running = threading.Lock()
        self._storing = threading.Lock()
        self._stopped = False

    @property
    def is_running(self) -> bool:
        """Whether a scrape runs now."""
        return self._running.locked()

    def scrape(self) -> TargetStatus:
        """Scrape once and return the target's status; where a scrape runs already, only return the status."""
        if self._running.acquire(blocking=False):
            try:
                if not self._stopped:
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
        self.recorder.end(self._clock())

    def redescribe(self, target: Target) -> None:
        """Take over what is new in a target that is scraped as before, such as the labels that it was made from."""
        self.target = target
        self.status = dataclasses.replace(self.status, discovered_labels=target.discovered_labels)

    def _scrape_once(self) -> None:
        now = self._clock()
        begun = time.monotonic()
        outcome = self._outcome() if self.refusal is None else Outcome.failed(self.refusal)
        duration = time.monotonic() - begun
        with self._storing:
            if not self._stopped:
                self.recorder.record(now, aligned(self.target, now), outcome, duration)
                self._tell(now, outcome, duration)
                if self.begun:
                    self._counters.intervals.observe(self.target.interval, begun - self.begun)
                self.begun = begun
        if self._stopped:
            self._source.close()

    def _outcome(self) -> Outcome:
        try:
            answer = self._source.fetch()
            limit = self.target.config.sample_limit
            with answer.share:
                reading = self.recorder.reader.read(answer.body, answer.content_type, limit)
        except ExpositionError as error:
            if answer.remark and isinstance(error, SyntaxFault):
                error.add_note(answer.remark)
            return Outcome.failed(error, error.samples, error.kept)
        except ScrapeError as error:
            return Outcome.failed(error)
        except Exception as error:  # Whatever one target provokes must not end its loop.
            log.exception("scraping %s failed", self.target.url)
            return Outcome.failed(error)
        return Outcome(reading, reading.samples, reading.kept)

    def _tell(self, now: int, outcome: Outcome, duration: float) -> None:
        error = outcome.error
        health = TargetHealth.DOWN if error else TargetHealth.UP
        self._counters.scrapes.labels(health.value).inc()
        if error:
            self._counters.count_fault(error)
        if error and self.status.health is not TargetHealth.DOWN:
            log.warning("%s is down: %s", self.target.url, error)
        if not error:
            self.metadata = outcome.reading.metadata
        self.status = dataclasses.replace(
            self.status,
            health=health,
            last_error="" if error is None else _in_words(error),
            last_scrape=now,
            last_duration=duration,
            samples=outcome.samples,
            bad_line=BadLine(error.line, error.text, error.reason) if isinstance(error, SyntaxFault) else None,
        )


def _in_words(error: Exception) -> str:
    return "; ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())])


def _recorder(target: Target, store: Store, counters: ScrapeCounters, after: ScrapeLoop | None) -> Recorder:
    if after is None:
        return Recorder(target, store, counters)
    # A scrape that still runs may be reading its page.
    if after.recorder.serves(target) and not after.is_running:
        return after.recorder
    return Recorder(target, store, counters, after.recorder.memory)
