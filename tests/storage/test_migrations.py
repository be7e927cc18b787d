from __future__ import annotations

import re
from pathlib import Path

import dashboard.storage
from tests.storage.conftest import Store

FORMAT = Path(dashboard.storage.__file__).with_name("FORMAT.md")


def test_the_description_of_the_format_names_every_table_and_field(store: Store) -> None:
    described = {
        section.split("**", 1)[0].strip("`"): set(re.findall(r"`(\w+)`", section))
        for section in re.split(r"^\*\*", FORMAT.read_text().split("## Blobs")[0], flags=re.MULTILINE)[1:]
    }
    with store.database.read() as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_sqlite*'"
        ).fetchall()
        fields = {
            table: {column[1] for column in connection.execute(f"PRAGMA table_info({table})")} for (table,) in tables
        }
    assert set(described) == set(fields)
    for table, names in fields.items():
        assert names <= described[table], table
