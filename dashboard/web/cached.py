"""An answer that is worked out once for everybody who asks within its lifetime."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Entry(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: T | None = None
    until: float = 0.0


class Cached(Generic[T]):
    """Remembers answers by key for ``lifetime`` seconds; at most one thread works on a key, the others wait for it.

    At most ``size`` keys are remembered; the one that was asked for longest ago is forgotten first.
    """

    def __init__(self, lifetime: float, *, size: int = 64, clock: Callable[[], float] = time.monotonic) -> None:
        self._lifetime = lifetime
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()

    def get(self, key: Hashable, work_out: Callable[[], T]) -> T:
        """Return the remembered answer, or work it out. An error is raised to this caller and not remembered."""
        entry = self._entry(key)
        with entry.lock:
            if entry.answer is None or self._clock() >= entry.until:
                entry.answer = work_out()
                entry.until = self._clock() + self._lifetime
            return entry.answer

    def forget(self) -> None:
        """Work everything out anew from now on."""
        with self._lock:
            self._entries.clear()

    def _entry(self, key: Hashable) -> _Entry[T]:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
            return entry
