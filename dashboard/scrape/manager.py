"""All targets of the configuration: what is discovered is scraped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping

from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import PrometheusConfig
from dashboard.config.scrape import ScrapeConfig
from dashboard.exposition.page import Metadata
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelStep
from dashboard.scrape.counters import MetadataCollector, PoolMetrics, ScrapeCounters
from dashboard.scrape.discovery import Discovery
from dashboard.scrape.discovery.metrics import DiscoveryMetrics
from dashboard.scrape.errors import UnknownPoolError, UnknownTargetError
from dashboard.scrape.fetch import LocalSource, Source, source_for
from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.pool import Pool
from dashboard.scrape.status import ScrapePool, TargetMetadata, TargetStatus
from dashboard.scrape.store import Store
from dashboard.scrape.target import Target
from dashboard.scrape.ticker import Ticker
from dashboard.scrape.timetable import Timetable


class ScrapeManager:
    """Keeps a pool of targets for each job, and brings it up to date with the configuration and with discovery.

    ``local_pages`` are pages of this server by their path: a target at one of ``local_addresses`` is read in process.
    """

    def __init__(
        self,
        storage: Store,
        ticker: Ticker,
        *,
        registry: CollectorRegistry,
        clock: Callable[[], int],
        local_pages: Mapping[str, Callable[[], bytes]],
        local_addresses: Collection[str],
    ) -> None:
        self._storage = storage
        self._timetable = Timetable(ticker, clock)
        self._counters = ScrapeCounters(registry)
        self._pool_metrics = PoolMetrics(registry)
        self._clock = clock
        self._local_pages = local_pages
        self._local_addresses = frozenset(local_addresses)
        self._lock = threading.Lock()
        self._jobs: dict[str, ScrapeConfig] = {}
        self._pools: dict[str, Pool] = {}
        self._discovery = Discovery(DiscoveryMetrics(registry), self._sync)
        registry.register(MetadataCollector(self._pool_metadata))

    def apply(self, config: PrometheusConfig) -> None:
        """Scrape the jobs of a configuration from now on; targets that stay the same miss no scrape.

        What stands in the configuration itself is scraped at once, what must be looked up as soon as it is found.
        """
        with self._lock:
            self._jobs = {job.job_name: job for job in config.scrape_configs}
            self._discovery.apply(config.scrape_configs)
            before = self._pools
            self._pools = {name: before.get(name) or self._new_pool(job) for name, job in self._jobs.items()}
            for name, pool in self._pools.items():
                pool.sync(self._jobs[name], self._discovery.discovered(name))
            for gone in before.keys() - self._pools.keys():
                before[gone].end()

    def stop(self) -> None:
        """End every loop. Nothing is marked as stale: after a restart the series go on."""
        with self._lock:
            for pool in self._pools.values():
                pool.stop()
            self._jobs, self._pools = {}, {}
        self._discovery.stop()

    def pools(self) -> list[ScrapePool]:
        """Return the targets of each job, those too that were dropped, and what is wrong, in the order of the jobs."""
        return [pool.status() for pool in list(self._pools.values())]

    def targets(self) -> list[TargetStatus]:
        """Return every target with its last scrape, in the order of the configuration."""
        return [loop.status for loop in self._loops()]

    def metadata(self, metric: str = "") -> list[TargetMetadata]:
        """Return what each target says of its metrics, or of one metric."""
        return [
            TargetMetadata(loop.target.labels, name, metadata)
            for loop in self._loops()
            for name, metadata in loop.metadata.items()
            if metric in ("", name)
        ]

    def scrape_now(self, target_id: str) -> TargetStatus:
        """Scrape one target at once, in this thread, and return its status.

        Raises:
            UnknownTargetError: there is no such target.
        """
        for pool in list(self._pools.values()):
            loop = pool.loop(target_id)
            if loop is not None:
                return loop.scrape()
        raise UnknownTargetError(target_id)

    def relabel_steps(self, pool: str, discovered: Labels) -> list[RelabelStep]:
        """Return what each relabelling rule of a job makes of the labels of a discovered target.

        Raises:
            UnknownPoolError: there is no such job.
        """
        known = self._pools.get(pool)
        if known is None:
            raise UnknownPoolError(pool)
        return known.relabel_steps(discovered)

    def _sync(self, name: str) -> None:
        """Bring the pool of a job up to date with discovery."""
        with self._lock:
            pool = self._pools.get(name)
            if pool is not None:
                pool.sync(self._jobs[name], self._discovery.discovered(name))

    def _loops(self) -> Iterator[ScrapeLoop]:
        for pool in list(self._pools.values()):
            yield from pool.loops

    def _pool_metadata(self) -> Iterator[tuple[str, Mapping[str, Metadata]]]:
        return ((loop.target.scrape_pool, loop.metadata) for loop in self._loops())

    def _new_pool(self, job: ScrapeConfig) -> Pool:
        return Pool(job, self._new_loop, self._timetable, self._pool_metrics)

    def _new_loop(self, target: Target, after: ScrapeLoop | None) -> ScrapeLoop:
        return ScrapeLoop(
            target, self._source(target), self._storage, counters=self._counters, clock=self._clock, after=after
        )

    def _source(self, target: Target) -> Source:
        page = self._local_pages.get(target.path)
        if page is not None and target.address in self._local_addresses:
            return LocalSource(page)
        return source_for(target)
