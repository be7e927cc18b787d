"""The scheduler's jobs that run the loops of targets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.schedule import first_scrape, next_on_grid

_EXECUTOR = "scrape"

Entry = tuple[Job, ...]
"""What stands in the timetable for one loop."""


class Timetable:
    """Has the scheduler, which needs an executor named ``scrape``, run loops on their targets' grids."""

    def __init__(self, scheduler: BackgroundScheduler, clock: Callable[[], int]) -> None:
        self._scheduler = scheduler
        self._clock = clock

    def enter(self, loop: ScrapeLoop) -> Entry:
        """Have a new target scraped soon, and from then on once an interval."""
        first = first_scrape(loop.target, self._clock())
        soon = self._scheduler.add_job(loop.scrape, "date", run_date=_moment(first), **_options())
        return soon, self._repeat(loop, next_on_grid(loop.target, first))

    def enter_on_grid(self, loop: ScrapeLoop) -> Entry:
        """Have a target scraped at the next time of its grid, and from then on once an interval."""
        target, now = loop.target, self._clock()
        return (self._repeat(loop, now + (target.hash - now) % target.interval),)

    def withdraw(self, entry: Entry) -> None:
        """Run a loop no more."""
        for job in entry:
            # The job of the first scrape is gone once it ran.
            with contextlib.suppress(JobLookupError):
                self._scheduler.remove_job(job.id)

    def _repeat(self, loop: ScrapeLoop, first: int) -> Job:
        seconds = loop.target.interval / 1000
        return self._scheduler.add_job(
            loop.scrape, "interval", seconds=seconds, start_date=_moment(first), **_options()
        )


def _options() -> dict[str, object]:
    return {"executor": _EXECUTOR, "max_instances": 1, "coalesce": True, "misfire_grace_time": None}


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
