"""What a selector has found is remembered until a series comes or goes."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.storage.lookups import Lookups
from dashboard.storage.series import SeriesRegistry

UP = (Matcher(MatchKind.EQUAL, "__name__", "up"),)


@pytest.fixture
def registry() -> SeriesRegistry:
    made = SeriesRegistry()
    for job in ("a", "b"):
        made.number(up(job))
    return made


def up(job: str) -> Labels:
    return Labels.of({"__name__": "up", "job": job})


def test_a_selector_that_is_asked_for_again_is_not_looked_for_again(registry: SeriesRegistry) -> None:
    lookups = Lookups(registry)
    first = lookups.of(UP)
    assert first.wanted.tolist() == [0, 1]
    assert lookups.of(iter(UP)) is first
    assert lookups.of((Matcher(MatchKind.NOT_EQUAL, "__name__", "up"),)).wanted.tolist() == []


def test_columns_are_searched_once(registry: SeriesRegistry) -> None:
    lookup = Lookups(registry).of(UP)
    columns = np.array([7, 1, 5, 0])
    found = lookup(columns)
    assert (found.places.tolist(), found.columns.tolist()) == ([0, 1], [3, 1])
    assert lookup(columns) is found
    assert lookup(columns.copy()).columns.tolist() == [3, 1]


def test_a_series_that_comes_or_goes_is_noticed(registry: SeriesRegistry) -> None:
    lookups = Lookups(registry)
    lookups.of(UP)
    registry.number(up("c"))
    assert lookups.of(UP).wanted.tolist() == [0, 1, 2]
    # Whoever asked for the numbers has written a sample of each meanwhile.
    registry.forget(np.empty(0, dtype=np.int64), np.ones(3, dtype=np.bool_))
    assert registry.forget(np.array([1]), np.ones(3, dtype=np.bool_)).tolist() == [1]
    assert lookups.of(UP).wanted.tolist() == [0, 2]


def test_nothing_forgotten_is_no_change(registry: SeriesRegistry) -> None:
    lookups = Lookups(registry)
    first = lookups.of(UP)
    registry.forget(np.empty(0, dtype=np.int64), np.ones(2, dtype=np.bool_))
    assert lookups.of(UP) is first


def test_columns_that_have_gone_are_not_kept_in_memory(registry: SeriesRegistry) -> None:
    lookup = Lookups(registry).of(UP)
    columns = np.arange(1000)
    held = weakref.ref(columns)
    lookup(columns)
    del columns
    assert held() is None


def test_a_large_lookup_is_let_go(registry: SeriesRegistry) -> None:
    for number in range(100_000):
        registry.number(Labels.of({"__name__": "many", "number": str(number)}))
    lookups = Lookups(registry)
    many = (Matcher(MatchKind.EQUAL, "__name__", "many"),)
    lookup = lookups.of(many)
    lookup(np.arange(100_000))
    assert len(lookup.wanted) == 100_000
    held = weakref.ref(lookup)
    del lookup
    lookups.age()
    assert held() is None


def test_what_nobody_asks_for_any_more_goes(registry: SeriesRegistry) -> None:
    lookups = Lookups(registry)
    first = lookups.of(UP)
    for _ in range(10):
        lookups.age()
    assert lookups.of(UP) is first
    for _ in range(11):
        lookups.age()
    assert lookups.of(UP) is not first


def test_only_the_last_selectors_are_kept(registry: SeriesRegistry) -> None:
    lookups = Lookups(registry)
    first = lookups.of(UP)
    for number in range(255):
        lookups.of((Matcher(MatchKind.EQUAL, "__name__", f"metric_{number}"),))
    assert lookups.of(UP) is first
    for number in range(256):
        lookups.of((Matcher(MatchKind.EQUAL, "__name__", f"other_{number}"),))
    assert lookups.of(UP) is not first
