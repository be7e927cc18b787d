"""How connections to the file are opened, and the pragmas they carry."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

BUSY_SECONDS = 10.0
LOG_BYTES = 4 << 20
"""The write-ahead log is moved into the database file when it is longer, and cut to this length."""
PAGE_SIZE = 8192
"""Rows of the journal and chunks of blocks are a few KiB long: larger pages leave less of themselves empty."""


def connect_writer(file: Path) -> sqlite3.Connection:
    """Open the one connection that writes; a new file gets the settings that must come before its first table."""
    connection = _connect(file, "rwc")
    try:
        # In this order: the journal mode writes the first page, and fixes both of the others.
        for pragma in (f"page_size={PAGE_SIZE}", "auto_vacuum=INCREMENTAL", "journal_mode=WAL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        # A commit has reached the disk when it returns. Checkpoints are run by the writer thread, between transactions.
        for pragma in (
            "synchronous=FULL",
            "wal_autocheckpoint=0",
            "temp_store=MEMORY",
            f"journal_size_limit={LOG_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if sys.platform == "darwin":
            connection.execute("PRAGMA fullfsync=ON").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_reader(file: Path) -> sqlite3.Connection:
    """Open a connection that cannot write. It does not checkpoint either, since it is opened with ``mode=ro``."""
    connection = _connect(file, "ro")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    # as_uri quotes the characters that a URI would take for its own: ``?``, ``#``, ``%`` and spaces.
    uri = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
