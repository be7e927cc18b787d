"""Databases of every version, with real samples: they are read, go up and down, are copied and go on, bit for bit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from dashboard.database import Database, DowngradeError, NewerDatabaseError
from dashboard.database.backup import back_up, restore
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.storage.migrations import migrations
from tests.storage import version_samples as versions
from tests.storage.conftest import Dump, Store

EVERY = sorted(versions.FILES)
NEWEST = migrations.migrations[-1].name
OLDER = [name for name in EVERY if name != NEWEST]
END = 100 * 15_000


@pytest.fixture(params=EVERY)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(directory: Path) -> Store:
    return Store(directory, block_length=versions.BLOCK_LENGTH, raw_rows=versions.RAW_ROWS)


def dump(directory: Path) -> Dump:
    store = opened(directory)
    found = store.dump()
    store.close()
    return found


def tables(directory: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with closing(sqlite3.connect(directory / "cockpit.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for (name,) in names}  # noqa: S608


def test_there_is_a_database_of_each_version() -> None:
    assert [each.name for each in migrations.migrations] == EVERY


def test_samples_of_every_version_are_read_bit_for_bit(version: str, tmp_path: Path) -> None:
    assert dump(versions.unpacked(version, tmp_path / "data")) == versions.expected()


def test_this_version_stores_the_same(tmp_path: Path) -> None:
    store = opened(tmp_path)
    versions.fill(store.storage)
    assert store.dump() == versions.expected()
    store.close()


@pytest.mark.parametrize("version", OLDER)
def test_up_and_down_gives_an_older_program_what_it_left_and_up_again_all_samples(version: str, tmp_path: Path) -> None:
    directory = versions.unpacked(version, tmp_path / "data")
    before = tables(directory)
    assert dump(directory) == versions.expected()
    database = Database.open(directory, [migrations])
    database.downgrade(f"storage.{version}")
    database.close()
    after = tables(directory)
    assert [row[:3] for row in after.pop("_sqlite_migrations")] == [row[:3] for row in before.pop("_sqlite_migrations")]
    assert after == before
    assert dump(directory) == versions.expected()


@pytest.mark.parametrize(
    ("version", "target", "told"),
    [
        (NEWEST, OLDER[-1], "the samples in blocks"),
        ("m003_chunks_of_any_size", "m002_exemplars", "the samples in blocks"),
    ],
)
def test_what_the_version_before_cannot_read_stays(version: str, target: str, told: str, tmp_path: Path) -> None:
    directory = versions.unpacked(version, tmp_path / "data")
    database = Database.open(directory, [migrations])
    with pytest.raises(DowngradeError, match=f"cannot be taken back: the version before could not read {told}"):
        database.downgrade(f"storage.{target}")
    assert database.schema_status().as_expected
    database.close()
    assert dump(directory) == versions.expected()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DELETE FROM block_chunks", "the series of blocks"),
        ("DELETE FROM block_chunks; DELETE FROM block_groups", "the samples in the journal"),
        ("DELETE FROM block_chunks; DELETE FROM block_groups; DELETE FROM journal", "the columns of layouts"),
    ],
)
def test_each_kind_of_blob_of_this_version_keeps_its_migration(statement: str, told: str, tmp_path: Path) -> None:
    directory = versions.unpacked(NEWEST, tmp_path / "data")
    with closing(sqlite3.connect(directory / "cockpit.db")) as connection:
        connection.executescript(statement)
    database = Database.open(directory, [migrations])
    with pytest.raises(DowngradeError, match=told):
        database.downgrade()
    database.close()


def test_deleted_samples_do_not_come_back_with_an_older_version(tmp_path: Path) -> None:
    directory = versions.unpacked("m002_exemplars", tmp_path / "data")
    store = opened(directory)
    store.storage.delete_series([[Matcher(MatchKind.EQUAL, "__name__", "celsius")]], 0, 30_000)
    store.close()
    database = Database.open(directory, [migrations])
    with pytest.raises(DowngradeError, match="could not read"):
        database.downgrade("storage.m002_exemplars")
    database.close()
    assert dump(directory)["celsius"] == versions.expected()["celsius"][3:]


def test_an_older_database_goes_on(version: str, tmp_path: Path) -> None:
    store = opened(versions.unpacked(version, tmp_path / "data"))
    series, expected = store.ids("celsius", "newcomer"), versions.expected()
    appender = store.storage.appender()
    for number in range(200):
        time = END + number * 15_000
        appender.append(time, series, np.array([number / 4, 1.0]))
        for name, value in (("celsius", number / 4), ("newcomer", 1.0)):
            expected.setdefault(name, []).append((time, int(np.float64(value).view(np.uint64))))
    store.storage.flush()
    # All windows end: blocks of both versions become one.
    store.storage.upkeep(10 * 6 * versions.BLOCK_LENGTH)
    assert store.storage.stats().blocks == 1
    assert store.dump() == expected
    store.reopen()
    assert store.dump() == expected
    store.close()


def test_a_copy_of_an_older_database_is_restored_sample_for_sample(version: str, tmp_path: Path) -> None:
    directory = versions.unpacked(version, tmp_path / "data")
    back_up(directory, tmp_path / "copy.db")
    assert restore(tmp_path / "copy.db", tmp_path / "new", [migrations], ".old") is None
    assert dump(tmp_path / "new") == versions.expected()


def test_a_copy_taken_while_samples_come_is_restored_sample_for_sample(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    versions.fill(store.storage)
    copies = []
    for number in range(3):
        store.storage.append_points(store.ids("more"), np.array([number]), np.array([float(number)]))
        store.storage.flush()
        copies.append((tmp_path / f"{number}.db", store.dump()))
        back_up(store.directory, copies[-1][0])
    store.close()
    for copy, held in copies:
        restore(copy, tmp_path / "data", [migrations], f".before-{copy.stem}")
        assert dump(tmp_path / "data") == held


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    directory = versions.unpacked(NEWEST, tmp_path / "data")
    with closing(sqlite3.connect(directory / "cockpit.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('storage', 'm099_future')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = (directory / "cockpit.db").read_bytes()
    with pytest.raises(NewerDatabaseError, match=r"storage\.m099_future"):
        Database.open(directory, [migrations])
    assert (directory / "cockpit.db").read_bytes() == before
