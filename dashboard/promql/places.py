"""Places that queries take and give back: who waits longest gets the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Places:
    """Some places of one kind."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def enter_if_free(self) -> bool:
        """Take a place, unless one would have to wait for it."""
        with self._lock:
            # Whoever waits has been handed what was free.
            if not self._free:
                return False
            self._free -= 1
            return True

    def enter(self, patience: Callable[[], float]) -> None:
        """Wait for a place.

        ``patience`` is asked again and again for how many seconds; what it raises ends the waiting.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Event()
            self._waiting.append(mine)
        try:
            while not mine.wait(patience()):
                pass
        except BaseException:
            self._withdraw(mine)
            raise

    def leave(self) -> None:
        """Give a place back."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def _withdraw(self, mine: threading.Event) -> None:
        with self._lock:
            if not mine.is_set():
                self._waiting.remove(mine)
                return
        # The place came too late.
        self.leave()
