"""Series of samples: index, journal, head, blocks, retention. Its facade is :class:`Storage`."""

from dashboard.storage.errors import CorruptBlobError, ImportFailedError, StorageError
from dashboard.storage.ingest import AppendResult, RowAppender
from dashboard.storage.storage import Storage, StorageStats

__all__ = [
    "AppendResult",
    "CorruptBlobError",
    "ImportFailedError",
    "RowAppender",
    "Storage",
    "StorageError",
    "StorageStats",
]
