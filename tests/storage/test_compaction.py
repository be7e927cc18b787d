from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dashboard.model.matcher import Matcher
from tests.storage.conftest import FOREVER, Store


def wrong_batches(store: Store, matchers: list[Matcher]) -> list[list[int]]:
    """Look for batches that do not hold the timestamps 1, 2, 3, ... as their values."""
    batches = [batch for matcher in matchers for batch in store.storage.select([matcher], 0, FOREVER)]
    return [
        batch.timestamps.tolist()
        for batch in batches
        if (batch.timestamps != np.arange(1, len(batch.timestamps) + 1)).any()
        or (batch.values != batch.timestamps).any()
    ]


def test_queries_see_each_sample_once_while_windows_move_into_blocks(
    make_store: Callable[..., Store], named: Callable[[str], Matcher]
) -> None:
    store = make_store(block_length=40, raw_rows=8)
    ids, (points,) = store.ids(*(f"m{place}" for place in range(30))), store.ids("p").tolist()
    stop = threading.Event()
    wrong: list[list[int]] = []
    now = 0

    def look() -> None:
        while not stop.is_set():
            wrong.extend(wrong_batches(store, [named("m3"), named("p")]))

    def keep_up() -> None:
        while not stop.is_set():
            store.storage.upkeep(now)

    threads = [threading.Thread(target=work) for work in (look, look, keep_up)]
    for thread in threads:
        thread.start()
    appender = store.storage.appender()
    for now in range(1, 301):
        appender.append(now, ids, np.full(30, float(now)))
        store.storage.append_points(np.array([points]), np.array([now]), np.array([float(now)]))
        if now % 5 == 0:
            store.storage.flush()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    store.storage.upkeep(now)
    assert store.storage.stats().block_samples >= 31 * 240
    assert store.metric("prometheus_tsdb_compactions_total") >= 6
    assert store.metric("glass_storage_merges_total") >= 1
    assert [time for time, _ in store.dump()["p"]] == list(range(1, 301))


def test_records_that_a_kill_left_behind_a_complete_block_do_not_count_twice(
    make_store: Callable[..., Store],
) -> None:
    store = make_store(block_length=100)
    appender = store.storage.appender()
    for time in range(0, 100, 10):
        appender.append(time, store.ids("a", "b"), np.array([time, 1.0]))
    store.storage.flush()
    before = store.dump()
    with store.database.read() as connection:
        records = connection.execute("SELECT * FROM journal").fetchall()
        layouts = connection.execute("SELECT * FROM layout_columns").fetchall()
    store.storage.upkeep(1000)
    assert store.journal_rows() == 0

    def undo_last_step(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", records)
        connection.executemany("INSERT INTO layout_columns VALUES (?, ?, ?)", layouts)
        connection.execute("UPDATE blocks SET journal_end = 10")

    store.database.write(undo_last_step)
    store.reopen()
    assert store.journal_rows() == 0
    assert store.storage.stats().head_samples == 0
    assert store.dump() == before


def test_a_compaction_is_written_in_many_short_transactions(
    make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(block_length=1_000_000)
    appender = store.storage.appender()
    ids = store.ids(*(f"m{place}" for place in range(2000)))
    generator = np.random.default_rng(1)
    for time in range(400):
        appender.append(time, ids, generator.normal(size=2000))
    store.storage.flush()
    works: list[str] = []
    write = store.database.write

    def counted(work: Any) -> Any:
        works.append(getattr(work, "__name__", "part"))
        return write(work)

    monkeypatch.setattr(store.database, "write", counted)
    store.storage.upkeep(10**9)
    assert works.count("write_blocks") >= 3
    assert works.count("complete_blocks") == 1
    assert store.storage.stats().block_samples == 800_000
