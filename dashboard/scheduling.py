"""One scheduler with named pools for all that is due by the wall clock, and a watcher for when that clock is set.

Left to itself APScheduler waits for the times that it has computed: a clock set back by an hour would stop every job
for that hour. Scrapes are timed by the monotonic clock instead (``scrape/ticker.py``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

POOLS = {"rules": 4, "upkeep": 1}
"""The threads of each pool."""

_LARGEST_DRIFT = 1.0
_LOOK_EVERY = 1.0


class ClockWatcher:
    """Tells when the wall clock was set, or went on while the machine was suspended. Durations are seconds."""

    def __init__(
        self,
        on_step: Callable[[float], None],
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_step = on_step
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = wall() - monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock-watcher", daemon=True)

    def start(self) -> None:
        """Look once a second, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Tell of a step, forward or (below zero) back, if there was one since the last look."""
        ahead = self._wall() - self._monotonic()
        step = ahead - self._ahead
        if abs(step) > _LARGEST_DRIFT:
            self._ahead = ahead
            self._on_step(step)

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_EVERY):
            try:
                self.look()
            except Exception:  # The edge of the thread: it must be there for the next step too.
                log.exception("jobs could not be moved with the clock")


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc] # APScheduler has no types.
    """Runs each job when it is due, once and never twice at once, and on time even where the wall clock is set."""

    def __init__(self) -> None:
        super().__init__(
            executors={name: ThreadPoolExecutor(threads) for name, threads in POOLS.items()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._watcher = ClockWatcher(self.follow)

    def start(self, paused: bool = False) -> None:
        """Begin to run what is due, unless it is to wait for ``resume``."""
        super().start(paused)
        self._watcher.start()

    def shutdown(self, wait: bool = True) -> None:
        """Begin nothing more."""
        self._watcher.stop()
        super().shutdown(wait)

    def follow(self, seconds: float) -> None:
        """Follow a step of the wall clock: where it was set back, so is the next run of every job.

        Set forward, it has made jobs overdue at worst; each has run once and gone on from there.
        """
        log.warning("the clock was set by %+.1f s; jobs go on as they were", seconds)
        if seconds < 0:
            for job in self.get_jobs():
                if job.next_run_time is not None:
                    job.modify(next_run_time=job.next_run_time + timedelta(seconds=seconds))
