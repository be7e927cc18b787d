"""Aggregations over the series of a vector."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from dashboard.promql import Engine, ExecutionError, Matrix, Vector, aggregation

Load = Callable[..., None]
Ask = Callable[..., object]

SERIES = """
x{job="a", i="1"} 1
x{job="a", i="2"} 3
x{job="b", i="1"} 10
x{job="b", i="2"} NaN
"""


@pytest.mark.parametrize(
    ("query", "a", "b"),
    [
        ("sum", 4, "NaN"),
        ("avg", 2, "NaN"),
        ("min", 1, 10),
        ("max", 3, 10),
        ("count", 2, 2),
        ("group", 1, 1),
        ("stddev", 1, "NaN"),
        ("stdvar", 1, "NaN"),
    ],
)
def test_series_are_reduced_by_group(load: Load, ask: Ask, query: str, a: object, b: object) -> None:
    load(SERIES)
    assert ask(f"{query} by (job) (x)") == {'{job="a"}': a, '{job="b"}': b}


def test_groups_are_named_by_what_is_kept(load: Load, ask: Ask) -> None:
    load(SERIES)
    assert ask("count(x)") == {"{}": 4}
    assert ask("count without (i) (x)") == {'{job="a"}': 2, '{job="b"}': 2}
    assert ask("count by (__name__) (x)") == {"x": 4}
    assert ask("count by (missing) (x)") == {"{}": 4}
    assert ask("count without () (x)") == {f'{{i="{i}", job="{job}"}}': 1 for job in "ab" for i in "12"}


def test_only_what_is_present_counts(load: Load, ask_range: Ask) -> None:
    load('x{i="1"} 1 stale 5\nx{i="2"} 2 stale stale')
    assert ask_range("sum(x)", 0, 60, 30) == {"{}": [3, None, 5]}
    assert ask_range("avg(x)", 0, 60, 30) == {"{}": [1.5, None, 5]}
    assert ask_range("min(x)", 0, 60, 30) == {"{}": [1, None, 5]}
    assert ask_range("quantile(0.5, x)", 0, 60, 30) == {"{}": [1.5, None, 5]}


def test_nothing_aggregates_to_nothing(ask: Ask) -> None:
    assert ask("sum(missing)") == {}
    assert ask("topk(1, missing)") == {}
    assert ask("count_values('v', missing)") == {}


def test_the_best_keep_their_labels_and_come_in_order(load: Load, engine: Engine) -> None:
    load('x{i="1"} 2\nx{i="2"} NaN\nx{i="3"} 5\nx{i="4"} -1')
    for query, wanted in (("topk(3, x)", "314"), ("topk(9, x)", "3142"), ("bottomk(2, x)", "41"), ("topk(0, x)", "")):
        answer = engine.instant(query, 0).value
        assert isinstance(answer, Vector)
        assert "".join(labels.get("i") for labels in answer.labels) == wanted, query


def test_the_best_are_chosen_by_group_and_step(load: Load, ask_range: Ask) -> None:
    load('x{j="a", i="1"} 1 9\nx{j="a", i="2"} 2 3\nx{j="b", i="1"} 7 7')
    assert ask_range("topk by (j) (1, x)", 0, 30, 30) == {
        'x{i="1", j="a"}': [None, 9],
        'x{i="2", j="a"}': [2, None],
        'x{i="1", j="b"}': [7, 7],
    }
    assert ask_range("bottomk(1 + time() / 30, x{j='a'})", 0, 30, 30) == {
        'x{i="1", j="a"}': [1, 9],
        'x{i="2", j="a"}': [None, 3],
    }


@pytest.mark.parametrize("query", ["topk(2, x)", "bottomk(1, x)", "topk by (j) (time() / 30, x)", "bottomk(-1, x)"])
def test_the_best_of_many_are_chosen_in_parts(
    load: Load, engine: Engine, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    load("\n".join(f'x{{j="{i % 3}", i="{i}"}} {i}x3 {i * 7 % 5} stale {i * 3 % 7}x4 NaN' for i in range(12)))
    whole = engine.range(query, 0, 300_000, 30_000).value
    monkeypatch.setattr(aggregation, "_RANKED", 30)
    parts = engine.range(query, 0, 300_000, 30_000).value
    assert isinstance(whole, Matrix)
    assert isinstance(parts, Matrix)
    assert list(parts.labels) == list(whole.labels)
    assert np.array_equal(parts.present, whole.present)
    assert np.array_equal(parts.values[parts.present], whole.values[whole.present], equal_nan=True)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("topk(NaN, x)", "Parameter value is NaN"),
        ("bottomk(1e30, x)", r"Scalar value 1e\+30 overflows int64"),
        ("count_values('', x)", 'invalid label name ""'),
        ("limitk(-1e30, x)", r"Scalar value -1e\+30 overflows int64"),
        ("limit_ratio(NaN, x)", "Ratio value is NaN"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(load: Load, engine: Engine, query: str, reason: str) -> None:
    load(SERIES)
    with pytest.raises(ExecutionError, match=reason):
        engine.instant(query, 0)


@pytest.mark.parametrize(("q", "wanted"), [("0.5", 2), ("0.25", 1.5), ("-1", -math.inf), ("2", math.inf)])
def test_quantiles_lie_between_series(load: Load, ask: Ask, q: str, wanted: float) -> None:
    load('x{i="1"} 1\nx{i="2"} 3\nx{i="3"} 2')
    assert ask(f"quantile({q}, x)") == {"{}": wanted}


def test_nan_is_the_least_of_a_quantile(load: Load, ask: Ask) -> None:
    load('x{i="1"} 1\nx{i="2"} NaN\nx{i="3"} +Inf')
    assert ask("quantile(0, x)") == {"{}": "NaN"}
    assert ask("quantile(0.5, x)") == {"{}": "NaN"}
    assert ask("quantile(1, x)") == {"{}": "NaN"}
    assert ask("quantile(0.5, x{i!='3'} + 1)") == {"{}": "NaN"}


def test_a_quantile_that_is_none_is_warned_of(engine: Engine, load: Load) -> None:
    load(SERIES)
    (warning,) = engine.instant("1 + quantile(7, x)", 0).warnings
    assert warning == "PromQL warning: quantile value should be between 0 and 1, got 7 (1:14)"


def test_equal_values_are_counted(load: Load, ask: Ask, ask_range: Ask) -> None:
    load('x{i="1"} 1 1\nx{i="2"} 1 0.5\nx{i="3"} NaN 1e21')
    assert ask('count_values("v", x)') == {'{v="1"}': 2, '{v="NaN"}': 1}
    assert ask_range('count_values by (i) ("i", x)', 0, 30, 30) == {
        '{i="1"}': [2, 1],
        '{i="0.5"}': [None, 1],
        '{i="NaN"}': [1, None],
        '{i="1000000000000000000000"}': [None, 1],
    }


def test_a_number_of_series_is_kept_of_each_group(load: Load, ask_range: Ask) -> None:
    load('x{i="1", j="a"} 1 stale\nx{i="2", j="a"} 2 2\nx{i="3", j="b"} 3 3')
    assert ask_range("limitk by (j) (1, x)", 0, 30, 30) == {
        'x{i="1", j="a"}': [1, None],
        'x{i="2", j="a"}': [None, 2],
        'x{i="3", j="b"}': [3, 3],
    }
    assert ask_range("limitk(-1, x)", 0, 30, 30) == {}
    assert ask_range("limitk(time() / 30, x)", 0, 30, 30) == {'x{i="2", j="a"}': [None, 2]}


def test_a_share_of_the_series_is_kept_and_the_rest_is_its_opposite(load: Load, ask: Ask) -> None:
    load("\n".join(f'x{{i="{number}"}} {number}' for number in range(40)))
    share, rest = ask("limit_ratio(0.4, x)"), ask("limit_ratio(-0.6, x)")
    assert isinstance(share, dict)
    assert isinstance(rest, dict)
    assert not share.keys() & rest.keys()
    assert {**share, **rest} == ask("x")
    assert 0 < len(share) < 40
    assert ask("limit_ratio(0, x)") == {}


def test_a_share_beyond_all_is_warned_of(engine: Engine, load: Load) -> None:
    load(SERIES)
    (warning,) = engine.instant("limit_ratio(1.1, x)", 0).warnings
    assert warning == "PromQL warning: ratio value should be between -1 and 1, got 1.1, capping to 1 (1:13)"
    (warning,) = engine.instant("limit_ratio(-2, x)", 0).warnings
    assert warning == "PromQL warning: ratio value should be between -1 and 1, got -2, capping to -1 (1:13)"


def test_equal_values_have_no_variance(load: Load, ask: Ask) -> None:
    load('x{i="1"} 13.3\nx{i="2"} 13.3\nx{i="3"} 13.3')
    assert ask("stdvar(x)") == {"{}": 0}
    assert ask("stddev(x + 1e9)") == {"{}": 0}
