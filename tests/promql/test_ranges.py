"""Range vectors: which samples are in a range, and subqueries."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ExecutionError

Load = Callable[..., None]
Ask = Callable[..., object]


def test_a_range_is_open_on_the_left_and_closed_on_the_right(load: Load, ask: Ask) -> None:
    load("x 1 2 3 4")
    assert ask("x[1m]", 60) == {"x": [(30_000, 2), (60_000, 3)]}
    assert ask("count_over_time(x[1m])", 60.001) == {"{}": 2}
    assert ask("count_over_time(x[1m])", 59.999) == {"{}": 2}


def test_staleness_markers_are_no_samples(load: Load, ask: Ask) -> None:
    load('x{a="1"} 1 stale 3\nx{a="2"} 1 2 stale\nx{a="3"} 1 2 3\nx{a="4"} stale stale stale')
    assert ask("count_over_time(x[5m])", 60) == {'{a="1"}': 2, '{a="2"}': 2, '{a="3"}': 3}
    assert ask("x[1m]", 60) == {
        'x{a="1"}': [(60_000, 3)],
        'x{a="2"}': [(30_000, 2)],
        'x{a="3"}': [(30_000, 2), (60_000, 3)],
    }


def test_offset_and_fixed_times_move_a_range(load: Load, ask: Ask) -> None:
    load("x 1 2 3 4")
    assert ask("x[1m] offset 30s", 90) == {"x": [(30_000, 2), (60_000, 3)]}
    assert ask("x[1m] @ 30", 90) == {"x": [(0, 1), (30_000, 2)]}


def test_a_subquery_is_evaluated_at_multiples_of_its_step(load: Load, ask: Ask) -> None:
    load("x 0+1x20")
    assert ask("x[1m:20s]", 100) == {"x": [(60_000, 2), (80_000, 2), (100_000, 3)]}
    assert ask("x[1m:20s]", 110) == {"x": [(60_000, 2), (80_000, 2), (100_000, 3)]}
    assert ask("(x + 1)[1m:20s] offset 1m", 160) == {"{}": [(60_000, 3), (80_000, 3), (100_000, 4)]}


def test_a_subquery_without_a_step_takes_the_default_one(load: Load, ask: Ask) -> None:
    load("x 0+1x20")
    assert ask("x[3m:]", 200) == {"x": [(60_000, 2), (120_000, 4), (180_000, 6)]}


def test_a_range_between_two_steps_is_empty(load: Load, ask: Ask) -> None:
    load("x 0+1x20")
    assert ask("x[10s:1m]", 110) == {}
    assert ask("sum_over_time(rate(x[1m])[10s:1m])", 110) == {}
    assert ask("absent_over_time(x[10s:1m])", 110) == {"{}": 1}


def test_subqueries_nest(load: Load, ask: Ask) -> None:
    load("x 0+1x40")
    assert ask("max_over_time(sum_over_time(x[1m:30s])[2m:30s])", 600) == {"{}": 39}


def test_a_subquery_leaves_out_the_steps_at_which_a_series_is_gone(load: Load, ask: Ask) -> None:
    load('x{a="1"} 1 stale 3\nx{a="2"} 1 2 3')
    assert ask("count_over_time(x[90s:30s])", 60) == {'{a="1"}': 2, '{a="2"}': 3}


def test_times_before_1970_have_steps_too(load: Load, ask: Ask) -> None:
    load("x 5")
    assert ask("count_over_time(vector(1)[1m:20s])", 0) == {"{}": 3}


@pytest.mark.parametrize("query", ["sum_over_time(x[1000d:1ms])", "x[10000d:1ms]"])
def test_a_subquery_of_too_many_steps_is_refused_before_it_begins(engine: Engine, query: str) -> None:
    with pytest.raises(ExecutionError, match="too many samples"):
        engine.instant(query, 0)
