"""Token buckets never let through more than their rules allow, and no less than they must."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simulators.rate_limiter import BucketRules, RateLimiter, TokenBucket

RULES = BucketRules(capacity=10, refill=2)


class BucketMachine(RuleBasedStateMachine):
    """Requests in lumps of any size at any time, even with a clock that is set back."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket = TokenBucket(RULES)
        self.now_ms = 0
        self.last_ms: int | None = None
        self.forward_ms = 0
        self.passed = 0

    @rule(wait_ms=st.integers(-2000, 20_000))
    def time_passes(self, wait_ms: int) -> None:
        self.now_ms += wait_ms

    @rule(count=st.integers(0, 40))
    def requests_come(self, count: int) -> None:
        tokens = self.bucket.tokens
        allowed = self.bucket.take(self.now_ms, count)
        self.forward_ms += max(0, self.now_ms - (self.now_ms if self.last_ms is None else self.last_ms))
        self.last_ms = self.now_ms
        self.passed += allowed
        assert 0 <= allowed <= count
        assert allowed >= min(count, int(tokens)), "what there was a token for was let through"

    @invariant()
    def a_bucket_is_never_more_than_full_nor_less_than_empty(self) -> None:
        assert 0 <= self.bucket.tokens <= RULES.capacity
        assert 0 <= self.bucket.fill_percentage <= 100

    @invariant()
    def no_more_passes_than_capacity_and_refill(self) -> None:
        assert self.passed <= RULES.capacity + RULES.refill * self.forward_ms / 1000 + 1e-6


TestBucket = BucketMachine.TestCase


def test_an_emptied_bucket_fills_again_with_time() -> None:
    bucket = TokenBucket(RULES)
    assert bucket.take(0, 15) == 10
    assert bucket.take(0, 1) == 0
    assert bucket.take(2000, 10) == 4
    assert bucket.take(60_000, 0) == 0
    assert bucket.tokens == 10


@given(st.integers(0, 100))
def test_clients_do_not_take_each_others_tokens(count: int) -> None:
    limiter = RateLimiter(RULES, ("a", "b"))
    limiter.take(0, "a", count)
    assert limiter.take(0, "b", 10) == 10
