"""Copies of the database: consistent while it is written, checked before they are put back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from dashboard.database import (
    AlreadyRunningError,
    BackupError,
    Database,
    Migration,
    MigrationSet,
    MissingDatabaseError,
    NewerDatabaseError,
    UnusableDatabaseError,
    backup,
)
from dashboard.database.backup import back_up, restore

SUFFIX = ".before-1"


def numbers() -> MigrationSet:
    up = ["CREATE TABLE numbers (n INTEGER, body BLOB)"]
    return MigrationSet("numbers", [Migration("m001_numbers", "Numbers.", up=up, down=["DROP TABLE numbers"])])


def write(database: Database, some: Sequence[int]) -> None:
    rows = [(number,) for number in some]
    database.write(lambda connection: connection.executemany("INSERT INTO numbers VALUES (?, randomblob(20000))", rows))


def make(directory: Path, some: Sequence[int]) -> None:
    database = Database.open(directory, [numbers()])
    write(database, some)
    database.close()


def stored(file: Path) -> list[int]:
    connection = sqlite3.connect(file)
    found = [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]
    connection.close()
    return found


def test_a_copy_made_while_rows_are_written_holds_whole_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_PAGES", 5)
    database = Database.open(tmp_path / "data", [numbers()])
    write(database, range(100))
    stop = threading.Event()

    def go_on() -> None:
        for pair in range(50, 1000):
            if stop.is_set():
                break
            write(database, [2 * pair, 2 * pair + 1])

    writing = threading.Thread(target=go_on)
    writing.start()
    seen: list[int] = []
    back_up(tmp_path / "data", tmp_path / "copy", lambda done, _: seen.append(done))
    stop.set()
    writing.join()
    database.close()
    found = stored(tmp_path / "copy")
    assert found == list(range(len(found)))
    assert len(found) >= 100
    assert len(found) % 2 == 0
    assert seen == sorted(seen)
    assert len(seen) > 10
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy", "data"]


def test_a_copy_is_not_written_over_a_file(tmp_path: Path) -> None:
    make(tmp_path / "data", [1])
    (tmp_path / "copy").write_text("dear")
    with pytest.raises(BackupError, match="exists already"):
        back_up(tmp_path / "data", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "dear"


def test_there_is_nothing_to_copy_where_no_database_is(tmp_path: Path) -> None:
    with pytest.raises(MissingDatabaseError):
        back_up(tmp_path, tmp_path / "copy")


def test_what_is_restored_takes_the_place_of_what_is_moved_aside_with_its_log(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make(data, [1, 2])
    back_up(data, tmp_path / "copy")
    # As a killed server leaves it: the last rows are in the log alone.
    killed = Database.open(data, [numbers()])
    write(killed, [3])
    files = {name: (data / name).read_bytes() for name in ("cockpit.db", "cockpit.db-wal")}
    killed.close()
    for name, content in files.items():
        (data / name).write_bytes(content)
    aside = restore(tmp_path / "copy", data, [numbers()], SUFFIX)
    assert aside == data / "cockpit.db.before-1"
    assert stored(data / "cockpit.db") == [1, 2]
    assert stored(aside) == [1, 2, 3]
    assert stored(tmp_path / "copy") == [1, 2]


def test_an_empty_directory_gets_the_copy_and_nothing_is_moved(tmp_path: Path) -> None:
    make(tmp_path / "data", [1])
    back_up(tmp_path / "data", tmp_path / "copy")
    assert restore(tmp_path / "copy", tmp_path / "new" / "data", [numbers()], SUFFIX) is None
    assert sorted(file.name for file in (tmp_path / "new" / "data").iterdir()) == ["cockpit.db", "lock"]
    make(tmp_path / "new" / "data", [2])
    assert stored(tmp_path / "new" / "data" / "cockpit.db") == [1, 2]


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "data", [1])
    back_up(tmp_path / "data", tmp_path / "copy")
    database = Database.open(tmp_path / "data", [numbers()])
    with pytest.raises(AlreadyRunningError):
        restore(tmp_path / "copy", tmp_path / "data", [numbers()], SUFFIX)
    write(database, [2])
    database.close()
    assert stored(tmp_path / "data" / "cockpit.db") == [1, 2]


def damaged(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    content[8192 * 3 : 8192 * 3 + 4000] = bytes(4000)
    copy.write_bytes(content)


@pytest.mark.parametrize(
    "spoil", [damaged, lambda copy: copy.write_text("no database " * 1000), lambda copy: copy.unlink()]
)
def test_a_copy_that_is_no_good_is_refused_and_nothing_changes(tmp_path: Path, spoil: object) -> None:
    make(tmp_path / "data", range(40))
    back_up(tmp_path / "data", tmp_path / "copy")
    assert callable(spoil)
    spoil(tmp_path / "copy")
    with pytest.raises(BackupError):
        restore(tmp_path / "copy", tmp_path / "data", [numbers()], SUFFIX)
    assert stored(tmp_path / "data" / "cockpit.db") == list(range(40))
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == ["cockpit.db", "lock"]


def test_a_copy_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "data", [1])
    back_up(tmp_path / "data", tmp_path / "copy")
    with pytest.raises(NewerDatabaseError, match="copy was written by a newer version"):
        restore(tmp_path / "copy", tmp_path / "data", [], SUFFIX)


def test_a_restore_that_was_stopped_half_way_is_told_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    make(data, [1])
    back_up(data, tmp_path / "copy")

    def stop(_: Path, __: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backup, "_take_the_place", stop)
        with pytest.raises(KeyboardInterrupt):
            restore(tmp_path / "copy", data, [numbers()], SUFFIX)
    with pytest.raises(UnusableDatabaseError, match="restore it again"):
        Database.open(data, [numbers()])
    restore(tmp_path / "copy", data, [numbers()], SUFFIX)
    assert stored(data / "cockpit.db") == [1]
