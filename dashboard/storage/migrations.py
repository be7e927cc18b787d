"""The tables of the store, oldest migration first; FORMAT.md describes each field."""

from __future__ import annotations

from sqlite_utils import Database as Tables
from sqlite_utils.migrations import Migrations

migrations = Migrations("storage")

_FIRST = (
    "CREATE TABLE series (id INTEGER PRIMARY KEY, labels TEXT NOT NULL)",
    "CREATE TABLE series_last (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, bits INTEGER NOT NULL)",
    """CREATE TABLE layout_columns (
        layout INTEGER NOT NULL, first INTEGER NOT NULL, series BLOB NOT NULL, PRIMARY KEY (layout, first))""",
    """CREATE TABLE journal (
        id INTEGER PRIMARY KEY, layout INTEGER, first INTEGER NOT NULL, last INTEGER NOT NULL, body BLOB NOT NULL)""",
    """CREATE TABLE blocks (
        id INTEGER PRIMARY KEY, start INTEGER NOT NULL, end INTEGER NOT NULL, samples INTEGER NOT NULL,
        complete INTEGER NOT NULL, journal_end INTEGER)""",
    """CREATE TABLE block_groups (
        id INTEGER PRIMARY KEY, block INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        rows INTEGER NOT NULL, times BLOB NOT NULL, series BLOB NOT NULL)""",
    "CREATE INDEX block_groups_block ON block_groups (block)",
    "CREATE TABLE block_chunks (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
)

_THIRD = (
    "ALTER TABLE blocks ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE block_groups ADD COLUMN starts BLOB",
    """CREATE TABLE tombstones (
        id INTEGER PRIMARY KEY, blocks INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
        series BLOB NOT NULL)""",
    """CREATE TABLE damaged (
        id INTEGER PRIMARY KEY, place TEXT NOT NULL UNIQUE, reason TEXT NOT NULL, time INTEGER NOT NULL, body BLOB)""",
)


@migrations()
def m001_rows_and_blocks(tables: Tables) -> None:
    """Series, the journal of rows, and blocks of chunks."""
    for statement in _FIRST:
        tables.execute(statement)


@migrations()
def m002_exemplars(tables: Tables) -> None:
    """The newest exemplars."""
    tables.execute(
        """CREATE TABLE exemplars (
            id INTEGER PRIMARY KEY, series INTEGER NOT NULL, time INTEGER NOT NULL, stamped INTEGER NOT NULL,
            bits INTEGER NOT NULL, labels TEXT NOT NULL)"""
    )


@migrations()
def m003_chunks_of_any_size(tables: Tables) -> None:
    """Groups say where their chunks begin, blocks how large they are; deletions, and what was found damaged."""
    for statement in _THIRD:
        tables.execute(statement)


@migrations()
def m004_checksums_of_labels(tables: Tables) -> None:
    """Series have a checksum; those of before have none."""
    tables.execute("ALTER TABLE series ADD COLUMN checksum INTEGER")
