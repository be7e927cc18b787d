"""What the samples of a range come to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ExecutionError

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


def test_the_first_sample_keeps_its_name(load: Load, ask: Ask) -> None:
    load("x 1 4 2 3 _x20")
    assert ask("first_over_time(x[10m])", 600) == {"x": 4}


@pytest.mark.parametrize(("function", "wanted"), [("first", 30), ("last", 150), ("min", 120), ("max", 90)])
def test_it_is_told_when_a_sample_was_taken(load: Load, ask: Ask, function: str, wanted: float) -> None:
    load('x{a="b"} _ 5 NaN 7 1 5\ny NaN NaN')
    assert ask(f"ts_of_{function}_over_time(x[5m])", 200) == {'{a="b"}': wanted}
    assert ask("ts_of_max_over_time(y[5m])", 200) == {"{}": 30}


def test_the_latest_of_equal_extremes_is_told(load: Load, ask: Ask) -> None:
    load("x 3 1 3 1 2")
    assert ask("ts_of_max_over_time(x[5m]) + ts_of_min_over_time(x[5m]) / 1000", 200) == {"{}": 60.09}


def test_a_few_wild_samples_do_not_change_the_median_deviation(load: Load, ask: Ask) -> None:
    load("x 4 6 2 1 999 1 2\ny 5 5 5")
    assert ask("mad_over_time(x[5m])", 180) == {"{}": 1}
    assert ask("mad_over_time(y[5m])", 180) == {"{}": 0}


def test_what_never_moves_has_no_variance(load: Load, ask: Ask) -> None:
    load("x 1.5990505637277868x4")
    assert ask("stdvar_over_time(x[5m])", 120) == {"{}": 0}


def test_smoothing_follows_level_and_trend(load: Load, ask: Ask) -> None:
    load("x 10 20 30 35 _x20\ny 1")
    level, slope, before = 10.0, 10.0, 0.0
    for place, value in enumerate((20, 30, 35), start=1):
        if place > 1:
            slope = 0.3 * (level - before) + 0.7 * slope
        before, level = level, 0.5 * value + 0.5 * (level + slope)
    assert ask("double_exponential_smoothing(x[5m], 0.5, 0.3)", 120) == {"{}": pytest.approx(level)}
    assert ask("double_exponential_smoothing(y[5m], 0.5, 0.3)", 120) == {}


@pytest.mark.parametrize(
    ("factors", "reason"),
    [
        ("0, 0.5", "invalid smoothing factor. Expected: 0 < sf < 1, got: 0.000000"),
        ("0.5, 1", "invalid trend factor. Expected: 0 < tf < 1, got: 1.000000"),
    ],
)
def test_a_factor_must_be_a_share(load: Load, engine: Engine, factors: str, reason: str) -> None:
    load("x 1 2 3")
    with pytest.raises(ExecutionError) as caught:
        engine.instant(f"double_exponential_smoothing(x[5m], {factors})", 60_000)
    assert str(caught.value) == reason


def test_a_sum_loses_what_a_sum_term_by_term_loses(load: Load, ask: Ask) -> None:
    load("x 1 1e100 1 -1e100\ny 1e20 0.25 -1e20 -0.25 0.0037")
    assert ask("sum_over_time(x[5m])", 120) == {"{}": 2}
    assert ask("avg_over_time(y[5m])", 120) == {"{}": pytest.approx(0.0037 / 5)}
