"""Places are handed on in the order in which queries came for them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from dashboard.promql.places import Places


class GaveUpError(Exception):
    """Raised instead of waiting on."""


class Waiter:
    """Waits for a place in a thread of its own until it has one or is told to give up."""

    def __init__(self, places: Places, entered: Callable[[], None] = lambda: None) -> None:
        self.asked = threading.Event()
        self.give_up = threading.Event()
        self.outcome = ""
        self._places, self._entered = places, entered
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _patience(self) -> float:
        self.asked.set()
        if self.give_up.is_set():
            raise GaveUpError
        return 0.01

    def _run(self) -> None:
        try:
            self._places.enter(self._patience)
            self.outcome = "entered"
            self._entered()
        except GaveUpError:
            self.outcome = "gave up"


def is_free(places: Places) -> bool:
    """Say whether there is a place, and leave it free."""
    if found := places.enter_if_free():
        places.leave()
    return found


def test_there_are_so_many_places_and_no_more() -> None:
    places = Places(2)
    assert [places.enter_if_free() for _ in range(3)] == [True, True, False]
    places.leave()
    assert [places.enter_if_free() for _ in range(2)] == [True, False]


def test_who_came_first_is_first() -> None:
    places, order = Places(1), list[int]()
    places.enter(float)
    waiters = []
    for number in range(5):
        waiters.append(Waiter(places, lambda number=number: (order.append(number), places.leave())))
        assert waiters[-1].asked.wait(20)
    assert order == []
    places.leave()
    for waiter in waiters:
        waiter.thread.join(20)
    assert order == [0, 1, 2, 3, 4]
    assert is_free(places)


def test_who_gives_up_leaves_the_others_their_order() -> None:
    places = Places(1)
    places.enter(float)
    first, second = Waiter(places), Waiter(places)
    assert first.asked.wait(20)
    assert second.asked.wait(20)
    first.give_up.set()
    first.thread.join(20)
    places.leave()
    second.thread.join(20)
    assert (first.outcome, second.outcome) == ("gave up", "entered")
    assert not is_free(places)
    places.leave()
    assert is_free(places)


def test_a_place_that_comes_too_late_goes_to_the_next() -> None:
    places = Places(1)
    places.enter(float)

    def patience() -> float:
        # Between two looks at whether waiting makes sense the place is there, and the query is given up.
        places.leave()
        raise GaveUpError

    with pytest.raises(GaveUpError):
        places.enter(patience)
    assert is_free(places)
