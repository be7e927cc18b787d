"""When groups are evaluated: at times aligned to their interval, each group with an offset of its own.

The same group meets the same times after every restart, and groups with one interval are spread over it (after
``EvalTimestamp`` in Prometheus's ``rules/group.go``). Times and durations are milliseconds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger

LONGEST_FIRST_WAIT = 5000


@dataclass(frozen=True, slots=True)
class Slots:
    """The times at which one group is due."""

    interval: int
    offset: int

    @classmethod
    def of(cls, group_key: str, interval: int) -> Slots:
        """Give a group its own stable place within the interval."""
        digest = hashlib.blake2b(group_key.encode(), digest_size=8).digest()
        return cls(interval, int.from_bytes(digest, "big") % interval)

    def at_or_before(self, now: int) -> int:
        """Return the latest due time that is not after ``now``."""
        return now - (now - self.offset) % self.interval

    def after(self, now: int) -> int:
        """Return the next due time."""
        return self.at_or_before(now) + self.interval


class SlotTrigger(BaseTrigger):  # type: ignore[misc] # APScheduler has no types.
    """Makes APScheduler run a group at its due times, and for the first time after five seconds at most.

    Missed times are not made up for: after a pause the next run is at the next due time.
    """

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the next time to run at (APScheduler's protocol)."""
        present = _milliseconds(now)
        if previous_fire_time is None:
            return _datetime(min(self._slots.after(present), present + LONGEST_FIRST_WAIT))
        return _datetime(self._slots.after(max(present, _milliseconds(previous_fire_time))))


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _datetime(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
