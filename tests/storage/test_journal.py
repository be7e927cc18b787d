from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dashboard.database import Database, WriteError
from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.storage.compaction import Compactor
from dashboard.storage.journal import PATIENCE_MS
from tests.storage.conftest import Store

MakeStore = Callable[..., Store]


def limit_pages(store: Store, spare: int) -> None:
    """Let the database grow by so many pages only, as a full disk would."""

    def limit(connection: sqlite3.Connection) -> None:
        count = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={count + spare}").fetchone()

    store.database.write(limit)


def append(store: Store, times: range, appender: Any = None, width: int = 500) -> Any:
    appender = appender or store.storage.appender()
    ids = store.ids(*(f"m{place}" for place in range(width)))
    generator = np.random.default_rng(times.start)
    for timestamp in times:
        appender.append(timestamp, ids, generator.normal(size=width))
    return appender


def seen(store: Store) -> int:
    return len(store.dump().get("m0", []))


def test_a_full_disk_keeps_rows_in_memory_until_there_is_room(
    make_store: MakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    store = make_store()
    appender = append(store, range(1, 6))
    assert store.storage.flush()
    limit_pages(store, 1)
    append(store, range(6, 60), appender)
    assert not store.storage.flush()
    assert not store.storage.flush()
    assert not store.storage.healthy
    assert "full" in str(store.storage.last_error)
    assert store.metric("glass_storage_healthy") == 0
    # A query shows what was committed before, and nothing that a kill would take away.
    assert 5 <= seen(store) < 59
    limit_pages(store, 100_000)
    append(store, range(60, 70), appender)
    assert store.storage.flush()
    assert store.storage.healthy
    assert store.storage.last_error is None
    assert seen(store) == 69
    store.reopen()
    assert seen(store) == 69
    messages = [record.getMessage() for record in caplog.records if record.name.endswith("journal")]
    assert len(messages) == 2
    assert "keeps what is scraped in memory" in messages[0]
    assert "can write again" in messages[1]


def test_the_journal_tries_again_by_itself(make_store: MakeStore) -> None:
    store = make_store()
    append(store, range(1, 3))
    store.storage.flush()
    limit_pages(store, 0)
    append(store, range(3, 60))
    assert not store.storage.flush()
    limit_pages(store, 100_000)
    for _ in range(2000):
        if seen(store) == 59:
            break
        threading.Event().wait(0.005)
    assert seen(store) == 59


def test_rows_that_wait_too_long_are_dropped_and_counted_the_oldest_first(make_store: MakeStore) -> None:
    now = [0]
    store = make_store(clock=lambda: now[0], journal_interval=3_600_000)
    appender = append(store, range(1, 2))
    assert store.storage.flush()
    limit_pages(store, 0)
    append(store, range(2, 40), appender)
    assert not store.storage.flush()
    now[0] = PATIENCE_MS + 1
    append(store, range(40, 80), appender)
    assert not store.storage.flush()
    limit_pages(store, 100_000)
    assert store.storage.flush()
    assert [time for time, _ in store.dump()["m0"]] == [1, *range(40, 80)]
    assert store.metric("glass_journal_dropped_records_total") == 38


def test_concurrent_flushes_share_commits(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(journal_interval=3_600_000)
    entered, go_on = threading.Event(), threading.Event()
    commits: list[str] = []
    write = Database.write

    def slow_write(database: Database, work: Any) -> Any:
        commits.append(work.__name__)
        entered.set()
        go_on.wait(20)
        return write(database, work)

    monkeypatch.setattr(Database, "write", slow_write)
    append(store, range(1, 2), width=1)
    threads = [threading.Thread(target=store.storage.flush)]
    threads[0].start()
    entered.wait(20)
    append(store, range(2, 3), width=1)
    threads += [threading.Thread(target=store.storage.flush) for _ in range(5)]
    for thread in threads[1:]:
        thread.start()
    while store.storage._journal._asked < 6:
        threading.Event().wait(0.001)
    go_on.set()
    for thread in threads:
        thread.join()
    assert commits == ["journal_commit"] * 2
    assert seen(store) == 2


def test_closing_commits_what_was_appended_last(make_store: MakeStore) -> None:
    store = make_store(journal_interval=3_600_000)
    store.storage.flush()
    append(store, range(1, 10))
    store.reopen()
    assert seen(store) == 9


def test_a_closed_or_unopened_store_does_not_hang(make_store: MakeStore) -> None:
    store = make_store()
    store.storage.close()
    assert not store.storage.flush()
    store.storage.close()


def test_a_damaged_record_is_left_out_and_the_others_are_replayed(
    make_store: MakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    store = make_store()
    append(store, range(1, 6))
    store.storage.flush()
    store.database.write(
        lambda connection: connection.execute("UPDATE journal SET body = zeroblob(100) WHERE last = 3").rowcount
    )
    store.reopen()
    assert [time for time, _ in store.dump()["m0"]] == [1, 2, 4, 5]
    assert "record 3 of the journal cannot be read" in caplog.text


def test_a_series_whose_labels_are_damaged_is_lost_alone(
    make_store: MakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    store = make_store()
    append(store, range(1, 4), width=3)
    store.storage.flush()
    store.database.write(
        lambda connection: connection.execute("UPDATE series SET labels = '{\"__na' WHERE id IN (0, 2)").rowcount
    )
    store.reopen()
    assert "the labels of series 0 cannot be read" in caplog.text
    named = Matcher(MatchKind.NOT_EQUAL, METRIC_NAME, "")
    assert store.dump(0, 100, named).keys() == {"m1"}
    append(store, range(11, 14), width=3)
    store.storage.flush()
    assert [time for time, _ in store.dump(0, 100, named)["m0"]] == [11, 12, 13]
    assert [time for time, _ in store.dump(0, 100, named)["m1"]] == [1, 2, 3, 11, 12, 13]
    assert [time for time, _ in store.dump(0, 100, named)["m2"]] == [11, 12, 13]


def test_a_compaction_that_finds_the_disk_full_loses_nothing(make_store: MakeStore) -> None:
    store = make_store(block_length=100)
    append(store, range(1, 90), width=200)
    store.storage.flush()
    before = store.dump()
    limit_pages(store, 2)
    with pytest.raises(Exception, match="full"):
        store.storage.upkeep(1000)
    assert store.dump() == before
    limit_pages(store, 100_000)
    store.storage.upkeep(1000)
    assert store.dump() == before
    assert store.storage.stats().head_samples == 0
    store.reopen()
    assert store.dump() == before


def test_a_flush_during_the_last_commit_gets_an_answer(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(journal_interval=3_600_000)
    begun, release = threading.Event(), threading.Event()
    write = store.database.write

    def held_up(work: Callable[[sqlite3.Connection], Any]) -> Any:
        begun.set()
        assert release.wait(30)
        return write(work)

    store.storage.flush()
    append(store, range(1, 3))
    monkeypatch.setattr(store.database, "write", held_up)
    closing = threading.Thread(target=store.storage.close, daemon=True)
    closing.start()
    assert begun.wait(30)
    answers: list[bool] = []
    flushing = threading.Thread(target=lambda: answers.append(store.storage.flush()), daemon=True)
    flushing.start()
    journal = store.storage._journal
    while journal._asked == journal._answered:
        time.sleep(0.001)
    release.set()
    closing.join(30)
    flushing.join(30)
    assert answers == [False]


def test_old_blocks_are_dropped_even_where_nothing_can_be_compacted(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(block_length=100, retention=500)
    append(store, range(1, 90))
    store.storage.flush()
    store.storage.upkeep(300)
    assert store.storage.stats().blocks == 1
    append(store, range(301, 390))
    store.storage.flush()

    def full(*_: object) -> int:
        raise WriteError("database or disk is full")

    monkeypatch.setattr(Compactor, "run", full)
    with pytest.raises(WriteError):
        store.storage.upkeep(700)
    assert store.storage.stats().blocks == 0
