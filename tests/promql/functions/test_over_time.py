"""What the samples of a range come to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine

Load = Callable[..., None]
Ask = Callable[..., object]


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("avg", 2.5),
        ("sum", 10),
        ("min", 1),
        ("max", 4),
        ("count", 4),
        ("present", 1),
        ("stddev", pytest.approx(1.25**0.5)),
        ("stdvar", 1.25),
    ],
)
def test_a_range_is_reduced_and_loses_its_name(load: Load, ask: Ask, function: str, wanted: object) -> None:
    load('x{a="b"} 1 4 2 3')
    assert ask(f"{function}_over_time(x[2m])", 90) == {'{a="b"}': wanted}


def test_the_last_sample_keeps_its_name(load: Load, ask: Ask) -> None:
    load("x 1 4 2 3 _x20")
    assert ask("last_over_time(x[10m])", 600) == {"x": 3}


def test_least_and_greatest_pass_over_nan(load: Load, ask: Ask) -> None:
    load("x 1 NaN 3\ny NaN NaN NaN")
    assert ask('max_over_time({__name__="x"}[5m])', 60) == {"{}": 3}
    assert ask("min_over_time(x[5m])", 60) == {"{}": 1}
    assert ask("max_over_time(y[5m])", 60) == {"{}": "NaN"}
    assert ask("sum_over_time(x[5m])", 60) == {"{}": "NaN"}


@pytest.mark.parametrize(
    ("q", "wanted"), [("0", 1), ("0.5", 2.5), ("0.75", 3.25), ("1", 4), ("-1", -float("inf")), ("2", float("inf"))]
)
def test_quantiles_lie_between_samples(load: Load, ask: Ask, q: str, wanted: float) -> None:
    load("x 1 4 2 3")
    assert ask(f"quantile_over_time({q}, x[5m])", 90) == {"{}": wanted}


def test_a_quantile_may_change_from_step_to_step(load: Load, ask_range: Ask) -> None:
    load("x 1 4 2 3")
    assert ask_range("quantile_over_time(time() / 90, x[5m])", 0, 90, 90) == {"{}": [1, 4]}
    assert ask_range("quantile_over_time(time() / 90, x[5m] @ 90)", 0, 90, 90) == {"{}": [1, 4]}


def test_a_quantile_out_of_bounds_is_warned_of(engine: Engine, load: Load) -> None:
    load("x 1 4 2 3")
    wanted = ("PromQL warning: quantile value should be between 0 and 1, got 1.5 (1:20)",)
    assert engine.instant("quantile_over_time(1.5, x[5m])", 0).warnings == wanted


def test_a_range_without_samples_gives_nothing(load: Load, ask_range: Ask) -> None:
    load("x 1 _x9 2")
    assert ask_range("count_over_time(x[1m])", 0, 300, 100) == {"{}": [1, None, None, 1]}
