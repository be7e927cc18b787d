"""The SQLite file of the data directory: one writer, short readers, a lock, migrations. It has no table of its own."""

from dashboard.database.database import Database
from dashboard.database.errors import (
    AlreadyRunningError,
    BackupError,
    ClosedError,
    DatabaseError,
    DowngradeError,
    MissingDatabaseError,
    NewerDatabaseError,
    ReadError,
    UnusableDatabaseError,
    WriteError,
)
from dashboard.database.migrations import Keepsake, Migration, MigrationSet
from dashboard.database.schema import SchemaStatus

__all__ = [
    "AlreadyRunningError",
    "BackupError",
    "ClosedError",
    "Database",
    "DatabaseError",
    "DowngradeError",
    "Keepsake",
    "Migration",
    "MigrationSet",
    "MissingDatabaseError",
    "NewerDatabaseError",
    "ReadError",
    "SchemaStatus",
    "UnusableDatabaseError",
    "WriteError",
]
