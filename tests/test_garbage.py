"""What lives long is left out of the search for garbage, and is searched again now and then."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from dashboard.garbage import reconsider, settle


class Cycle:
    """Holds itself, so that only a search finds that nobody else does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_garbage_is_removed_and_the_rest_left_out_from_then_on() -> None:
    garbage, kept = weakref.ref(Cycle()), Cycle()
    settle()
    assert garbage() is None
    assert gc.get_freeze_count() > 0
    assert not any(found is kept for found in gc.get_objects())


def test_what_became_garbage_later_is_found_when_all_is_searched() -> None:
    cycle = Cycle()
    later = weakref.ref(cycle)
    settle()
    del cycle
    settle()
    assert later() is not None
    reconsider()
    assert later() is None
    assert gc.get_freeze_count() > 0
