"""Sums lose what those of Prometheus lose, and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from dashboard.promql.context import Limits
from dashboard.promql.errors import QueryTimeoutError
from dashboard.promql.matrix import Matrix, group_rows
from dashboard.promql.sums import group_means, group_sums, window_means, window_sums
from dashboard.promql.windows import Windows

LIMITS = Limits(max_samples=10**9, ends_at=math.inf, clock=lambda: 0.0)
NUMBERS = st.floats(-1e150, 1e150) | st.sampled_from([1e100, -1e100, 1.0, -1.0, 0.1, -0.1])


def added_up(terms: list[float]) -> float:
    """Return the sum as Prometheus makes it: compensated by Neumaier's rule."""
    total = lost = 0.0
    for term in terms:
        after = total + term
        lost += (total - after) + term if abs(total) >= abs(term) else (term - after) + total
        total = after
    return total + lost


def windows_over(values: np.ndarray, length: int) -> Windows:
    count = values.shape[1]
    batch = SeriesBatch([Labels()] * len(values), np.arange(count, dtype=np.int64), values)
    return Windows.of(batch, np.arange(count, dtype=np.int64), length, LIMITS)


@given(arrays(np.float64, (2, 12), elements=NUMBERS), st.integers(1, 12))
def test_a_window_is_summed_as_prometheus_does(values: np.ndarray, length: int) -> None:
    windows = windows_over(values, length)
    sums, means = window_sums(windows), window_means(windows)
    for row, series in enumerate(values):
        for step in range(len(series)):
            inside = series[max(step - length + 1, 0) : step + 1].tolist()
            assert math.isclose(sums[row, step], added_up(inside), rel_tol=1e-9)
            assert math.isclose(means[row, step], added_up(inside) / len(inside), rel_tol=1e-9)


@given(arrays(np.float64, (6, 4), elements=NUMBERS), arrays(np.bool_, (6, 4)))
def test_a_group_is_summed_as_prometheus_does(values: np.ndarray, present: np.ndarray) -> None:
    keys = [Labels.of({"group": str(row % 2)}) for row in range(6)]
    matrix = Matrix(keys, np.arange(4), values, present)
    sums = group_sums(matrix, group_rows(keys), LIMITS)
    for group in (0, 1):
        for step in range(4):
            wanted = added_up(values[group::2, step][present[group::2, step]].tolist())
            assert math.isclose(sums[group, step], wanted, rel_tol=1e-9)


def test_a_huge_value_does_not_poison_its_neighbours() -> None:
    sums = window_sums(windows_over(np.array([[1.0, 1e300, 2.0, 3.0, np.inf, 4.0, np.nan, 5.0]]), 2))
    assert np.array_equal(sums[0], [1, 1e300, 1e300, 5, np.inf, np.inf, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(
        window_sums(windows_over(np.array([[np.nan, np.inf, 1.5, 2.5]]), 1)),
        [[np.nan, np.inf, 1.5, 2.5]],
        equal_nan=True,
    )


def test_terms_that_cancel_leave_what_is_left() -> None:
    assert window_sums(windows_over(np.array([[1e100, 1.0, -1e100, 1.0]]), 4))[0, 3] == 2


def test_a_mean_does_not_overflow_where_its_sum_does() -> None:
    largest = np.full((1, 4), 1.7e308)
    assert np.allclose(window_means(windows_over(largest, 4)), largest)
    keys = [Labels()] * 4
    column = Matrix(keys, np.arange(1), largest.T, np.ones((4, 1), dtype=bool))
    assert math.isclose(group_means(column, group_rows(keys), LIMITS)[0, 0], 1.7e308)


def test_exact_sums_are_given_up_in_time() -> None:
    late = replace(LIMITS, ends_at=1.0, clock=lambda: 2.0)
    cancelling, overflowing = np.array([[1e9 + 0.1, -1e9]]).T, np.array([[1.7e308, 1.7e308]]).T
    keys = [Labels()] * 2
    for column, work in ((cancelling, group_sums), (overflowing, group_means)):
        with pytest.raises(QueryTimeoutError):
            work(Matrix(keys, np.arange(1), column, np.ones((2, 1), dtype=bool)), group_rows(keys), late)


def test_a_mean_of_infinities_is_infinite() -> None:
    means = window_means(windows_over(np.array([[np.inf, 1.0], [np.inf, -np.inf], [-np.inf, 5.0]]), 2))
    assert np.array_equal(means[:, 1], [np.inf, np.nan, -np.inf], equal_nan=True)
