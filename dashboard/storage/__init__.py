"""Series of samples: index, journal, head, blocks, retention. Its facade is :class:`Storage`."""

from dashboard.storage.errors import CorruptBlobError, ForgottenSeriesError, ImportFailedError, StorageError
from dashboard.storage.ingest import AppendResult, RowAppender
from dashboard.storage.retention import KeepRule, Removed, Retention
from dashboard.storage.storage import Storage, StorageStats

__all__ = [
    "AppendResult",
    "CorruptBlobError",
    "ForgottenSeriesError",
    "ImportFailedError",
    "KeepRule",
    "Removed",
    "Retention",
    "RowAppender",
    "Storage",
    "StorageError",
    "StorageStats",
]
