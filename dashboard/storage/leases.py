"""Who is reading: what queries may still look at is not deleted yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Leases:
    """Counts time in marks, and knows since when each reader reads. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mark = 0
        self._readers: list[int] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold what can be seen now for as long as the context lasts."""
        with self._lock:
            since = self._mark
            self._readers.append(since)
        try:
            yield
        finally:
            with self._lock:
                self._readers.remove(since)

    def mark(self) -> int:
        """Return a mark: readers that come from now on see nothing of what was hidden before."""
        with self._lock:
            self._mark += 1
            return self._mark

    def over(self, mark: int) -> bool:
        """Say whether all readers have gone that had come before a mark."""
        with self._lock:
            return all(since >= mark for since in self._readers)
