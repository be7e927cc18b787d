"""The tables of the store, oldest migration first; FORMAT.md describes each field."""

from __future__ import annotations

from dashboard.database import Keepsake, Migration, MigrationSet

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


_SAMPLES = (
    Keepsake("SELECT 1 FROM block_chunks LIMIT 1", "the samples in blocks"),
    Keepsake("SELECT 1 FROM journal LIMIT 1", "the samples in the journal"),
)
# By their codec bytes: what an older version wrote, and nobody has rewritten since, it can read again.
_NEW_CHUNKS = (
    Keepsake("SELECT 1 FROM block_chunks WHERE substr(body, 1, 1) NOT IN (x'01', x'02') LIMIT 1", _SAMPLES[0].what),
    Keepsake(
        "SELECT 1 FROM journal WHERE layout IS NOT NULL AND substr(body, 1, 1) NOT IN (x'05', x'06') LIMIT 1",
        _SAMPLES[1].what,
    ),
)
_BOUND = tuple(
    Keepsake(f"SELECT 1 FROM {table} WHERE substr({blob}, 1, 1) = x'09' LIMIT 1", what)  # noqa: S608
    for table, blob, what in (
        ("block_chunks", "body", _SAMPLES[0].what),
        ("block_groups", "series", "the series of blocks"),
        ("journal", "body", _SAMPLES[1].what),
        ("layout_columns", "series", "the columns of layouts"),
    )
)

migrations = MigrationSet(
    "storage",
    (
        Migration(
            "m001_rows_and_blocks",
            "Series, the journal of rows, and blocks of chunks.",
            up=_FIRST,
            down=tuple(
                f"DROP TABLE {table}"
                for table in (
                    "series",
                    "series_last",
                    "layout_columns",
                    "journal",
                    "blocks",
                    "block_groups",
                    "block_chunks",
                )
            ),
            keepsakes=_SAMPLES,
        ),
        Migration(
            "m002_exemplars",
            "The newest exemplars.",
            up=(
                """CREATE TABLE exemplars (
                    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, time INTEGER NOT NULL, stamped INTEGER NOT NULL,
                    bits INTEGER NOT NULL, labels TEXT NOT NULL)""",
            ),
            down=("DROP TABLE exemplars",),
        ),
        Migration(
            "m003_chunks_of_any_size",
            "Groups say where their chunks begin, blocks how large they are; deletions, and what was found damaged.",
            up=_THIRD,
            down=(
                "DROP TABLE damaged",
                "DROP TABLE tombstones",
                "ALTER TABLE block_groups DROP COLUMN starts",
                "ALTER TABLE blocks DROP COLUMN bytes",
            ),
            keepsakes=(
                *_NEW_CHUNKS,
                Keepsake("SELECT 1 FROM tombstones LIMIT 1", "what was deleted, which would be seen again"),
                Keepsake("SELECT 1 FROM damaged LIMIT 1", "what was found damaged"),
            ),
        ),
        Migration(
            "m004_checksums_of_labels",
            "Series have a checksum; those of before have none.",
            up=("ALTER TABLE series ADD COLUMN checksum INTEGER",),
            down=("ALTER TABLE series DROP COLUMN checksum",),
            keepsakes=_BOUND,
        ),
    ),
)
