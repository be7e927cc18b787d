"""A circuit breaker: closed until calls fail in a row, open for a time, then half-open for some trial calls."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class BreakerState(enum.IntEnum):
    """The states, numbered as the gauge shows them."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """It opens after ``threshold`` failures in a row, for ``open_ms``, and closes when ``trials`` calls succeeded."""

    threshold: int = 5
    open_ms: int = 20_000
    trials: int = 3


@dataclass(slots=True)
class BreakerCounts:
    """What has happened to calls; ``recovered`` and ``relapsed`` count how the half-open times ended."""

    successes: int = 0
    failures: int = 0
    rejections: int = 0
    recovered: int = 0
    relapsed: int = 0


class CircuitBreaker:
    """The state machine.

    It learns the time from its calls only, so it leaves the open state at the first call after the timeout.
    """

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._in_a_row = 0
        self._opened_ms = 0
        self.state = BreakerState.CLOSED
        self.counts = BreakerCounts()

    def call(self, now_ms: int, *, fails: bool) -> bool:
        """Pass one call on, whose outcome is known, or reject it; returns whether it was passed on."""
        if self.state is BreakerState.OPEN:
            # Where the clock was set back, the open time begins anew instead of lasting until the old time.
            self._opened_ms = min(self._opened_ms, now_ms)
            if now_ms - self._opened_ms < self._rules.open_ms:
                self.counts.rejections += 1
                return False
            self._enter(BreakerState.HALF_OPEN)
        if fails:
            self._failed(now_ms)
        else:
            self._succeeded()
        return True

    def calls(self, now_ms: int, span_ms: float, count: int, failing: int) -> None:
        """Make ``count`` calls, spread evenly over the time that ends now, and the failing ones evenly among them."""
        if self.state is BreakerState.CLOSED and failing * 2 <= count and self._rules.threshold > 1:
            self._calls_while_closed(count, failing)
            return
        for number in range(1, count + 1):
            moment = now_ms - span_ms + span_ms * number / count
            self.call(int(moment), fails=number * failing // count > (number - 1) * failing // count)

    def _calls_while_closed(self, count: int, failing: int) -> None:
        # A success comes before each of so few failures: no two of them are in a row, and the last call is one of them.
        self.counts.successes += count - failing
        self.counts.failures += failing
        if count:
            self._in_a_row = 1 if failing else 0

    def _enter(self, state: BreakerState) -> None:
        self.state, self._in_a_row = state, 0

    def _failed(self, now_ms: int) -> None:
        self.counts.failures += 1
        self._in_a_row += 1
        if self.state is BreakerState.HALF_OPEN:
            self.counts.relapsed += 1
        elif self._in_a_row < self._rules.threshold:
            return
        self._enter(BreakerState.OPEN)
        self._opened_ms = now_ms

    def _succeeded(self) -> None:
        self.counts.successes += 1
        if self.state is BreakerState.CLOSED:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= self._rules.trials:
            self.counts.recovered += 1
            self._enter(BreakerState.CLOSED)
