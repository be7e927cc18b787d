"""Tables whose pages were mixed up or emptied are read to an end, each row once."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.database import Database
from dashboard.storage.damage import Damage
from dashboard.storage.migrations import migrations
from dashboard.storage.scan import scan

PAGE = 512
ROWS = 400


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database with a table of many pages."""
    file = tmp_path_factory.mktemp("table") / "table.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB)")
        rows = [(7 * number, f"{7 * number}".encode().ljust(100)) for number in range(ROWS)]
        connection.executemany("INSERT INTO things VALUES (?, ?)", rows)
    return file.read_bytes()


def mixed_up(octets: bytes, chance: random.Random) -> bytes:
    pages = [octets[at : at + PAGE] for at in range(0, len(octets), PAGE)]
    for _ in range(chance.randint(1, 4)):
        # The first two pages say what is in the file.
        one, other = chance.randrange(2, len(pages)), chance.randrange(2, len(pages))
        pages[one], pages[other] = pages[other], pages[one]
    for _ in range(chance.randint(0, 2)):
        pages[chance.randrange(2, len(pages))] = bytes(PAGE)
    return b"".join(pages)


def test_a_scan_ends_and_gives_each_row_once(table: bytes, tmp_path: Path) -> None:
    database = Database.open(tmp_path / "data", [migrations])
    found, refused = 0, 0
    for seed in range(450, 550):
        file = tmp_path / f"{seed}.db"
        file.write_bytes(mixed_up(table, random.Random(seed)))
        damage = Damage(database, lambda: 0)
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            try:
                rows = list(scan(connection, "things", {"body": bytes}, damage))
            except sqlite3.DatabaseError:
                refused += 1
                continue
        keys = [key for key, _ in rows]
        assert len(keys) == len(set(keys))
        assert all(body.strip() == str(key).encode() for key, body in rows)
        assert len(rows) == ROWS or damage.places()
        found += len(rows)
    assert found > 20 * ROWS
    assert refused < 20
    database.close()


def test_a_key_that_was_changed_hides_no_other_row(table: bytes, tmp_path: Path) -> None:
    database = Database.open(tmp_path / "data", [migrations])
    file, octets = tmp_path / "changed.db", bytearray(table)
    # The key of the row 70, which stands a few bytes before it, becomes 82.
    place = octets.index(b"70".ljust(100)) - 5
    assert octets[place] == 70
    octets[place] = 82
    file.write_bytes(octets)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        rows = list(scan(connection, "things", {"body": bytes}, Damage(database, lambda: 0)))
    assert [int(body) for _, body in rows] == [7 * number for number in range(ROWS)]
    assert [key for key, _ in rows if key == 82] == [82]
    database.close()


def test_a_row_that_holds_something_else_is_left_out(tmp_path: Path) -> None:
    database = Database.open(tmp_path, [migrations])
    damage = Damage(database, lambda: 0)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, n, body)")
        good = [(1, 1, b"a"), (2, None, b"b"), (7, 7, b"g")]
        rows = [*good, (3, 2.5, b"c"), (4, 4, "d"), (5, 5, None), (6, "six", b"f")]
        connection.executemany("INSERT INTO things VALUES (?, ?, ?)", rows)
        found = list(scan(connection, "things", {"n": int | None, "body": bytes}, damage))
    assert found == good
    assert list(damage.places()) == [f"id {number} of the table things" for number in (3, 4, 5, 6)]
    database.close()
