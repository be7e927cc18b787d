"""The circuit breaker against a plain description of how one behaves."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simulators.breaker import BreakerRules, BreakerState, CircuitBreaker

RULES = BreakerRules(threshold=3, open_ms=1000, trials=2)


class BreakerMachine(RuleBasedStateMachine):
    """Calls at random times with random outcomes, even with a clock that is set back."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(RULES)
        self.now_ms = 0
        self.calls = 0
        self.opened_ms = 0
        self.since_open: list[bool] = []
        self.last_failures = 0

    @rule(wait_ms=st.integers(-800, 1500))
    def time_passes(self, wait_ms: int) -> None:
        before = self.breaker.state
        self.now_ms += wait_ms
        assert self.breaker.state is before, "only calls change the state"

    @rule(fails=st.booleans())
    def call(self, *, fails: bool) -> None:
        before = self.breaker.state
        admitted = self.breaker.call(self.now_ms, fails=fails)
        self.calls += 1
        if before is BreakerState.OPEN:
            self.opened_ms = min(self.opened_ms, self.now_ms)
            assert admitted == (self.now_ms - self.opened_ms >= RULES.open_ms)
        else:
            assert admitted
        if not admitted:
            return
        self.follow(before, fails=fails)

    def follow(self, before: BreakerState, *, fails: bool) -> None:
        if before is BreakerState.CLOSED:
            self.last_failures = self.last_failures + 1 if fails else 0
            opens, closes = self.last_failures == RULES.threshold, False
        else:
            self.since_open.append(fails)
            opens, closes = fails, self.since_open == [False] * RULES.trials
        if opens:
            assert self.breaker.state is BreakerState.OPEN
            self.opened_ms = self.now_ms
        elif before is BreakerState.CLOSED or closes:
            assert self.breaker.state is BreakerState.CLOSED
        else:
            assert self.breaker.state is BreakerState.HALF_OPEN
        if opens or closes:
            self.since_open, self.last_failures = [], 0

    @invariant()
    def every_call_is_counted_once(self) -> None:
        counts = self.breaker.counts
        assert counts.successes + counts.failures + counts.rejections == self.calls


TestBreaker = BreakerMachine.TestCase


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.floats(0, 1)).map(lambda pair: (pair[0], round(pair[0] * pair[1]))),
        max_size=8,
    )
)
def test_many_calls_at_once_come_to_the_same_as_one_by_one(ticks: list[tuple[int, int]]) -> None:
    many, single = CircuitBreaker(RULES), CircuitBreaker(RULES)
    for number, (count, failing) in enumerate(ticks, start=1):
        many.calls(number * 1000, 1000.0, count, failing)
        for call in range(1, count + 1):
            fails = call * failing // count > (call - 1) * failing // count
            single.call(int(number * 1000 - 1000.0 + 1000.0 * call / count), fails=fails)
        assert many.state is single.state
        assert astuple(many.counts) == astuple(single.counts)


def test_it_opens_rejects_tries_and_closes() -> None:
    breaker = CircuitBreaker(BreakerRules(threshold=5, open_ms=20_000, trials=3))
    breaker.calls(1000, 1000, 10, 10)
    assert breaker.state is BreakerState.OPEN
    assert (breaker.counts.failures, breaker.counts.rejections) == (5, 5)
    breaker.calls(30_000, 1000, 4, 4)
    assert breaker.state is BreakerState.OPEN
    assert breaker.counts.relapsed == 1
    breaker.calls(60_000, 1000, 4, 0)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.counts.recovered == 1


@pytest.mark.parametrize(("state", "number"), [("CLOSED", 0), ("HALF_OPEN", 1), ("OPEN", 2)])
def test_states_have_the_numbers_that_the_gauge_documents(state: str, number: int) -> None:
    assert BreakerState[state] == number
