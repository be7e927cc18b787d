"""The SQLite file of the data directory: one writer, short readers, a lock, migrations. It has no table of its own."""

from dashboard.database.database import Database
from dashboard.database.errors import (
    AlreadyRunningError,
    BackupError,
    ClosedError,
    DatabaseError,
    MissingDatabaseError,
    NewerDatabaseError,
    ReadError,
    UnusableDatabaseError,
    WriteError,
)

__all__ = [
    "AlreadyRunningError",
    "BackupError",
    "ClosedError",
    "Database",
    "DatabaseError",
    "MissingDatabaseError",
    "NewerDatabaseError",
    "ReadError",
    "UnusableDatabaseError",
    "WriteError",
]
