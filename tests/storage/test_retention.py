"""What is kept: by age, by size and by rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dashboard.model.matcher import Matcher, MatchKind
from dashboard.storage import Retention
from dashboard.storage.retention import KeepRule, Removed
from tests.storage.conftest import FOREVER, Store

MakeStore = Callable[..., Store]


def fill(store: Store, until: int, *names: str, begin: int = 0) -> None:
    """Scrape series every 10 ms, and look after the store every 100 ms."""
    appender, chance = store.storage.appender(), np.random.default_rng(1)
    for time in range(begin, until, 10):
        appender.append(time, store.ids(*names), chance.normal(size=len(names)))
        if time % 100 == 0:
            store.storage.flush()
            store.storage.upkeep(time)
    store.storage.flush()


def test_a_rule_keeps_some_series_for_a_shorter_time(make_store: MakeStore, named: Callable[[str], Matcher]) -> None:
    store = make_store(block_length=100)
    store.storage.retain(Retention(FOREVER, rules=(KeepRule((named("debug"),), 500),)))
    fill(store, 2000, "debug", "app")
    kept = store.dump()
    assert [time for time, _ in kept["app"]] == list(range(0, 2000, 10))
    assert 1300 <= kept["debug"][0][0] <= 1500
    assert store.metric("glass_storage_retention_samples_total") == 200 - len(kept["debug"])
    store.reopen()
    assert store.dump() == kept


def test_a_rule_keeps_some_series_longer_than_the_others(make_store: MakeStore) -> None:
    store = make_store(block_length=100)
    slo = Matcher(MatchKind.REGEX, "__name__", "slo.*")
    store.storage.retain(Retention(500, rules=(KeepRule((slo,), FOREVER),)))
    fill(store, 2000, "slo_ratio", "app", "other")
    kept = store.dump()
    assert [time for time, _ in kept["slo_ratio"]] == list(range(0, 2000, 10))
    assert kept["app"][0][0] > 800
    store.storage.retain(Retention(500))
    store.storage.upkeep(2000)
    assert store.dump()["slo_ratio"][0][0] > 800


def test_the_first_rule_that_matches_counts(make_store: MakeStore, named: Callable[[str], Matcher]) -> None:
    store = make_store(block_length=100)
    every = Matcher(MatchKind.REGEX, "__name__", ".+")
    rules = (KeepRule((named("a"),), FOREVER), KeepRule((every,), 300))
    store.storage.retain(Retention(1000, rules=rules))
    fill(store, 1000, "a", "b")
    kept = store.dump()
    assert kept["a"][0][0] == 0
    assert kept["b"][0][0] >= 500


def test_the_oldest_blocks_go_when_there_is_too_much(make_store: MakeStore, caplog: pytest.LogCaptureFixture) -> None:
    store = make_store(block_length=100)
    names = [f"m{number}" for number in range(200)]
    fill(store, 1500, *names)
    whole = store.database.size()
    limit = store.storage._blocks.used_bytes() - 100_000
    assert store.storage.expiring(1500) == Removed(0, 0)
    store.storage.retain(Retention(FOREVER, size=limit))
    due = store.storage.expiring(1500)
    assert due.blocks > 0
    with caplog.at_level("INFO"):
        store.storage.upkeep(1500)
    assert store.storage._blocks.used_bytes() <= limit
    assert f"retention removed {due.blocks} blocks and {due.samples} samples" in caplog.text
    assert store.metric("prometheus_tsdb_size_retentions_total") == due.blocks
    times = [time for time, _ in store.dump()["m0"]]
    assert times == list(range(times[0], 1500, 10))
    assert times[0] > 0
    store.close()
    assert store.database.file.stat().st_size < whole
    store.open()
