"""Durations that are calculated, some of them from the query that asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ParseError

Load = Callable[..., None]
Ask = Callable[..., object]


@pytest.mark.parametrize(
    "length",
    ["2m", "1m + 1m", "60 * 2", "4m / 2", "(1 + 1) * 1m", "5m % 3m", "2 ^ 1 * 1m", "3m - 30s * 2", "max(2m, 1s)"],
)
def test_arithmetic_makes_a_range(load: Load, ask: Ask, length: str) -> None:
    load("x 0+1x20")
    assert ask(f"count_over_time(x[{length}])", 600) == {"{}": 4}


def test_step_and_range_are_those_of_the_query(load: Load, ask_range: Ask) -> None:
    load("x 0+1x20")
    assert ask_range("count_over_time(x[step() + 30s])", 300, 420, 60) == {"{}": [3, 3, 3]}
    assert ask_range("count_over_time(x[range()] @ end())", 300, 420, 60) == {"{}": [4, 4, 4]}
    assert ask_range("x offset (step() / 2)", 300, 420, 60) == {"x": [9, 11, 13]}
    assert ask_range("x offset -step()", 300, 420, 60) == {"x": [12, 14, 16]}
    assert ask_range("count_over_time(x[1m:step() / 2])", 300, 420, 60) == {"{}": [2, 2, 2]}
    assert ask_range("sum_over_time((x offset step())[1m:30s])", 300, 360, 60) == {"{}": [15, 19]}


def test_an_operator_behind_a_bare_offset_is_one_of_the_expression(load: Load, ask: Ask) -> None:
    load("x 0+1x20")
    assert ask("x offset 1m + 2", 300) == {"{}": 10}
    assert ask("x offset (1m + 60)", 300) == {"x": 6}
    assert ask("x offset -30 ^ 2", 300) == {"{}": 121}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("count_over_time(x[step()])", "18:24: duration must be greater than 0"),
        ("x offset (1m / step())", "10:21: division by zero"),
        ("x offset (1m % step())", "10:21: modulo by zero"),
        ("count_over_time(x[1m:1s - 1s])", "21:28: duration must be greater than 0"),
        ("x offset (10 ^ 300)", "10:18: duration is out of range"),
        ("x offset (10 ^ 400)", "10:18: duration is out of range"),
        ("x offset ((-1) ^ 0.5)", "10:20: duration is out of range"),
    ],
)
def test_a_duration_that_makes_no_sense_for_the_query_is_refused(engine: Engine, query: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        engine.instant(query, 0)
    assert str(caught.value).partition(": ")[2] == reason.partition(": ")[2]


def test_what_a_query_was_called_with_can_be_asked(ask: Ask, ask_range: Ask) -> None:
    query = "end() - start() + range() * 1000 + step() * 100000"
    assert ask_range(query, 100, 160, 30) == {"{}": [60 + 60_000 + 3_000_000] * 3}
    assert ask("start() + end() + range() + step()", 50) == 100
    assert ask("max_over_time(vector(step() + end())[1m:10s])", 50) == {"{}": 50}
    assert ask("max_of(2, min_of(3, 4))", 0) == 3
