"""The targets of one job: which go on, begin and end when others are discovered (``scrapePool`` of Prometheus)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dashboard.config.scrape import ScrapeConfig
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelStep
from dashboard.scrape.counters import PoolMetrics
from dashboard.scrape.discovery import Discovered
from dashboard.scrape.errors import TargetLimitError
from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.status import ScrapePool
from dashboard.scrape.target import PoolTargets, Target, target_steps, targets_of
from dashboard.scrape.timetable import Entry, Timetable

log = logging.getLogger(__name__)

MakeLoop = Callable[[Target, ScrapeLoop | None], ScrapeLoop]
"""Makes the loop of a target, which goes on where another one stopped, if one is given."""


@dataclass(frozen=True, slots=True)
class _Scraped:
    loop: ScrapeLoop
    entry: Entry


class Pool:
    """Keeps one loop for each target of a job. One thread at a time changes it; any may ask it."""

    def __init__(self, job: ScrapeConfig, make_loop: MakeLoop, timetable: Timetable, metrics: PoolMetrics) -> None:
        self._job = job
        self._make_loop = make_loop
        self._timetable = timetable
        self._metrics = metrics
        self._found = PoolTargets()
        self._errors: tuple[str, ...] = ()
        self._scraped: dict[str, _Scraped] = {}
        self._refusal: TargetLimitError | None = None

    @property
    def loops(self) -> list[ScrapeLoop]:
        """The loops of all targets, in the order in which the targets were found."""
        return [scraped.loop for scraped in list(self._scraped.values())]

    def loop(self, target_id: str) -> ScrapeLoop | None:
        """Return the loop of a target, if it is one of this pool."""
        scraped = self._scraped.get(target_id)
        return None if scraped is None else scraped.loop

    def sync(self, job: ScrapeConfig, discovered: Discovered) -> None:
        """Scrape what was discovered, as the job says, and nothing else; targets that stay the same miss no scrape."""
        with self._metrics.sync_length.labels(job.job_name).time():
            self._job = job
            self._found = targets_of(job, discovered.groups)
            self._tell_errors((*discovered.errors, *self._found.errors))
            self._replace(self._found.active, keep_gone=not discovered.complete)
        self._count()

    def end(self) -> None:
        """Scrape nothing more, and mark all series as stale."""
        self._replace((), keep_gone=False)
        self._metrics.forget(self._job.job_name)

    def stop(self) -> None:
        """Scrape nothing more; after a restart the series go on."""
        for scraped in self._scraped.values():
            self._timetable.withdraw(scraped.entry)
            scraped.loop.stop()
        self._scraped = {}

    def status(self) -> ScrapePool:
        """Return what people are told of the pool."""
        return ScrapePool(
            name=self._job.job_name,
            active=tuple(loop.status for loop in self.loops),
            dropped=self._found.dropped,
            dropped_count=self._found.dropped_count,
            errors=self._errors,
        )

    def relabel_steps(self, discovered: Labels) -> list[RelabelStep]:
        """Return what each relabelling rule makes of a discovered target."""
        return target_steps(self._job, discovered)

    def _replace(self, targets: Sequence[Target], *, keep_gone: bool) -> None:
        """Go over to other targets. What is not known yet to be gone is scraped on."""
        before, now = dict(self._scraped), {}
        self._refuse_too_many({target.id for target in targets} | (before.keys() if keep_gone else set()))
        staying = {target.id: before.pop(target.id) for target in targets if target.id in before}
        # A target that is found at another URL, or is scraped otherwise, goes on under its labels.
        moved = {scraped.loop.target.labels: name for name, scraped in before.items()}
        for target in targets:
            known = staying.get(target.id) or before.pop(moved.pop(target.labels, ""), None)
            now[target.id] = self._begin(target) if known is None else self._go_on(known, target)
        self._scraped = {**now, **before} if keep_gone else now
        for gone in () if keep_gone else before.values():
            self._timetable.withdraw(gone.entry)
            gone.loop.end()

    def _begin(self, target: Target) -> _Scraped:
        loop = self._make_loop(target, None)
        loop.refusal = self._refusal
        return _Scraped(loop, self._timetable.enter(loop))

    def _go_on(self, known: _Scraped, target: Target) -> _Scraped:
        if known.loop.target.is_scraped_as(target):
            known.loop.redescribe(target)
            return known
        self._timetable.withdraw(known.entry)
        known.loop.stop()
        loop = self._make_loop(target, known.loop)
        loop.refusal = self._refusal
        # A scrape that was cut short is made up for.
        enter = self._timetable.enter if known.loop.is_running else self._timetable.enter_on_grid
        return _Scraped(loop, enter(loop))

    def _refuse_too_many(self, ids: Collection[str]) -> None:
        """Have every target fail, those too that are still to come, where there are more than the job allows."""
        count, limit = len(ids), self._job.target_limit
        self._refusal = TargetLimitError(count, limit) if 0 < limit < count else None
        if self._refusal:
            self._metrics.exceeded_target_limit.inc()
        for loop in self.loops:
            loop.refusal = self._refusal

    def _tell_errors(self, errors: tuple[str, ...]) -> None:
        name = self._job.job_name
        self._metrics.sync_failed.labels(name).inc(len(self._found.errors))
        for error in self._found.errors:
            if error not in self._errors:
                log.warning('job "%s" has a target that cannot be made: %s', name, error)
        self._errors = errors

    def _count(self) -> None:
        name = self._job.job_name
        self._metrics.targets.labels(name).set(len(self._scraped))
        self._metrics.target_limit.labels(name).set(self._job.target_limit)
        self._metrics.syncs.labels(name).inc()
