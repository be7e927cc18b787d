"""When a target is scraped: on a grid of its interval, shifted by its hash; all times are milliseconds."""

from __future__ import annotations

from dashboard.scrape.target import Target

_FIRST_WITHIN = 1000
# Prometheus moves timestamps by up to 2 ms so that they compress better; our scheduler wakes a little later than Go's.
_TOLERANCE = 10


def first_scrape(target: Target, now: int) -> int:
    """Return when a new target is scraped first: within a second, and within one interval."""
    return now + target.hash % min(target.interval, _FIRST_WITHIN)


def next_on_grid(target: Target, after: int) -> int:
    """Return the first time on the target's grid that comes half an interval or more after a time."""
    earliest = after + target.interval // 2
    return earliest + (target.hash - earliest) % target.interval


def time_allowed(target: Target) -> int:
    """Return how long a scrape may take: its timeout, but less than an interval, so that the next one is on time."""
    return min(target.timeout, target.interval - min(100, target.interval // 20))


def aligned(target: Target, now: int) -> int:
    """Return the time on the target's grid where it is near, else the time itself."""
    tolerance = min(_TOLERANCE, target.interval // 100)
    behind = (now - target.hash) % target.interval
    if behind <= tolerance:
        return now - behind
    ahead = target.interval - behind
    return now + ahead if ahead <= tolerance else now
