"""Windows give what looking at each of them alone gives, in whatever slices they are walked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.model.samples import STALE, SeriesBatch
from dashboard.promql import windows as module
from dashboard.promql.context import Limits
from dashboard.promql.errors import QueryTimeoutError
from dashboard.promql.windows import Windows, split_stale

LIMITS = Limits(max_samples=10**9, ends_at=math.inf, clock=lambda: 0.0)

times_of_samples = st.lists(st.integers(0, 200), min_size=1, max_size=30, unique=True).map(sorted)
times_of_steps = st.lists(st.integers(-20, 260), min_size=1, max_size=20).map(sorted)


def batch_of(times: list[int], rows: int = 3) -> SeriesBatch:
    values = np.random.default_rng(len(times)).normal(size=(rows, len(times)))
    labels = [Labels.of({"row": str(row)}) for row in range(rows)]
    return SeriesBatch(labels, np.array(times, dtype=np.int64), values)


@settings(deadline=None)
@given(times_of_samples, times_of_steps, st.integers(1, 120))
def test_reducing_is_the_same_as_reducing_each_window(times: list[int], steps: list[int], length: int) -> None:
    batch = batch_of(times)
    windows = Windows.of(batch, np.array(steps, dtype=np.int64), length, LIMITS)
    reduced = windows.reduce(np.maximum, batch.values)
    for number, step in enumerate(steps):
        inside = [index for index, at in enumerate(times) if step - length < at <= step]
        assert windows.counts[number] == len(inside)
        if inside:
            assert reduced[:, number].tolist() == batch.values[:, inside].max(axis=1).tolist()


@settings(deadline=None)
@given(times_of_samples, times_of_steps, st.integers(1, 120), st.sampled_from([1, 7, 64, 10**6]))
def test_gathering_in_slices_covers_every_window(times: list[int], steps: list[int], length: int, size: int) -> None:
    batch = batch_of(times)
    windows = Windows.of(batch, np.array(steps, dtype=np.int64), length, LIMITS)
    counted = np.zeros((3, len(steps)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SLICE", size)
        for part in windows.gather():
            assert part.values.size <= max(size, int(windows.counts.max()), 1)
            counted[part.rows, part.steps] += np.where(part.inside, part.values, 0).sum(axis=2)
    assert np.allclose(counted, np.where(windows.counts, windows.reduce(np.add, batch.values), 0))


def test_reducing_in_blocks_of_series_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of(list(range(50)), rows=20)
    windows = Windows.of(batch, np.arange(0, 60, 5), 12, LIMITS)
    whole = windows.reduce(np.add, batch.values)
    monkeypatch.setattr(module, "_REDUCED", 100)
    assert np.array_equal(windows.reduce(np.add, batch.values), whole)


def test_the_clock_is_looked_at_between_blocks() -> None:
    late = Limits(max_samples=10**9, ends_at=1.0, clock=lambda: 2.0)
    windows = Windows.of(batch_of([1, 2, 3]), np.array([3]), 5, late)
    with pytest.raises(QueryTimeoutError):
        windows.reduce(np.add, windows.values)
    with pytest.raises(QueryTimeoutError):
        next(windows.gather())


def test_series_with_the_same_staleness_markers_stay_together() -> None:
    batch = batch_of([10, 20, 30], rows=5)
    batch.values[1, 2] = batch.values[3, 2] = STALE
    batch.values[4] = STALE
    parts = split_stale(batch)
    assert [[labels.get("row") for labels in part.labels] for part in parts] == [["0", "2"], ["1", "3"]]
    assert [part.timestamps.tolist() for part in parts] == [[10, 20, 30], [10, 20]]


def test_the_windows_of_some_series_at_a_time_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows.of(batch_of([0, 10, 20, 30, 40], rows=5), np.array([20, 40]), 25, LIMITS)
    assert [part is windows for part in windows.by_rows()] == [True]
    monkeypatch.setattr(module, "_TOGETHER", 11)
    parts = list(windows.by_rows())
    assert [len(part.labels) for part in parts] == [2, 2, 1]
    assert [each for part in parts for each in part.labels] == list(windows.labels)
    assert np.array_equal(np.concatenate([part.values for part in parts]), windows.values)
    assert all(np.array_equal(part.low, windows.low) for part in parts)
