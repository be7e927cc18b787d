"""Calls through a circuit breaker, tick by tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from simulators.breaker import BreakerCounts, CircuitBreaker
from simulators.chance import Amount
from simulators.model import Tick


@dataclass(frozen=True, slots=True)
class Guarded(Generic[Amount]):
    """What a tick's calls came to; ``state`` is the breaker's at the end of the tick."""

    successes: Amount
    failures: Amount
    rejections: Amount
    recovered: Amount
    relapsed: Amount
    state: Amount


def guarded_calls(tick: Tick[Amount], breaker: CircuitBreaker, calls: Amount, failing: Amount) -> Guarded[Amount]:
    """Make calls through the breaker, of which ``failing`` would fail if they were passed on."""

    def step(now_ms: int, inputs: Sequence[float]) -> Sequence[float]:
        breaker.counts = BreakerCounts()
        breaker.calls(now_ms, tick.seconds * 1000, int(inputs[0]), int(inputs[1]))
        done = breaker.counts
        return done.successes, done.failures, done.rejections, done.recovered, done.relapsed, breaker.state

    return Guarded(*tick.chance.walk(step, calls, failing))
