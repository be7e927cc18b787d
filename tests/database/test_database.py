from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard.database import (
    ClosedError,
    Database,
    Migration,
    MigrationSet,
    NewerDatabaseError,
    ReadError,
    UnusableDatabaseError,
    WriteError,
    writer,
)

NUMBERS = Migration(
    "m001_numbers", "Numbers.", up=["CREATE TABLE numbers (n INTEGER PRIMARY KEY)"], down=["DROP TABLE numbers"]
)
MORE = Migration("m002_more", "More.", up=["CREATE TABLE more (n INTEGER)"], down=["DROP TABLE more"])


def numbers_migrations() -> MigrationSet:
    return MigrationSet("numbers", [NUMBERS])


def newer_migrations() -> MigrationSet:
    return MigrationSet("numbers", [NUMBERS, MORE])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "data", [numbers_migrations()])
    yield opened
    opened.close()


def insert(*numbers: int) -> Callable[[sqlite3.Connection], object]:
    rows = [(number,) for number in numbers]
    return lambda connection: connection.executemany("INSERT INTO numbers VALUES (?)", rows)


def stored(database: Database) -> list[int]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]


def test_what_was_written_is_read_at_once_and_after_opening_again(tmp_path: Path) -> None:
    database = Database.open(tmp_path, [numbers_migrations()])
    database.write(insert(1))
    assert stored(database) == [1]
    database.close()
    again = Database.open(tmp_path, [numbers_migrations()])
    assert stored(again) == [1]
    again.close()


def test_work_runs_in_one_thread_in_the_order_in_which_it_was_submitted(database: Database) -> None:
    threads: list[str] = []
    futures = [database.submit(lambda _: threads.append(threading.current_thread().name)) for _ in range(20)]
    for future in futures:
        future.result()
    assert threads == ["writer"] * 20


def test_work_that_raises_is_rolled_back_and_its_error_comes_out(database: Database) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (5)")
        raise KeyError("broken off")

    with pytest.raises(KeyError, match="broken off"):
        database.write(work)
    database.write(insert(6))
    assert stored(database) == [6]


