"""Long stretches that are read piece by piece answer as if they were read at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.model.matcher import Matcher
from dashboard.model.samples import SeriesBatch
from dashboard.promql import Engine, Matrix
from dashboard.promql.slices import MOST_AT_ONCE
from tests.promql.conftest import MemoryStorage

Ask = Callable[..., object]

SERIES = """
  x_total{i="1"} 0+3x300
  x_total{i="2"} 5+2x100 stale _x50 7+4x100
  x_total{i="3"} _x200 1+1x20
  y{i="1"} 1 2 3 4x20 _x40 5+1x200
  h_bucket{le="1"} 0+1x300
  h_bucket{le="+Inf"} 0+3x300
"""
QUERIES = [
    "x_total",
    "rate(x_total[2m])",
    "sum by (i) (increase(x_total[5m]))",
    "x_total * on (i) y",
    "topk(1, x_total)",
    "timestamp(x_total offset 1m)",
    "predict_linear(y[10m], time() / 100)",
    "quantile_over_time(time() / 10000, y[10m])",
    "absent_over_time(y[3m])",
    "max_over_time(rate(x_total[2m])[10m:45s])",
    "max_over_time(sum(x_total)[1m:15s])",
    "sum_over_time(y[1h] @ end()) + y",
    "histogram_quantile(0.5, rate(h_bucket[3m]))",
    "increase(x_total[3m] anchored) - increase(x_total[3m] smoothed)",
    "x_total smoothed",
    "deriv(y[5m]) or double_exponential_smoothing(y[5m], 0.3, 0.3 + time() / 1e5)",
]


class Frugal(MemoryStorage):
    """A storage that gives few samples at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.largest = 0

    def select(
        self, matchers: Sequence[Matcher], start: int, end: int, *, most: int | None = None
    ) -> list[SeriesBatch]:
        limit = self.most if most == MOST_AT_ONCE else most
        found = super().select(matchers, start, end, most=limit)
        self.largest = max(self.largest, sum(batch.values.size for batch in found))
        return found


@pytest.mark.parametrize("query", QUERIES)
def test_slices_answer_as_the_whole_does(storage: MemoryStorage, engine: Engine, query: str) -> None:
    storage.load(SERIES)
    frugal = Frugal(150)
    frugal.load(SERIES)
    whole = engine.range(query, 0, 9_000_000, 45_000)
    sliced = Engine(frugal, registry=CollectorRegistry()).range(query, 0, 9_000_000, 45_000)
    assert isinstance(whole.value, Matrix)
    assert isinstance(sliced.value, Matrix)
    assert list(sliced.value.labels) == list(whole.value.labels)
    assert np.array_equal(sliced.value.present, whole.value.present)
    there = whole.value.present
    assert np.array_equal(sliced.value.values[there], whole.value.values[there], equal_nan=True)
    assert (sliced.warnings, sliced.infos) == (whole.warnings, whole.infos)


def test_few_samples_are_in_memory_at_once() -> None:
    frugal = Frugal(150)
    frugal.load(SERIES)
    Engine(frugal, registry=CollectorRegistry()).range("sum(rate(x_total[2m]))", 0, 9_000_000, 45_000)
    assert 0 < frugal.largest <= 150


def test_a_subquery_is_evaluated_only_where_it_is_asked_for() -> None:
    storage = MemoryStorage()
    storage.load("x 1x10000", step=1000)
    # Evaluated all the way, these would be 7,200 samples and not 120.
    answer = Engine(storage, registry=CollectorRegistry(), max_samples=1000).range(
        "count_over_time(max(x)[1m:1s])", 0, 9_000_000, 3_600_000
    )
    assert isinstance(answer.value, Matrix)
    assert answer.value.values.tolist() == [[1, 60, 60]]
