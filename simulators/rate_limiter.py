"""A rate limiter: one token bucket for each client and endpoint."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BucketRules:
    """How many tokens a bucket holds, and how many it gets back a second."""

    capacity: float
    refill: float


class TokenBucket:
    """Tokens that requests take, one each, and that come back with time. It starts full."""

    def __init__(self, rules: BucketRules) -> None:
        self._rules = rules
        self._last_ms: int | None = None
        self.tokens = rules.capacity

    @property
    def fill_percentage(self) -> float:
        """How full the bucket is, 0 to 100."""
        return 100.0 * self.tokens / self._rules.capacity

    def take(self, now_ms: int, count: int) -> int:
        """Let through as many of ``count`` requests as there are tokens for, and return their number.

        The requests are taken to come evenly since the last call, so what was refilled meanwhile serves them too.
        """
        # A clock that was set back refills nothing, and is followed, so that no bucket waits for the old time.
        since_ms = 0 if self._last_ms is None else max(0, now_ms - self._last_ms)
        self._last_ms = now_ms
        available = self.tokens + self._rules.refill * since_ms / 1000
        allowed = min(count, int(available))
        self.tokens = min(self._rules.capacity, available - allowed)
        return allowed


class RateLimiter:
    """The buckets of all clients of one endpoint."""

    def __init__(self, rules: BucketRules, clients: tuple[str, ...]) -> None:
        self.buckets = {client: TokenBucket(rules) for client in clients}

    def take(self, now_ms: int, client: str, count: int) -> int:
        """Let through what the client's bucket has tokens for, and return the number."""
        return self.buckets[client].take(now_ms, count)
