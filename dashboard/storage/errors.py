"""What can go wrong in the store.

StorageError
├── CorruptBlobError    a stored blob is not what was written
└── ImportFailedError   history could not be stored; nothing of it is visible
"""

from __future__ import annotations


class StorageError(Exception):
    """The store could not do what it was asked."""


class CorruptBlobError(StorageError):
    """A stored blob is not what was written."""


class ImportFailedError(StorageError):
    """History could not be stored; nothing of it is visible."""
