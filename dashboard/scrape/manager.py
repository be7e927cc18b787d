"""All targets of the configuration, and when each is scraped."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import PrometheusConfig, ScrapeConfig
from dashboard.scrape.counters import ScrapeCounters
from dashboard.scrape.errors import UnknownTargetError
from dashboard.scrape.fetch import HttpSource, LocalSource, Source
from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.schedule import first_scrape, next_on_grid, time_allowed
from dashboard.scrape.status import TargetMetadata, TargetStatus
from dashboard.scrape.store import RowAppender, Store
from dashboard.scrape.target import Target, targets_of

MOST_THREADS = 128
"""The largest pool of scrape threads: so many targets may hang at once before others are late."""

_FEWEST_THREADS = 8
_EXECUTOR = "scrape"


def scrape_threads(targets: int) -> int:
    """Return how many threads the scrape pool wants for a number of targets: one each, within limits."""
    return min(max(targets, _FEWEST_THREADS), MOST_THREADS)


@dataclass(frozen=True, slots=True)
class _Scheduled:
    loop: ScrapeLoop
    jobs: tuple[Job, ...]


class ScrapeManager:
    """Keeps one loop for each target and has the scheduler run it.

    The scheduler needs an executor named ``scrape``. ``local_pages`` are pages of this server by their path: a target
    at one of ``local_addresses`` is read in process.
    """

    def __init__(
        self,
        storage: Store,
        scheduler: BackgroundScheduler,
        *,
        registry: CollectorRegistry,
        clock: Callable[[], int],
        local_pages: Mapping[str, Callable[[], bytes]],
        local_addresses: Collection[str],
    ) -> None:
        self._storage = storage
        self._scheduler = scheduler
        self._counters = ScrapeCounters(registry)
        self._clock = clock
        self._local_pages = local_pages
        self._local_addresses = frozenset(local_addresses)
        self._lock = threading.Lock()
        self._scheduled: dict[str, _Scheduled] = {}

    def apply(self, config: PrometheusConfig) -> None:
        """Start, keep and end loops so that they are those of a configuration; unchanged targets miss no scrape.

        Raises:
            ConfigError: the configuration makes a target that cannot be scraped; nothing was changed.
        """
        wanted = targets_of(config)
        with self._lock:
            kept: dict[str, _Scheduled] = {}
            before = self._scheduled
            for target in wanted:
                known = before.get(target.id)
                if known is None:
                    kept[target.id] = self._start(target)
                elif known.loop.target == target:
                    kept[target.id] = known
                else:
                    self._withdraw(known)
                    known.loop.stop()
                    kept[target.id] = self._start(target, known.loop.appender)
            for gone in before.keys() - kept.keys():
                self._withdraw(before[gone])
                before[gone].loop.end()
            self._scheduled = kept

    def stop(self) -> None:
        """End every loop. Nothing is marked as stale: after a restart the series go on."""
        with self._lock:
            for scheduled in self._scheduled.values():
                self._withdraw(scheduled)
                scheduled.loop.stop()
            self._scheduled = {}

    def targets(self) -> list[TargetStatus]:
        """Return every target with its last scrape, in the order of the configuration."""
        return [scheduled.loop.status for scheduled in list(self._scheduled.values())]

    def metadata(self, metric: str = "") -> list[TargetMetadata]:
        """Return what each target says of its metrics, or of one metric."""
        return [
            TargetMetadata(scheduled.loop.target.labels, name, metadata)
            for scheduled in list(self._scheduled.values())
            for name, metadata in scheduled.loop.metadata.items()
            if metric in ("", name)
        ]

    def scrape_now(self, target_id: str) -> TargetStatus:
        """Scrape one target at once, in this thread, and return its status.

        Raises:
            UnknownTargetError: there is no such target.
        """
        scheduled = self._scheduled.get(target_id)
        if scheduled is None:
            raise UnknownTargetError(target_id)
        return scheduled.loop.scrape()

    def _start(self, target: Target, appender: RowAppender | None = None) -> _Scheduled:
        loop = ScrapeLoop(
            target,
            self._source(target),
            self._storage,
            counters=self._counters,
            clock=self._clock,
            appender=appender,
        )
        return _Scheduled(loop, self._schedule(loop))

    def _source(self, target: Target) -> Source:
        page = self._local_pages.get(target.path)
        if page is not None and target.address in self._local_addresses:
            return LocalSource(page)
        job = ScrapeConfig(job_name=target.scrape_pool, body_size_limit=target.body_size_limit)
        return HttpSource(target.url, time_allowed(target) / 1000, job)

    def _schedule(self, loop: ScrapeLoop) -> tuple[Job, ...]:
        target = loop.target
        first = first_scrape(target, self._clock())
        options = {"executor": _EXECUTOR, "max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        return (
            self._scheduler.add_job(loop.scrape, "date", run_date=_moment(first), **options),
            self._scheduler.add_job(
                loop.scrape,
                "interval",
                seconds=target.interval / 1000,
                start_date=_moment(next_on_grid(target, first)),
                **options,
            ),
        )

    def _withdraw(self, scheduled: _Scheduled) -> None:
        for job in scheduled.jobs:
            # The job of the first scrape is gone once it ran.
            with contextlib.suppress(JobLookupError):
                self._scheduler.remove_job(job.id)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
