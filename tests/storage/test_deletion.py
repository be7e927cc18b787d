"""Deleting samples, and rewriting the blocks that held them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import SeriesBatch
from tests.storage.conftest import FOREVER, Store

MakeStore = Callable[..., Store]


@pytest.fixture
def filled(make_store: MakeStore) -> Store:
    """``a`` and ``b`` every 10 ms to 990, in blocks, in runs and in rows; ``p`` as points from 800 on."""
    store = make_store(block_length=100, raw_rows=8)
    appender = store.storage.appender()
    for time in range(0, 1000, 10):
        appender.append(time, store.ids("a", "b"), np.array([time, -time], dtype=float))
    store.storage.append_points(np.repeat(store.ids("p"), 4), np.array([800, 850, 900, 950]), np.arange(4.0))
    store.storage.flush()
    store.storage.upkeep(825)
    assert store.storage.stats().blocks > 0
    return store


@pytest.mark.parametrize("between", [(0, FOREVER), (100, 199), (205, 555), (700, 960), (955, 2000), (2000, 3000)])
def test_what_is_deleted_does_not_come_back(
    filled: Store, named: Callable[[str], Matcher], between: tuple[int, int]
) -> None:
    wanted = {
        name: [(time, value) for time, value in samples if name == "b" or not between[0] <= time <= between[1]]
        for name, samples in filled.dump().items()
    }
    wanted = {name: samples for name, samples in wanted.items() if samples}
    filled.storage.delete_series([[named("a")], [named("p")]], *between)
    assert filled.dump() == wanted
    filled.reopen()
    assert filled.dump() == wanted
    filled.storage.upkeep(5000)
    assert filled.dump() == wanted
    filled.storage.clean_tombstones()
    filled.reopen()
    assert filled.dump() == wanted
    assert filled.storage.stats().block_samples == sum(map(len, wanted.values()))


def test_a_series_of_which_nothing_is_left_is_not_listed(filled: Store, named: Callable[[str], Matcher]) -> None:
    filled.storage.upkeep(5000)
    filled.storage.delete_series([[named("a")]], 0, FOREVER)
    assert Labels.of({"__name__": "a"}) not in filled.storage.series([], 0, FOREVER)
    assert Labels.of({"__name__": "b"}) in filled.storage.series([], 0, FOREVER)


def test_what_is_imported_after_a_deletion_counts(filled: Store, named: Callable[[str], Matcher]) -> None:
    filled.storage.upkeep(5000)
    filled.storage.delete_series([[named("a")]], 0, FOREVER)
    batch = SeriesBatch([Labels.of({"__name__": "a"})], np.array([105, 110]), np.array([[7.0, 8.0]]))
    filled.storage.import_batches([batch])
    assert [time for time, _ in filled.dump()["a"]] == [105, 110]
    filled.storage.clean_tombstones()
    filled.storage.upkeep(10_000)
    assert [time for time, _ in filled.dump()["a"]] == [105, 110]


def test_cleaning_gives_space_back(make_store: MakeStore, named: Callable[[str], Matcher]) -> None:
    store = make_store(block_length=1000)
    chance = np.random.default_rng(1)
    batch = SeriesBatch([Labels.of({"__name__": "a"})], np.arange(50_000), chance.normal(size=(1, 50_000)))
    store.storage.import_batches([batch])
    before = store.storage._blocks.used_bytes()
    store.storage.delete_series([[named("a")]], 0, FOREVER)
    store.storage.clean_tombstones()
    assert store.storage._blocks.used_bytes() < before / 3
    assert store.dump() == {}
