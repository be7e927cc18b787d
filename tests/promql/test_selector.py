"""Which sample of a series a selector finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dashboard.promql import Engine

Load = Callable[..., None]
Ask = Callable[..., object]


def test_the_latest_sample_is_found(load: Load, ask: Ask) -> None:
    load("up 1 2 3")
    assert ask("up", 59.999) == {"up": 2}
    assert ask("up", 60) == {"up": 3}


def test_lookback_ends_just_before_five_minutes(load: Load, ask: Ask) -> None:
    load("up 7")
    assert ask("up", 299.999) == {"up": 7}
    assert ask("up", 300) == {}


def test_a_sample_in_the_future_is_not_seen(load: Load, ask: Ask) -> None:
    load("up _ 7")
    assert ask("up", 29.999) == {}


def test_a_staleness_marker_ends_a_series_at_once(load: Load, ask: Ask, ask_range: Ask) -> None:
    load("up 1 stale _ 4")
    assert ask("up", 30) == {}
    assert ask_range("up", 0, 90, 30) == {"up": [1, None, None, 4]}


def test_a_staleness_marker_disturbs_no_operator(load: Load, ask_range: Ask) -> None:
    load("x 1 stale 3")
    query = "clamp(abs(x), 0, 9) + (x > 0) * 2 + round(-x) - x % 2 + topk(1, x) + sum(x) + (x > bool 0)"
    assert ask_range(query, 0, 60, 30) == {"{}": [4, None, 12]}


def test_an_ordinary_nan_is_a_value(load: Load, ask: Ask) -> None:
    load("up 1 NaN")
    assert ask("up", 30) == {"up": "NaN"}


def test_series_with_other_timestamps_stand_side_by_side(load: Load, ask: Ask) -> None:
    load('x{a="1"} 1 2 3\nx{a="2"} 1 _ stale\nx{a="3"} _ _ 9')
    assert ask("x", 60) == {'x{a="1"}': 3, 'x{a="3"}': 9}


def test_offset_looks_back_and_forth(load: Load, ask: Ask) -> None:
    load("x 0+1x20")
    assert ask("x offset 1m", 300) == {"x": 8}
    assert ask("x offset -1m", 300) == {"x": 12}


def test_a_fixed_time_holds_for_every_step(load: Load, ask_range: Ask) -> None:
    load("x 0+1x20")
    assert ask_range("x @ 90", 0, 60, 30) == {"x": [3, 3, 3]}
    assert ask_range("x @ start() + x @ end()", 30, 90, 30) == {"{}": [4, 4, 4]}
    assert ask_range("x @ end() offset 30s", 30, 90, 30) == {"x": [2, 2, 2]}


def test_only_what_is_needed_is_asked_for(storage: Any, engine: Engine, load: Load) -> None:
    load("x 0+1x100")
    engine.range("x offset 1m", 600_000, 900_000, 60_000)
    engine.instant("rate(x[2m])", 600_000)
    assert storage.asked == [(240_001, 840_000), (480_001, 600_000)]


def test_matchers_are_anchored(load: Load, ask: Ask) -> None:
    load('x{a="one"} 1\nx{a="two"} 2\nx 3')
    assert ask('x{a=~"o"}') == {}
    assert ask('x{a=~"o.*|"}') == {'x{a="one"}': 1, "x": 3}
    assert ask('x{a!=""}') == {'x{a="one"}': 1, 'x{a="two"}': 2}


def test_the_lookback_may_be_given_for_a_query(engine: Engine, load: Load) -> None:
    load("up 7")
    assert not engine.instant("up", 100_000, lookback=60_000).value.labels


@pytest.mark.parametrize(("query", "wanted"), [("timestamp(x)", 30), ("timestamp((x))", 30), ("timestamp(-x)", 45)])
def test_timestamp_of_a_selector_is_that_of_the_sample(load: Load, ask: Ask, query: str, wanted: float) -> None:
    load("x 5 5")
    assert ask(query, 45) == {"{}": wanted}
