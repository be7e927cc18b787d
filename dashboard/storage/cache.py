"""A cache bounded by bytes: what was used longest ago goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Cache:
    """Keeps decoded arrays up to a number of bytes. Thread-safe; two threads may make the same entry at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    @property
    def size(self) -> int:
        """The bytes of all entries."""
        return self._size

    def get(self, key: Hashable, make: Callable[[], tuple[Any, int]]) -> Any:
        """Return the entry of a key, made (value and size in bytes) where it is missing."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key][0]
        value, size = make()
        with self._lock:
            self._put(key, value, size)
        return value

    def _put(self, key: Hashable, value: Any, size: int) -> None:
        # One entry may not push out everything else.
        if size > self._limit // 2 or key in self._entries:
            return
        self._entries[key] = (value, size)
        self._size += size
        while self._size > self._limit:
            _, (_, freed) = self._entries.popitem(last=False)
            self._size -= freed
