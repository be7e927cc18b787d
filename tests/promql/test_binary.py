"""Operators between scalars and vectors, and which series match each other."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ExecutionError

Load = Callable[..., None]
Ask = Callable[..., object]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7 % 0", "NaN"),
        ("1 / 0", math.inf),
        ("0 / 0", "NaN"),
        ("1 atan2 1", pytest.approx(math.pi / 4)),
        ("1 < bool 2", 1),
        ("NaN == bool NaN", 0),
        ("NaN != bool NaN", 1),
    ],
)
def test_scalars_are_calculated(ask: Ask, query: str, wanted: object) -> None:
    assert ask(query) == wanted


def test_a_vector_and_a_scalar_lose_the_name_unless_they_filter(load: Load, ask: Ask) -> None:
    load('x{i="1"} 1\nx{i="2"} 2')
    assert ask("x * 10") == {'{i="1"}': 10, '{i="2"}': 20}
    assert ask("10 - x") == {'{i="1"}': 9, '{i="2"}': 8}
    assert ask("x > 1") == {'x{i="2"}': 2}
    assert ask("1 < x") == {'x{i="2"}': 2}
    assert ask("x > bool 1") == {'{i="1"}': 0, '{i="2"}': 1}


def test_a_filter_leaves_gaps(load: Load, ask_range: Ask) -> None:
    load("x 1 5 2 6")
    assert ask_range("x > 2", 0, 90, 30) == {"x": [None, 5, None, 6]}
    assert ask_range("x > 9", 0, 90, 30) == {}


def test_series_with_the_same_labels_match(load: Load, ask: Ask) -> None:
    load('a{i="1"} 1\na{i="2"} 2\nb{i="2"} 20\nb{i="3"} 30')
    assert ask("a + b") == {'{i="2"}': 22}
    assert ask("a < b") == {'a{i="2"}': 2}
    assert ask("a > bool b") == {'{i="2"}': 0}


def test_labels_are_ignored_or_picked(load: Load, ask: Ask) -> None:
    load('a{i="1", x="p"} 1\nb{i="1", y="q"} 10')
    assert ask("a + b") == {}
    assert ask("a + ignoring (x, y) b") == {'{i="1"}': 11}
    assert ask("a + on (i) b") == {'{i="1"}': 11}
    assert ask("a < on (i) b") == {'{i="1"}': 1}
    assert ask("a < ignoring (x, y) b") == {'a{i="1"}': 1}


def test_many_match_one_and_take_labels_from_it(load: Load, ask: Ask) -> None:
    load('a{i="1", s="x"} 1\na{i="1", s="y"} 2\ninfo{i="1", v="7", s="gone"} 10')
    assert ask("a * on (i) group_left (v) info") == {
        '{i="1", s="x", v="7"}': 10,
        '{i="1", s="y", v="7"}': 20,
    }
    assert ask("info - on (i) group_right (v) a") == {'{i="1", s="x", v="7"}': 9, '{i="1", s="y", v="7"}': 8}
    assert ask("a < on (i) group_left (missing) info") == {'a{i="1", s="x"}': 1, 'a{i="1", s="y"}': 2}
    assert ask("info > on (i) group_right a") == {'a{i="1", s="x"}': 10, 'a{i="1", s="y"}': 10}


def test_the_one_side_may_change_over_time(load: Load, ask_range: Ask) -> None:
    load('a{i="1"} 1 2 3\ninfo{i="1", v="old"} 10 stale stale\ninfo{i="1", v="new"} _ 20 20')
    assert ask_range("a * on (i) info", 0, 60, 30) == {'{i="1"}': [10, 40, 60]}
    assert ask_range("a * on (i) group_left (v) info", 0, 60, 30) == {
        '{i="1", v="old"}': [10, None, None],
        '{i="1", v="new"}': [None, 40, 60],
    }


REFUSED = [
    (
        "a * on (i) b",
        r'found duplicate series for the match group \{i="1"\} on the right hand-side of the operation: '
        r'\[\{__name__="b", i="1", k="2"\}, \{__name__="b", i="1", k="1"\}\];many-to-many matching not allowed: '
        "matching labels must be unique on one side",
    ),
    ("b * on (i) group_right a", 'match group {i="1"} on the left hand-side'.replace("{", r"\{").replace("}", r"\}")),
    ("b * on (i) c", r"multiple matches for labels: many-to-one matching must be explicit \(group_left/group_right\)"),
    (
        "b * on (i) group_left (k) c",
        "multiple matches for labels: grouping labels must ensure unique matches",
    ),
    ("-{i='1', k='1'}", "vector cannot contain metrics with the same labelset"),
    ("{i='1', k='1'} * 2", "vector cannot contain metrics with the same labelset"),
    ("abs({i='1', k='1'})", "vector cannot contain metrics with the same labelset"),
    ("sum_over_time({i='1', k='1'}[5m])", "vector cannot contain metrics with the same labelset"),
]


@pytest.mark.parametrize(("query", "reason"), REFUSED)
def test_an_ambiguous_match_is_refused(load: Load, engine: Engine, query: str, reason: str) -> None:
    load('a{i="1"} 1\nb{i="1", k="1"} 2\nb{i="1", k="2"} 3\nc{i="1", k="x"} 4\nd{i="1", k="1"} 5')
    with pytest.raises(ExecutionError, match=reason):
        engine.instant(query, 0)


def test_twins_that_nothing_could_match_are_no_error(load: Load, ask: Ask) -> None:
    load('b{i="1", k="1"} 2\nb{i="1", k="2"} 3')
    assert ask("missing * on (i) b") == {}


def test_series_that_take_turns_become_one(load: Load, ask_range: Ask) -> None:
    load('a{k="1"} 1 stale\nb{k="1"} _ 2')
    assert ask_range("{k='1'} + 0", 0, 30, 30) == {'{k="1"}': [1, 2]}


def test_set_operators_go_by_presence(load: Load, ask: Ask, ask_range: Ask) -> None:
    load('a{i="1"} 1 1\na{i="2"} 2 2\nb{i="2"} 20 stale\nb{i="3"} 30 30')
    assert ask("a and b") == {'a{i="2"}': 2}
    assert ask("a unless b") == {'a{i="1"}': 1}
    assert ask("a or b") == {'a{i="1"}': 1, 'a{i="2"}': 2, 'b{i="3"}': 30}
    assert ask("a and on () b") == {'a{i="1"}': 1, 'a{i="2"}': 2}
    assert ask("a unless on () missing") == {'a{i="1"}': 1, 'a{i="2"}': 2}
    assert ask("missing or b") == {'b{i="2"}': 20, 'b{i="3"}': 30}
    assert ask("a or on () b") == {'a{i="1"}': 1, 'a{i="2"}': 2}
    assert ask_range("a and b", 0, 30, 30) == {'a{i="2"}': [2, None]}
    assert ask_range("a unless b", 0, 30, 30) == {'a{i="1"}': [1, 1], 'a{i="2"}': [None, 2]}
    assert ask_range("b or a", 0, 30, 30) == {
        'a{i="1"}': [1, 1],
        'a{i="2"}': [None, 2],
        'b{i="2"}': [20, None],
        'b{i="3"}': [30, 30],
    }


@pytest.mark.parametrize(
    ("fill", "wanted"),
    [
        ("fill(0)", {'{i="a"}': 11, '{i="b"}': 2, '{i="c"}': 30}),
        ("fill_left(5)", {'{i="a"}': 11, '{i="c"}': 35}),
        ("fill_right(NaN)", {'{i="a"}': 11, '{i="b"}': "NaN"}),
        ("fill_left(1) fill_right(2)", {'{i="a"}': 11, '{i="b"}': 4, '{i="c"}': 31}),
    ],
)
def test_a_series_that_one_side_lacks_is_filled_in(load: Load, ask: Ask, fill: str, wanted: object) -> None:
    load('x{i="a"} 1\nx{i="b"} 2\ny{i="a"} 10\ny{i="c"} 30')
    assert ask(f"x + {fill} y") == wanted


def test_filling_goes_step_by_step(load: Load, ask_range: Ask) -> None:
    load('x{i="a"} 1 stale 3\ny{i="a"} stale 20 30\ny{i="b"} 1 1 stale')
    assert ask_range("x + fill(0) y", 0, 60, 30) == {'{i="a"}': [1, 20, 33], '{i="b"}': [1, 1, None]}


def test_a_filled_series_has_the_labels_that_were_matched(load: Load, ask: Ask) -> None:
    load('x{i="a", j="1"} 1\nx{i="a", j="2"} 2\ny{i="b", k="z"} 30')
    assert ask("x + on (i) group_left (k) fill(0) y") == {
        '{i="a", j="1"}': 1,
        '{i="a", j="2"}': 2,
        '{i="b", k="z"}': 30,
    }
    assert ask("y == bool on (i) group_right fill_right(30) x") == {'{i="a", j="1"}': 0, '{i="a", j="2"}': 0}
    assert ask("x != on (i) group_left fill_right(2) y") == {'x{i="a", j="1"}': 1}


def test_type_and_unit_go_with_the_name(load: Load, ask: Ask) -> None:
    load('x{__type__="counter", __unit__="s", i="a"} 1')
    assert ask("x + x") == {'{i="a"}': 2}
    assert ask("x == x") == {'x{__type__="counter", __unit__="s", i="a"}': 1}
    assert ask("abs(x)") == {'{i="a"}': 1}
