"""Blocks become longer as they age, and tell the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from dashboard.storage.windows import Windows
from tests.storage.conftest import FOREVER, Store

MakeStore = Callable[..., Store]
HOUR = 3_600_000


def windows_of(store: Store) -> list[tuple[int, int]]:
    return sorted((block.start, block.end) for block in store.storage._blocks.all())


def test_windows_grow_with_age_up_to_a_third_of_the_retention() -> None:
    assert Windows(2 * HOUR, 240 * HOUR).lengths == [2 * HOUR, 12 * HOUR, 60 * HOUR, 240 * HOUR]
    assert Windows(2 * HOUR, 100 * HOUR).lengths == [2 * HOUR, 12 * HOUR, 60 * HOUR]
    assert Windows(2 * HOUR, HOUR).lengths == [2 * HOUR]


def test_history_is_imported_into_the_longest_windows_that_have_ended() -> None:
    now = 260 * HOUR
    times = np.arange(0, 259) * HOUR
    cut = [(start // HOUR, end // HOUR) for start, end, _, _ in Windows(2 * HOUR, 240 * HOUR).cut(times, now)]
    assert cut == [(0, 240), (240, 252), (252, 254), (254, 256), (256, 258), (258, 260)]


def test_blocks_are_merged_into_longer_windows_and_tell_the_same(make_store: MakeStore) -> None:
    store = make_store(block_length=100)
    steady, churning = store.storage.appender(), store.storage.appender()
    for time in range(0, 3500, 10):
        steady.append(time, store.ids("a", "b", "c"), np.array([time, 2.0, time / 100]))
        churning.append(time + 1, store.ids(f"pod{time // 250}", "x"), np.array([1.0, time]))
        if time % 150 == 0:
            store.storage.flush()
            store.storage.upkeep(time)
    store.storage.flush()
    before = store.dump()
    assert [len(before[name]) for name in ("a", "b", "c", "x")] == [350] * 4
    store.storage.upkeep(3125)
    assert windows_of(store) == [(0, 3000), *((start, start + 100) for start in range(3000, 3400, 100))]
    assert store.dump() == before
    store.reopen()
    assert store.dump() == before
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM blocks").fetchone() == (5,)
        assert connection.execute(
            "SELECT count(*) FROM block_chunks WHERE id >> 24 NOT IN (SELECT id FROM block_groups)"
        ).fetchone() == (0,)


def test_a_merge_that_is_interrupted_leaves_the_blocks_as_they_were(make_store: MakeStore, monkeypatch: Any) -> None:
    store = make_store(block_length=100)
    appender = store.storage.appender()
    for time in range(0, 600, 10):
        appender.append(time, store.ids("a"), np.array([time], dtype=float))
    store.storage.flush()
    with monkeypatch.context() as patched:
        patched.setattr(store.storage._merger, "run", lambda *_: 0)
        store.storage.upkeep(650)
    before, windows = store.dump(), windows_of(store)
    assert len(windows) == 6
    written = []

    def cut_short(*args: Any) -> None:
        written.append(args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("dashboard.storage.block_writer.BlockWriter.complete", cut_short)
        try:
            store.storage.upkeep(700)
        except KeyboardInterrupt:
            assert written
    assert windows_of(store) == windows
    assert store.dump() == before
    store.reopen()
    assert windows_of(store) == windows
    assert store.dump() == before
    store.storage.upkeep(700)
    assert windows_of(store) == [(0, 600)]
    assert store.dump() == before


def test_an_import_over_what_is_there_is_merged_with_it_and_stored_once(make_store: MakeStore) -> None:
    store = make_store(block_length=100, clock=lambda: 10_000)
    labels = [Labels.of({"__name__": name}) for name in "ab"]
    batch = SeriesBatch(labels, np.arange(0, 600, 10), np.arange(120.0).reshape(2, 60))
    store.storage.import_batches([batch])
    before = store.dump()
    store.storage.import_batches([batch])
    assert store.dump() == before
    store.storage.upkeep(10_000)
    assert store.dump() == before
    assert store.storage.stats().block_samples == 120
    assert store.dump(0, FOREVER) == before
