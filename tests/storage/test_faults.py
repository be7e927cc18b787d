"""What the disk and other programs do to the store: it says so, answers on, and goes on by itself."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from disks import fill, small_disk

from dashboard.database import Database, UnusableDatabaseError, connection
from dashboard.storage import RowAppender
from dashboard.storage.migrations import migrations
from tests.storage.conftest import Store

SERIES = 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as folder:
        yield folder


@pytest.fixture
def row_store(disk: Path) -> Iterator[Store]:
    # Commits come when the test asks for them.
    store = Store(disk, journal_interval=3_600_000)
    yield store
    store.close()


def append(appender: RowAppender, store: Store, times: range) -> None:
    ids = store.ids(*(f"m{n}" for n in range(SERIES)))
    for time in times:
        appender.append(time, ids, np.random.default_rng(time).random(SERIES))


def check(store: Store, times: range) -> None:
    """Check that every series has its own value at each of these times."""
    (batch,) = store.storage.select([], 0, 10**9)
    assert batch.timestamps.tolist() == list(times)
    order = [int(labels.metric_name[1:]) for labels in batch.labels]
    for column, time in enumerate(times):
        assert (batch.values[:, column] == np.random.default_rng(time).random(SERIES)[order]).all()


def test_a_full_disk_stops_writing_and_nothing_else_until_there_is_room(row_store: Store, disk: Path) -> None:
    appender, filler = row_store.storage.appender(), disk / "filler"
    done = 0
    for _ in range(3):
        append(appender, row_store, range(done + 1, done + 11))
        assert row_store.storage.flush()
        shown = done = done + 10
        fill(filler)
        # There may be room in the log that the file has already.
        while done - shown < 10_000:
            append(appender, row_store, range(done + 1, done + 501))
            done += 500
            if not row_store.storage.flush():
                break
            shown = done
        assert not row_store.storage.healthy
        assert "full" in (row_store.storage.last_error or "")
        check(row_store, range(1, shown + 1))
        filler.unlink()
        assert row_store.storage.flush()
        assert row_store.storage.healthy
        check(row_store, range(1, done + 1))
        row_store.storage.upkeep(done)
    row_store.reopen()
    check(row_store, range(1, done + 1))
    assert row_store.storage.healthy


def test_a_directory_that_cannot_be_written_is_refused_in_one_line(disk: Path) -> None:
    Database.open(disk / "data", [migrations]).close()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for directory in (disk / "data", disk / "new"):
        with pytest.raises(UnusableDatabaseError, match=r"cannot be used: .*[Rr]ead-?only") as refused:
            Database.open(directory, [migrations])
        assert "\n" not in str(refused.value)


def test_a_database_that_another_program_locks_is_written_when_it_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    store = Store(tmp_path, journal_interval=3_600_000)
    appender = store.storage.appender()
    append(appender, store, range(1, 6))
    assert store.storage.flush()
    other = sqlite3.connect(tmp_path / "cockpit.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    append(appender, store, range(6, 11))
    assert not store.storage.flush()
    assert "locked" in (store.storage.last_error or "")
    check(store, range(1, 6))
    other.execute("ROLLBACK")
    other.close()
    assert store.storage.flush()
    check(store, range(1, 11))
    store.reopen()
    check(store, range(1, 11))
    store.close()
