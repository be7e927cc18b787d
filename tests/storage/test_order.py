from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboard.storage.order import NEVER, LastSamples

samples = st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 6), st.sampled_from([0.0, -0.0, 1.0])), max_size=12)


def judge_one_by_one(
    last: dict[int, tuple[int, bytes]], given_samples: list[tuple[int, int, float]]
) -> tuple[list[bool], int, int]:
    accepted, duplicates, late = [], 0, 0
    for series, time, value in given_samples:
        bits = np.float64(value).tobytes()
        before = last.get(series)
        accepted.append(before is None or time > before[0])
        if accepted[-1]:
            last[series] = (time, bits)
        elif before is not None:
            late += time < before[0]
            duplicates += time == before[0] and bits != before[1]
    return accepted, duplicates, late


@given(st.lists(samples, max_size=4))
def test_points_are_judged_as_if_they_came_one_after_the_other(calls: list[list[tuple[int, int, float]]]) -> None:
    last, model = LastSamples(), dict[int, tuple[int, bytes]]()
    for call in calls:
        verdict = last.accept_points(
            np.array([series for series, _, _ in call], dtype=np.int64),
            np.array([time for _, time, _ in call], dtype=np.int64),
            np.array([value for _, _, value in call], dtype=np.float64),
        )
        assert (verdict.accepted.tolist(), verdict.duplicates, verdict.out_of_order) == judge_one_by_one(model, call)


@given(st.lists(st.tuples(st.integers(-3, 6), st.dictionaries(st.integers(0, 4), st.sampled_from([0.0, 1.0])))))
def test_rows_are_judged_as_if_their_samples_came_one_after_the_other(
    rows: list[tuple[int, dict[int, float]]],
) -> None:
    last, model = LastSamples(), dict[int, tuple[int, bytes]]()
    for time, row in rows:
        verdict = last.accept_row(np.array(list(row), dtype=np.int64), time, np.array(list(row.values()), dtype=float))
        expected = judge_one_by_one(model, [(series, time, value) for series, value in row.items()])
        assert (verdict.accepted.tolist(), verdict.duplicates, verdict.out_of_order) == expected


def test_a_series_without_samples_was_never_seen() -> None:
    last = LastSamples()
    last.accept_row(np.array([2]), 7, np.array([1.0]))
    assert last.times(np.array([0, 2, 9])).tolist() == [NEVER, 7, NEVER]


def test_late_samples_are_taken_within_the_window_behind_the_newest_of_all() -> None:
    last = LastSamples()
    a, b = np.array([0]), np.array([1])
    last.accept_row(b, 1000, np.array([1.0]))
    last.accept_row(a, 990, np.array([1.0]), 50)
    verdict = last.accept_row(a, 950, np.array([2.0]), 50)
    assert (verdict.accepted.tolist(), verdict.late.tolist(), verdict.out_of_order) == ([False], [True], 0)
    verdict = last.accept_row(a, 949, np.array([2.0]), 50)
    assert (verdict.accepted.tolist(), verdict.late.tolist(), verdict.out_of_order) == ([False], [False], 1)
    verdict = last.accept_points(np.array([0, 0, 0]), np.array([960, 940, 991]), np.array([1.0, 2.0, 3.0]), 50)
    assert verdict.late.tolist() == [True, False, False]
    assert verdict.accepted.tolist() == [False, False, True]
    assert verdict.out_of_order == 1
    verdict = last.accept_row(a, 991, np.array([4.0]), 50)
    assert (verdict.late.tolist(), verdict.duplicates) == ([False], 1)
