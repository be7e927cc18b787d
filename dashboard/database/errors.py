"""What can go wrong with the database.

DatabaseError
├── AlreadyRunningError     another process uses the data directory
├── MissingDatabaseError    the data directory holds no database
├── NewerDatabaseError      a newer version of the program wrote the file
├── BackupError             a copy of the database cannot be made or used
├── DowngradeError          a migration cannot be taken back
├── UnusableDatabaseError   the file or its directory cannot be used
├── ReadError               a query failed
├── WriteError              a transaction was rolled back
└── ClosedError             the database is closed
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


class DatabaseError(Exception):
    """The database could not do what it was asked."""


class AlreadyRunningError(DatabaseError):
    """Another process uses the data directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"{directory} is in use by another process; stop it first, or choose another data directory")
        self.directory = directory


class MissingDatabaseError(DatabaseError):
    """The data directory holds no database."""

    def __init__(self, directory: Path) -> None:
        super().__init__(f"{directory} holds no data of Glass Cockpit; name its directory with --data-dir")


class NewerDatabaseError(DatabaseError):
    """A newer version of the program wrote the file; it was left untouched."""

    def __init__(self, file: Path, unknown: Collection[str]) -> None:
        names = ", ".join(sorted(unknown))
        super().__init__(f"{file} was written by a newer version (it has {names}); use that one, nothing was changed")
        self.unknown = frozenset(unknown)


class UnusableDatabaseError(DatabaseError):
    """The file or its directory cannot be used."""

    def __init__(self, file: Path, reason: object) -> None:
        super().__init__(f"{file} cannot be used: {reason}")


class DowngradeError(DatabaseError):
    """A migration cannot be taken back; nothing has changed."""

    def __init__(self, migration: str, reason: str) -> None:
        super().__init__(f"{migration} cannot be taken back: {reason}")


class BackupError(DatabaseError):
    """A copy of the database cannot be made or used; nothing has changed."""

    def __init__(self, file: Path, reason: object) -> None:
        super().__init__(f"{file} cannot be used as a backup: {reason}")


class ReadError(DatabaseError):
    """A query failed."""

    def __init__(self, reason: object) -> None:
        super().__init__(f"the database cannot be read: {reason}")


class WriteError(DatabaseError):
    """A transaction was rolled back."""

    def __init__(self, reason: object) -> None:
        super().__init__(f"nothing was written: {reason}")


class ClosedError(DatabaseError):
    """The database is closed."""

    def __init__(self) -> None:
        super().__init__("the database is closed")
