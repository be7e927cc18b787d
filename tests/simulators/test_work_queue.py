"""The work queue keeps every job until it is done or turned away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulators.work_queue import WorkQueue

TICKS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 200)), max_size=40)


@given(TICKS, st.sampled_from([400.0, 1000.0, 15_000.0]))
def test_jobs_in_are_jobs_done_turned_away_or_waiting(ticks: list[tuple[int, int]], span_ms: float) -> None:
    queue, arrived, done, dead = WorkQueue(limit=500, linger_ms=400), 0, 0, 0
    for came, capacity in ticks:
        worked = queue.work(came, capacity, span_ms)
        assert 0 <= worked.processed <= capacity
        assert 0 <= worked.depth <= 500
        assert worked.dead_lettered == 0 or worked.depth == 500
        arrived, done, dead = arrived + came, done + worked.processed, dead + worked.dead_lettered
        assert arrived == done + dead + worked.depth


def test_it_grows_by_what_the_workers_cannot_do_and_drains_when_they_can() -> None:
    queue = WorkQueue(limit=5000, linger_ms=400)
    for _ in range(10):
        queue.work(100, 20, 1000.0)
    assert queue.depth == 800
    for _ in range(10):
        queue.work(0, 120, 1000.0)
    assert queue.depth == 0


def test_a_job_waits_before_it_is_done_even_when_nobody_is_busy() -> None:
    assert WorkQueue(limit=5000, linger_ms=400).work(50, 1000, 1000.0).depth == 20
