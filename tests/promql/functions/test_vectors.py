"""From one kind of value to another, order, and absence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, Vector

Load = Callable[..., None]
Ask = Callable[..., object]


def test_one_series_is_a_scalar_and_any_other_number_of_them_is_nan(load: Load, ask: Ask, ask_range: Ask) -> None:
    load('x{a="1"} 1 1\nx{a="2"} 2 stale')
    assert ask("scalar(x{a='2'})") == 2
    assert ask("scalar(missing)") == "NaN"
    assert ask_range("scalar(x)", 0, 30, 30) == {"{}": ["NaN", 1]}


def test_a_scalar_is_a_vector_without_labels(ask: Ask) -> None:
    assert ask("vector(time() * 2)", 21) == {"{}": 42}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("absent(x)", {}),
        ("absent(missing)", {"{}": 1}),
        ("absent(missing{a='1', b!='2', c=~'3', d=''})", {'{a="1"}': 1}),
        ("absent(missing{a='1', a='2', b='3'})", {'{b="3"}': 1}),
        ("absent(sum(missing{a='1'}))", {"{}": 1}),
        ("absent((missing{a='1'}))", {'{a="1"}': 1}),
        ("absent_over_time(missing{a='1'}[5m])", {'{a="1"}': 1}),
        ("absent_over_time(x[5m])", {}),
        ("absent_over_time(x[5m] offset 10m)", {"{}": 1}),
    ],
)
def test_absence_is_a_series_with_the_labels_that_were_asked_for(
    load: Load, ask: Ask, query: str, wanted: object
) -> None:
    load("x 1")
    assert ask(query) == wanted


def test_absence_is_told_for_each_step(load: Load, ask_range: Ask) -> None:
    load("x 1 stale 3")
    assert ask_range("absent(x)", 0, 60, 30) == {"{}": [None, 1, None]}
    assert ask_range("absent_over_time(x[30s])", 0, 60, 30) == {"{}": [None, 1, None]}


@pytest.mark.parametrize(("query", "wanted"), [("sort(x)", "bcad"), ("sort_desc(x)", "acbd")])
def test_series_are_sorted_and_nan_comes_last(load: Load, engine: Engine, query: str, wanted: str) -> None:
    load('x{i="a"} 3\nx{i="b"} 1\nx{i="c"} 2\nx{i="d"} NaN')
    answer = engine.instant(query, 0).value
    assert isinstance(answer, Vector)
    assert [labels.get("i") for labels in answer.labels] == list(wanted)
