"""The tables go up, down and up again; what is different is told, and what would be lost stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from dashboard.database import Database, DowngradeError, Keepsake, Migration, MigrationSet, NewerDatabaseError
from dashboard.database.metrics import SchemaCollector
from dashboard.migrations import MIGRATIONS

FIRST = Migration("m001", "Things.", up=["CREATE TABLE things (n INTEGER PRIMARY KEY)"], down=["DROP TABLE things"])
SECOND = Migration(
    "m002",
    "Colours.",
    up=["ALTER TABLE things ADD COLUMN colour TEXT", "CREATE INDEX colours ON things (colour)"],
    down=["DROP INDEX colours", "ALTER TABLE things DROP COLUMN colour"],
    keepsakes=[Keepsake("SELECT 1 FROM things WHERE colour = 'red'", "red things")],
)
SETS = (MigrationSet("shop", [FIRST, SECOND]),)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path, SETS)
    yield opened
    opened.close()


def run(database: Database, statement: str) -> list[tuple[object, ...]]:
    return database.write(lambda connection: connection.execute(statement).fetchall())


def test_up_and_down_and_up_again_keeps_the_rows(tmp_path: Path) -> None:
    database = Database.open(tmp_path, SETS)
    run(database, "INSERT INTO things VALUES (1, 'blue'), (2, 'green')")
    assert database.downgrade() == ["shop.m002"]
    assert run(database, "SELECT * FROM things") == [(1,), (2,)]
    status = database.schema_status()
    assert (status.applied, status.pending, status.drift) == (("shop.m001",), ("shop.m002",), ())
    database.close()
    # As the older version finds it, and then this one again.
    older = Database.open(tmp_path, [MigrationSet("shop", [FIRST])])
    assert older.schema_status().as_expected
    older.close()
    again = Database.open(tmp_path, SETS)
    assert again.schema_status().as_expected
    assert run(again, "SELECT * FROM things") == [(1, None), (2, None)]
    again.close()


def test_what_the_older_version_could_not_read_keeps_a_migration_where_it_is(database: Database) -> None:
    run(database, "INSERT INTO things VALUES (1, 'red')")
    with pytest.raises(DowngradeError, match=r"shop\.m002 cannot be taken back: .*red things"):
        database.downgrade()
    assert database.schema_status().as_expected


def test_a_target_that_was_not_applied_is_refused(database: Database) -> None:
    with pytest.raises(DowngradeError, match=r"there are shop\.m001, shop\.m002"):
        database.downgrade("shop.m007")


def test_all_after_the_target_is_taken_back_or_nothing(database: Database) -> None:
    third = Migration("m003", "Broken.", up=["CREATE TABLE more (n)"], down=["DROP TABLE nowhere"])
    database.close()
    longer = Database.open(database.file.parent, [MigrationSet("shop", [FIRST, SECOND, third])])
    with pytest.raises(Exception, match="nowhere"):
        longer.downgrade("shop.m001")
    assert longer.schema_status().applied == ("shop.m001", "shop.m002", "shop.m003")
    assert longer.schema_status().drift == ()
    longer.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP INDEX colours", "index colours is missing"),
        ("CREATE TABLE strange (n)", "table strange is not ours"),
        ("ALTER TABLE things ADD COLUMN weight REAL", "table things has other columns"),
    ],
)
def test_tables_that_were_changed_by_hand_are_told(database: Database, statement: str, told: str) -> None:
    assert database.schema_status().as_expected
    run(database, statement)
    assert database.schema_status().drift == (told,)
    assert not database.schema_status().as_expected


def test_the_revisions_that_the_alert_compares_differ_when_the_tables_do(database: Database) -> None:
    registry = CollectorRegistry()
    registry.register(SchemaCollector(database))

    def revisions() -> dict[str, str]:
        (family,) = registry.collect()
        return dict(family.samples[0].labels)

    assert revisions() == {"expected": "shop.m001, shop.m002", "actual": "shop.m001, shop.m002"}
    run(database, "DROP INDEX colours")
    assert revisions()["actual"] == "shop.m001, shop.m002, index colours is missing"


def test_every_migration_of_ours_goes_down_and_up_to_the_same_tables(tmp_path: Path) -> None:
    database = Database.open(tmp_path, MIGRATIONS)
    every = database.schema_status().applied
    assert len(every) == sum(len(each.migrations) for each in MIGRATIONS)
    while database.schema_status().applied:
        database.downgrade()
        assert database.schema_status().drift == ()
    assert run(database, "SELECT name FROM sqlite_master WHERE name NOT GLOB '*sqlite_*'") == []
    database.close()
    again = Database.open(tmp_path, MIGRATIONS)
    assert again.schema_status().as_expected
    again.close()


def test_every_migration_of_ours_keeps_the_rows_that_its_version_knows(tmp_path: Path) -> None:
    database = Database.open(tmp_path, MIGRATIONS)
    run(database, 'INSERT INTO series (id, labels, checksum) VALUES (0, \'{"a":"b"}\', 5)')
    run(database, "INSERT INTO series_last VALUES (0, 7, 9)")
    run(database, "INSERT INTO blocks (id, start, end, samples, complete, bytes) VALUES (1, 0, 10, 0, 1, 3)")
    run(database, "INSERT INTO exemplars VALUES (1, 0, 7, 1, 9, '{}')")
    database.downgrade("storage.m002_exemplars")
    database.close()
    again = Database.open(tmp_path, MIGRATIONS)
    assert run(again, "SELECT id, labels, checksum FROM series") == [(0, '{"a":"b"}', None)]
    assert run(again, "SELECT * FROM series_last") == [(0, 7, 9)]
    assert run(again, "SELECT id, start, end, samples, complete, bytes FROM blocks") == [(1, 0, 10, 0, 1, 0)]
    assert run(again, "SELECT * FROM exemplars") == [(1, 0, 7, 1, 9, "{}")]
    again.close()


def test_samples_keep_the_migrations_that_they_need(tmp_path: Path) -> None:
    database = Database.open(tmp_path, MIGRATIONS[:1])
    run(database, "INSERT INTO block_chunks VALUES (1, x'09')")
    with pytest.raises(DowngradeError, match="the samples in blocks"):
        database.downgrade()
    database.close()


def test_an_older_program_refuses_a_newer_database_untouched(database: Database) -> None:
    database.close()
    before = database.file.read_bytes()
    with pytest.raises(NewerDatabaseError, match=r"shop\.m002"):
        Database.open(database.file.parent, [MigrationSet("shop", [FIRST])])
    assert database.file.read_bytes() == before
