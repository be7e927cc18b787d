"""The script that compares our answers to PromLabs's compliance queries with those of Prometheus."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest

FILE = """
test_cases:
  - query: '42'
  - query: '{{.topBottomOp}}(2, x offset {{.offset}})'
    variant_args: ['topBottomOp', 'offset']
  - query: '{__name__=~".*"}'
    should_fail: true
"""


def test_templates_are_filled_in_with_every_combination(compare_queries: ModuleType) -> None:
    cases = compare_queries.read_cases(FILE)
    assert [case.query for case in cases] == [
        "42",
        *(f"{operator}(2, x offset {offset})" for operator in ("topk", "bottomk") for offset in ("1m", "5m", "10m")),
        '{__name__=~".*"}',
    ]
    assert [case.should_fail for case in cases] == [False] * 7 + [True]


def vector(compare_queries: ModuleType, *values: float, name: str = "x") -> object:
    points = [(float(at), value) for at, value in enumerate(values)]
    return compare_queries.Answer(kind="matrix", series={(("__name__", name),): points})


@pytest.mark.parametrize(
    ("theirs", "ours", "verdict"),
    [
        ((1.0, math.nan, math.inf), (1.0, math.nan, math.inf), "SAME"),
        ((1.0,), (1.0 + 1e-10,), "SAME"),
        ((1.0,), (1.0 + 1e-7,), "CLOSE"),
        ((1.0,), (1.0001,), "DIFFERENT"),
        ((0.0,), (1e-300,), "DIFFERENT"),
        ((1.0,), (math.nan,), "DIFFERENT"),
        ((1.0, 2.0), (1.0,), "DIFFERENT"),
    ],
)
def test_values_may_differ_by_rounding(
    compare_queries: ModuleType, theirs: tuple[float, ...], ours: tuple[float, ...], verdict: str
) -> None:
    found, difference = compare_queries.judge(
        compare_queries.Case("x"), vector(compare_queries, *theirs), vector(compare_queries, *ours)
    )
    assert found is compare_queries.Verdict[verdict]
    assert bool(difference) == (verdict != "SAME")


def test_series_must_be_the_same(compare_queries: ModuleType) -> None:
    answers = vector(compare_queries, 1.0), vector(compare_queries, 1.0, name="y")
    verdict, difference = compare_queries.judge(compare_queries.Case("x"), *answers)
    assert verdict is compare_queries.Verdict.DIFFERENT
    assert "'y'" in difference


def test_what_must_fail_must_fail(compare_queries: ModuleType) -> None:
    failed, answered = compare_queries.Answer(error="no"), vector(compare_queries, 1.0)
    must_fail, must_not = compare_queries.Case("x", should_fail=True), compare_queries.Case("x")
    verdict = compare_queries.Verdict
    for case, theirs, ours, expected in (
        (must_fail, failed, failed, verdict.SAME),
        (must_fail, failed, answered, verdict.DIFFERENT),
        (must_fail, answered, failed, verdict.DIFFERENT),
        (must_not, failed, failed, verdict.DIFFERENT),
        (must_not, answered, failed, verdict.DIFFERENT),
    ):
        assert compare_queries.judge(case, theirs, ours)[0] is expected


def test_what_prometheus_3_means_otherwise_is_named(compare_queries: ModuleType) -> None:
    case = compare_queries.Case("holt_winters(x[1m], 0.1, 0.1)")
    answers = vector(compare_queries, 1.0), compare_queries.Answer(error="unknown function")
    verdict, difference = compare_queries.judge(case, *answers)
    assert verdict is compare_queries.Verdict.PROMETHEUS_3
    assert "double_exponential_smoothing" in difference
    assert compare_queries.judge(case, *answers, is_3=False)[0] is compare_queries.Verdict.DIFFERENT


def test_no_sample_lies_on_the_edge_of_a_range(compare_queries: ModuleType) -> None:
    for batch in compare_queries.demo_data.batches():
        assert (batch.timestamps % 1000 == 0).all()
        assert (batch.timestamps % 10_000 != 0).all()
    assert all(end * 1000 % 1000 != 0 for end in compare_queries._ENDS.values())


def test_instances_are_away_and_begin_anew(compare_queries: ModuleType) -> None:
    batches = list(compare_queries.demo_data.batches())
    away, resets = [], []
    for batch in batches:
        gaps = np.diff(batch.timestamps)
        if len(batch.labels) > 1:
            away.append(int(gaps.max()))
            counters = [row for row, labels in enumerate(batch.labels) if labels.metric_name.endswith("_total")]
            resets.append(int((np.diff(batch.values[counters]) < 0).any(axis=0).sum()))
        else:
            assert gaps.max() > 300_000
    assert sorted(away) == [15_000, 45_000, 425_000]
    assert resets == [1, 1, 1]
    again = list(compare_queries.demo_data.batches())
    assert all(np.array_equal(one.values, other.values) for one, other in zip(batches, again, strict=True))
