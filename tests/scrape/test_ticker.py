"""Scrapes keep to a grid of the monotonic clock, make nothing up after a pause, and never wait for one another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.scrape.ticker import Agenda, Tick, Ticker


def tick(due: float, grid: float, interval: int) -> Tick:
    return Tick(lambda: None, due, grid, interval)


def agenda(*ticks: Tick) -> Agenda:
    made = Agenda()
    for each in ticks:
        made.add(each)
    return made


def test_a_tick_is_due_first_then_on_its_grid() -> None:
    only = tick(100, 700, 1000)
    plan = agenda(only)
    assert (plan.wait(40), plan.take(40)) == (60, [])
    seen = [now for now in range(0, 4000, 10) if plan.take(now)]
    assert seen == [100, 700, 1700, 2700, 3700]


def test_after_a_pause_everything_overdue_runs_once_and_then_on_its_old_grid() -> None:
    ticks = [tick(at, at, 1000) for at in (100, 300, 900)]
    plan = agenda(*ticks)
    assert plan.take(100_450) == ticks
    assert plan.take(100_450) == []
    assert sorted(each.due for each in ticks) == [100_900, 101_100, 101_300]


def test_what_was_withdrawn_is_not_due() -> None:
    one, other = tick(10, 10, 100), tick(20, 20, 100)
    plan = agenda(one, other)
    one.withdrawn = True
    assert plan.take(50) == [other]
    other.withdrawn = True
    assert plan.take(500) == []
    assert plan.wait(500) is None


@given(
    grid=st.floats(0, 1e6),
    interval=st.integers(1, 10_000),
    looks=st.lists(st.floats(0, 1e6), min_size=1, max_size=30).map(sorted),
)
def test_however_late_one_looks_a_tick_is_due_once_a_look_and_next_within_an_interval(
    grid: float, interval: int, looks: list[float]
) -> None:
    only = tick(grid, grid, interval)
    plan = agenda(only)
    for now in looks:
        due = plan.take(now)
        assert len(due) <= 1
        assert only.due > now
        assert not due or only.due <= now + interval + 1e-6


@pytest.fixture
def ticker() -> Iterator[Callable[..., Ticker]]:
    made: list[Ticker] = []

    def make(**more: int) -> Ticker:
        made.append(Ticker(**more))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def test_tasks_that_hang_delay_no_other_even_where_they_come_later(ticker: Callable[..., Ticker]) -> None:
    running = ticker()
    release, times, enough = threading.Event(), [], threading.Event()

    def good() -> None:
        times.append(1)
        if len(times) >= 5:
            enough.set()

    hanging = threading.Barrier(41)
    running.add(good, first=0, grid=20, interval=20)
    for _ in range(40):
        running.add(lambda: (hanging.wait(20), release.wait(20)), first=0, grid=1000, interval=1000)
    hanging.wait(20)
    times.clear()
    enough.clear()
    assert enough.wait(20)
    release.set()


def test_no_more_threads_run_than_may(ticker: Callable[..., Ticker]) -> None:
    running = ticker(most_threads=2)
    active, most, done = [0], [0], threading.Semaphore(0)
    lock = threading.Lock()

    def count() -> None:
        with lock:
            active[0] += 1
            most[0] = max(most[0], active[0])
        threading.Event().wait(0.002)
        with lock:
            active[0] -= 1
        done.release()

    for _ in range(30):
        running.add(count, first=0, grid=100_000, interval=100_000)
    for _ in range(30):
        assert done.acquire(timeout=20)
    assert most[0] == 2


def test_a_task_never_runs_twice_at_once_and_goes_on_after_an_error(ticker: Callable[..., Ticker]) -> None:
    running = ticker()
    inside, runs, overlap = threading.Lock(), threading.Semaphore(0), []

    def slow() -> None:
        if not inside.acquire(blocking=False):
            overlap.append(1)
            return
        threading.Event().wait(0.02)
        inside.release()
        runs.release()
        raise OSError("once more")

    running.add(slow, first=0, grid=5, interval=5)
    for _ in range(4):
        assert runs.acquire(timeout=20)
    assert overlap == []


def test_threads_end_with_the_ticker() -> None:
    running = Ticker()
    running.start()
    done = threading.Event()
    running.add(done.set, first=0, grid=1000, interval=1000)
    assert done.wait(20)
    running.stop()
    ended = threading.Event()
    for _ in range(2000):
        if not [thread for thread in threading.enumerate() if thread.name.startswith("scrape-")]:
            return
        ended.wait(0.01)
    raise AssertionError("a thread of the pool went on")


def test_a_ticker_that_was_not_started_can_be_stopped() -> None:
    Ticker().stop()
