"""What can go wrong in the store.

StorageError
├── CorruptBlobError    a stored blob is not what was written
├── ImportFailedError   history could not be stored; nothing of it is visible
└── ForgottenSeriesError  a number is that of a series that has no sample left
"""

from __future__ import annotations


class StorageError(Exception):
    """The store could not do what it was asked."""


class CorruptBlobError(StorageError):
    """A stored blob is not what was written."""


class ImportFailedError(StorageError):
    """History could not be stored; nothing of it is visible."""


class ForgottenSeriesError(StorageError):
    """A number is that of a series that was forgotten since it had no sample left; ask for its number again."""

    def __init__(self) -> None:
        super().__init__("a series was forgotten since it had no sample left; its number must be asked for again")
