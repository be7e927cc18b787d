"""Quantiles are those of a sorted list in which NaN comes first."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboard.promql.quantiles import quantiles

SAMPLES = st.lists(st.floats(-1e6, 1e6) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=8)


@given(SAMPLES, st.floats(0, 1), st.integers(0, 4))
def test_a_quantile_is_that_of_the_sorted_samples(samples: list[float], q: float, absent: int) -> None:
    values = np.array([[*samples, *([5.0] * absent)]])
    inside = np.array([[True] * len(samples) + [False] * absent])
    found = quantiles(np.array([q]), values, inside)[0]
    ordered = sorted(samples, key=lambda value: (not math.isnan(value), value))
    rank = q * (len(ordered) - 1)
    low, weight = math.floor(rank), rank - math.floor(rank)
    wanted = ordered[low] * (1 - weight) + ordered[min(low + 1, len(ordered) - 1)] * weight
    assert math.isclose(found, wanted, rel_tol=1e-12, abs_tol=1e-9) or (math.isnan(found) and math.isnan(wanted))
