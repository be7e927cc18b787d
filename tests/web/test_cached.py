"""Answers that are worked out once for everybody."""

import threading

import pytest

from dashboard.web.cached import Cached


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_kept_for_its_lifetime() -> None:
    clock, made = Clock(), []
    cached: Cached[int] = Cached(2.0, clock=clock)

    def work() -> int:
        made.append(1)
        return len(made)

    assert [cached.get("a", work), cached.get("a", work)] == [1, 1]
    clock.now = 2.0
    assert cached.get("a", work) == 2
    cached.forget()
    assert cached.get("a", work) == 3


def test_many_who_ask_at_once_cost_one_computation() -> None:
    cached: Cached[int] = Cached(60.0)
    started, release = threading.Event(), threading.Event()
    made: list[int] = []
    answers: list[int] = []

    def work() -> int:
        started.set()
        release.wait(10)
        made.append(1)
        return 7

    threads = [threading.Thread(target=lambda: answers.append(cached.get("a", work))) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert started.wait(10)
    release.set()
    for thread in threads:
        thread.join(10)
    assert (answers, len(made)) == ([7] * 6, 1)


def test_an_error_is_raised_and_not_remembered() -> None:
    cached: Cached[int] = Cached(60.0)
    with pytest.raises(ZeroDivisionError):
        cached.get("a", lambda: 1 // 0)
    assert cached.get("a", lambda: 5) == 5


def test_the_oldest_keys_are_forgotten() -> None:
    cached: Cached[int] = Cached(60.0, size=2)
    for key in "abc":
        cached.get(key, lambda: 1)
    assert cached.get("c", lambda: 2) == 1
    assert cached.get("a", lambda: 2) == 2
