"""What all bodies hold together stays within bounds, and nobody waits for ever for that."""

from __future__ import annotations

import threading

import pytest

from dashboard.scrape.deadline import Deadline
from dashboard.scrape.transport.memory import Budget


def test_small_bodies_are_free() -> None:
    budget = Budget(total=10, free=5)
    with budget.share(Deadline(30)) as one, budget.share(Deadline(30)) as other, budget.share(Deadline(30)) as third:
        one.hold(10)
        other.hold(5)
        third.hold(5)


def test_a_body_waits_until_there_is_room() -> None:
    budget = Budget(total=10, free=1)
    waits, goes_on = threading.Event(), threading.Event()

    def second() -> None:
        with budget.share(Deadline(30)) as other:
            other.hold(2)
            waits.set()
            other.hold(8)
            goes_on.set()

    with budget.share(Deadline(30)) as one:
        one.hold(6)
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(20)
        assert not goes_on.wait(0.1)
    assert goes_on.wait(20)
    thread.join()


def test_whoever_waits_longer_than_it_may_fails_and_holds_nothing() -> None:
    budget = Budget(total=10, free=1)
    with budget.share(Deadline(30)) as one:
        one.hold(6)
        with budget.share(Deadline(0.05)) as other, pytest.raises(TimeoutError):
            other.hold(6)
        one.hold(10)


def test_the_eldest_never_waits() -> None:
    """Else two that both want more would wait for each other."""
    budget = Budget(total=10, free=1)
    with budget.share(Deadline(30)) as one, budget.share(Deadline(30)) as other:
        one.hold(5)
        other.hold(5)
        one.hold(1000)
