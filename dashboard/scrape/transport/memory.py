"""How much all bodies may take together while they are fetched and read: many lying servers must not fill the memory.

A body takes up to three times its size meanwhile, with what a grammar copies of it.
"""

from __future__ import annotations

import threading

from dashboard.scrape.deadline import Deadline

_FREE = 1 << 20
_TOTAL = 64 << 20
# Somebody may cut a fetch short meanwhile.
_LOOK_AT_THE_DEADLINE = 0.5


class Budget:
    """Bytes that fetches hold together. What each may hold freely is not counted, and the eldest never waits."""

    def __init__(self, total: int = _TOTAL, free: int = _FREE) -> None:
        self._total = total
        self.free = free
        self._changed = threading.Condition()
        self._held: dict[object, int] = {}

    def share(self, deadline: Deadline) -> Share:
        """Return what holds bytes for as long as it is entered as a context."""
        return Share(self, deadline)

    def give_back(self, share: Share) -> None:
        """Have a share hold nothing any more."""
        with self._changed:
            del self._held[share]
            self._changed.notify_all()

    def hold(self, share: Share, size: int, deadline: Deadline) -> None:
        """Have a share hold so many bytes in all, waiting until there is room for them.

        Raises:
            TimeoutError: there was none before the deadline.
        """
        with self._changed:
            self._held.setdefault(share, 0)
            while not self._has_room(share, size):
                self._changed.wait(min(deadline.left(), _LOOK_AT_THE_DEADLINE))
            self._held[share] = size

    def _has_room(self, share: Share, size: int) -> bool:
        eldest = next(iter(self._held)) is share
        return eldest or sum(self._held.values()) - self._held[share] + size <= self._total


class Share:
    """What one fetch holds."""

    def __init__(self, budget: Budget, deadline: Deadline) -> None:
        self._budget = budget
        self._deadline = deadline
        self._counts = False

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        if self._counts:
            self._counts = False
            self._budget.give_back(self)

    def hold(self, size: int) -> None:
        """Hold so many bytes in all.

        Raises:
            TimeoutError: there was no room for them before the deadline.
        """
        if size > self._budget.free:
            self._counts = True
            self._budget.hold(self, size, self._deadline)


BODIES = Budget()
"""What the bodies of all fetches of this process share."""