def test_an_error_of_sqlite_comes_out_as_ours_with_its_cause(database: Database) -> None:
    with pytest.raises(WriteError, match="nothing was written: no such table: nowhere") as caught:
        database.write(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_a_query_that_fails_comes_out_as_our_error_and_the_connection_can_be_used_again(database: Database) -> None:
    with pytest.raises(ReadError, match="no such table: nowhere"), database.read() as connection:
        connection.execute("SELECT * FROM nowhere")
    assert stored(database) == []


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(ReadError, match="readonly"), database.read() as connection:
        connection.execute("INSERT INTO numbers VALUES (1)")


def test_a_full_disk_fails_the_write_alone_and_the_next_one_works_when_there_is_room(database: Database) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE filler (b BLOB)")
        connection.execute("INSERT INTO filler VALUES (zeroblob(1000000))")

    database.write(insert(1))
    with database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    database.write(lambda connection: connection.execute(f"PRAGMA max_page_count={pages + 2}").fetchone())
    with pytest.raises(WriteError, match="full"):
        database.write(fill)
    assert stored(database) == [1]
    database.write(lambda connection: connection.execute("PRAGMA max_page_count=100000").fetchone())
    database.write(fill)
    database.write(insert(2))
    assert stored(database) == [1, 2]


@pytest.mark.parametrize("name", ["plain", "with space", "a?b", "a#b", "100%41", "ü&+;=", "?mode=memory"])
def test_any_directory_name_works(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32" and "?" in name:
        pytest.skip("Windows has no such names")
    directory = tmp_path / name / "deeper"
    database = Database.open(directory, [numbers_migrations()])
    database.write(insert(3))
    assert stored(database) == [3]
    database.close()
    with sqlite3.connect(directory / "cockpit.db") as connection:
        assert connection.execute("SELECT n FROM numbers").fetchall() == [(3,)]
    connection.close()


@pytest.mark.parametrize(
    ("pragma", "value"), [("page_size", 8192), ("auto_vacuum", 2), ("journal_mode", "wal"), ("synchronous", 2)]
)
def test_the_writer_has_its_pragmas(database: Database, pragma: str, value: object) -> None:
    assert database.write(lambda connection: connection.execute(f"PRAGMA {pragma}").fetchone()) == (value,)


def test_only_the_writer_checkpoints_and_the_log_is_gone_after_closing(tmp_path: Path) -> None:
    database = Database.open(tmp_path, [numbers_migrations()])
    log = tmp_path / "cockpit.db-wal"
    database.write(insert(1))
    assert stored(database) == [1]
    assert log.stat().st_size > 0
    database.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cockpit.db", "lock"]


def test_the_log_stays_short_under_many_writes(database: Database) -> None:
    database.write(lambda connection: connection.execute("CREATE TABLE filler (b BLOB)"))
    for _ in range(30):
        database.write(lambda connection: connection.execute("INSERT INTO filler VALUES (randomblob(1000000))"))
    assert database.file.with_name("cockpit.db-wal").stat().st_size < 8 << 20
    assert database.size() > 30_000_000


def test_migrations_run_once_each(tmp_path: Path) -> None:
    Database.open(tmp_path, [numbers_migrations()]).close()
    database = Database.open(tmp_path, [newer_migrations()])
    with database.read() as connection:
        applied = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    database.close()
    assert applied == [("m001_numbers",), ("m002_more",)]


def test_a_newer_database_is_refused_by_name_and_left_as_it_was(tmp_path: Path) -> None:
    Database.open(tmp_path, [newer_migrations()]).close()
    file = tmp_path / "cockpit.db"
    before = file.read_bytes()
    with pytest.raises(NewerDatabaseError, match=r"cockpit\.db was written by a newer version .*numbers\.m002_more"):
        Database.open(tmp_path, [numbers_migrations()])
    assert file.read_bytes() == before
    Database.open(tmp_path, [newer_migrations()]).close()


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "cockpit.db"
    file.write_bytes(b"not a database, but something dear to somebody " * 100)
    before = file.read_bytes()
    with pytest.raises(UnusableDatabaseError, match=r"cockpit\.db cannot be used"):
        Database.open(tmp_path, [numbers_migrations()])
    assert file.read_bytes() == before


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableDatabaseError):
        Database.open(tmp_path / "file" / "data", [])


def test_a_migration_that_fails_leaves_no_thread_and_no_lock(tmp_path: Path) -> None:
    broken = MigrationSet("broken", [Migration("m001", "Nonsense.", up=["CREATE NONSENSE"], down=[])])
    with pytest.raises(UnusableDatabaseError, match="NONSENSE"):
        Database.open(tmp_path, [broken])
    Database.open(tmp_path, [numbers_migrations()]).close()


def test_whatever_keeps_the_writer_from_starting_reaches_the_opener(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> sqlite3.Connection:
        raise OSError("no more threads or files")

    monkeypatch.setattr(writer, "connect_writer", refuse)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(Database.open, tmp_path, [numbers_migrations()])
        with pytest.raises(UnusableDatabaseError, match="no more threads or files"):
            opening.result(30)


def test_after_closing_everything_answers_with_a_clear_error(tmp_path: Path) -> None:
    database = Database.open(tmp_path, [numbers_migrations()])
    assert database.ping()
    database.close()
    database.close()
    assert not database.ping()
    with pytest.raises(ClosedError):
        database.write(insert(1))
    with pytest.raises(ClosedError), database.read():
        pass


def test_a_reader_that_outlives_closing_is_closed_when_it_comes_back(tmp_path: Path) -> None:
    database = Database.open(tmp_path, [numbers_migrations()])
    with database.read() as connection:
        database.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_many_readers_at_once_see_whole_transactions_only(database: Database) -> None:
    stop = threading.Event()
    odd: list[int] = []

    def read() -> None:
        while not stop.is_set():
            if len(stored(database)) % 2:
                odd.append(1)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(0, 100, 2):
        database.write(insert(number, number + 1))
    stop.set()
    for thread in threads:
        thread.join()
    assert odd == []
    assert len(stored(database)) == 100


def test_a_file_that_a_power_cut_left_half_made_is_made_again(tmp_path: Path) -> None:
    making, directory = tmp_path / "making.db", tmp_path / "data"
    directory.mkdir()
    connection = sqlite3.connect(making, isolation_level=None)
    # With little memory, pages are written before their transaction ends.
    for statement in ("PRAGMA cache_size = 1", "CREATE TABLE half (body)", "BEGIN"):
        connection.execute(statement)
    connection.executemany("INSERT INTO half VALUES (randomblob(900))", [()] * 50)
    for end in ("", "-journal"):
        shutil.copy(f"{making}{end}", directory / f"cockpit.db{end}")
    connection.close()
    database = Database.open(directory, [numbers_migrations()])
    with database.read() as reader:
        assert reader.execute("SELECT count(*) FROM half").fetchall() == [(0,)]
    assert database.schema_status().drift == ("table half is not ours",)
    database.close()


def test_a_damaged_list_of_migrations_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    Database.open(tmp_path, [numbers_migrations()]).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "cockpit.db", isolation_level=None)) as connection:
        connection.execute("UPDATE _sqlite_migrations SET name = NULL")
    with pytest.raises(UnusableDatabaseError, match=r"cockpit\.db .*: the list of its migrations is damaged"):
        Database.open(tmp_path, [numbers_migrations()])
