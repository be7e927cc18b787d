"""A cache bounded by bytes and by age: what was used longest ago goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

_PERIODS = 10
"""What was asked for in none of so many periods goes."""


@dataclass(slots=True)
class _Entry:
    value: Any
    size: int
    used: int
    """The last period in which somebody asked for it."""


class Cache:
    """Keeps decoded arrays up to a number of bytes. Thread-safe; two threads may make the same entry at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lock = threading.Lock()
        self._period = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._shared: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()

    @property
    def size(self) -> int:
        """The bytes of all entries."""
        return self._size

    def get(self, key: Hashable, make: Callable[[], tuple[Any, int]]) -> Any:
        """Return the entry of a key, made (value and size in bytes) where it is missing."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                entry.used = self._period
                return entry.value
        value, size = make()
        with self._lock:
            self._put(key, value, size)
        return value

    def share(self, key: Hashable, make: Callable[[], Any]) -> tuple[Any, bool]:
        """Return what others who asked for the same key still hold, or make it; and whether it was made."""
        with self._lock:
            found = self._shared.get(key)
        if found is not None:
            return found, False
        made = make()
        with self._lock:
            return self._shared.setdefault(key, made), True

    def age(self) -> None:
        """Begin a period, and drop what nobody has asked for in the last ones: much of it is of what has gone since."""
        with self._lock:
            self._period += 1
            while self._entries and next(iter(self._entries.values())).used < self._period - _PERIODS:
                self._drop_oldest()

    def _put(self, key: Hashable, value: Any, size: int) -> None:
        # One entry may not push out everything else.
        if size > self._limit // 2 or key in self._entries:
            return
        self._entries[key] = _Entry(value, size, self._period)
        self._size += size
        while self._size > self._limit:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, entry = self._entries.popitem(last=False)
        self._size -= entry.size
