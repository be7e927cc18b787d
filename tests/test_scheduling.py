"""Jobs run on time even where the wall clock is set."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.rules.schedule import Slots, SlotTrigger
from dashboard.scheduling import POOLS, ClockWatcher, SteadyScheduler


class Clocks:
    """A wall clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_700_000_000.0, 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def steps(clocks: Clocks) -> tuple[ClockWatcher, list[float]]:
    seen: list[float] = []
    return ClockWatcher(seen.append, wall=lambda: clocks.wall, monotonic=lambda: clocks.monotonic), seen


def test_time_that_passes_is_no_step(clocks: Clocks, steps: tuple[ClockWatcher, list[float]]) -> None:
    watcher, seen = steps
    for seconds in (0.0, 1.0, 3600.0, 0.5):
        clocks.pass_by(seconds)
        watcher.look()
    clocks.wall += 0.9
    watcher.look()
    assert seen == []


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86_400.0, -1.5])
def test_a_step_is_told_once(clocks: Clocks, steps: tuple[ClockWatcher, list[float]], step: float) -> None:
    watcher, seen = steps
    clocks.pass_by(10)
    clocks.wall += step
    for _ in range(3):
        watcher.look()
        clocks.pass_by(1)
    assert seen == [pytest.approx(step)]


def test_a_slow_drift_is_told_when_it_has_become_a_second(
    clocks: Clocks, steps: tuple[ClockWatcher, list[float]]
) -> None:
    watcher, seen = steps
    for _ in range(15):
        clocks.wall += 0.1
        watcher.look()
    assert seen == [pytest.approx(1.1)]


@pytest.fixture
def scheduler() -> Iterator[SteadyScheduler]:
    made = SteadyScheduler()
    made.start(paused=True)
    yield made
    made.shutdown(wait=True)


@pytest.mark.parametrize(("hours", "moved"), [(-1, -1), (-24, -24), (1, 0), (24, 0)])
def test_every_job_follows_a_clock_that_is_set_back(scheduler: SteadyScheduler, hours: int, moved: int) -> None:
    scheduler.add_job(len, "interval", seconds=60, args=[()], id="upkeep", executor="upkeep")
    slots = SlotTrigger(Slots(60_000, 7))
    scheduler.add_job(len, slots, args=[()], id="rules", executor="rules")
    before = {job.id: job.next_run_time for job in scheduler.get_jobs()}
    scheduler.follow(hours * 3600)
    steps = {job.id: job.next_run_time - before[job.id] for job in scheduler.get_jobs()}
    assert steps == dict.fromkeys(before, timedelta(hours=moved))


def test_a_job_that_an_old_clock_put_far_ahead_runs_again(scheduler: SteadyScheduler) -> None:
    """So it stands after the clock was set back by an hour: the next run is an hour away."""
    ran = threading.Semaphore(0)
    late = datetime.now(UTC) + timedelta(hours=1, milliseconds=50)
    scheduler.add_job(ran.release, "interval", seconds=0.05, start_date=late, executor="rules")
    scheduler.resume()
    assert not ran.acquire(timeout=0.2)
    scheduler.follow(-3600)
    for _ in range(3):
        assert ran.acquire(timeout=20)


def test_there_is_a_pool_for_each_kind_of_job(scheduler: SteadyScheduler) -> None:
    done = threading.Semaphore(0)
    scheduler.resume()
    for name in POOLS:
        scheduler.add_job(done.release, executor=name)
    for _ in POOLS:
        assert done.acquire(timeout=20)
