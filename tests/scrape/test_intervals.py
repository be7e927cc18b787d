"""The times between scrapes become a summary for each interval, with quantiles of the last ten minutes."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry

from dashboard.scrape.intervals import IntervalLengths

NAME = "prometheus_target_interval_length_seconds"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_times_are_counted_by_interval_and_quantiles_forget_old_ones() -> None:
    clock, registry = Clock(), CollectorRegistry()
    lengths = IntervalLengths(clock)
    registry.register(lengths)

    def told(suffix: str = "", **labels: str) -> float | None:
        return registry.get_sample_value(NAME + suffix, {"interval": "1m0s", **labels})

    assert told("_count") is None
    lengths.observe(60_000, 100.0)
    clock.now += 601
    assert math.isnan(told(quantile="0.5") or 0.0)
    for seconds in range(101):
        lengths.observe(60_000, float(seconds))
    lengths.observe(5000, 7.0)
    assert (told("_count"), told("_sum")) == (102, 5150.0)
    assert [told(quantile=name) for name in ("0.01", "0.05", "0.5", "0.9", "0.99")] == pytest.approx([1, 5, 50, 90, 99])
    assert registry.get_sample_value(NAME, {"interval": "5s", "quantile": "0.99"}) == 7.0
