"""Functions of single numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

Load = Callable[..., None]
Ask = Callable[..., object]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("abs(x)", 2.5),
        ("ceil(x)", -2),
        ("floor(x)", -3),
        ("round(x)", -2),
        ("round(x, 0.2)", pytest.approx(-2.4)),
        ("exp(x)", pytest.approx(math.exp(-2.5))),
        ("ln(-x)", pytest.approx(math.log(2.5))),
        ("ln(x)", "NaN"),
        ("log2(x - x)", -math.inf),
        ("log10(x * -40)", 2),
        ("sqrt(x)", "NaN"),
        ("sgn(x)", -1),
        ("sgn(x / 0 * 0)", "NaN"),
        ("clamp(x, -1, 1)", -1),
        ("clamp(x, NaN, 1)", "NaN"),
        ("clamp_min(x, 0)", 0),
        ("clamp_max(x, -3)", -3),
        ("cos(x * 0)", 1),
        ("deg(x * 0 + pi())", 180),
    ],
)
def test_a_number_becomes_another_and_loses_its_name(load: Load, ask: Ask, query: str, wanted: object) -> None:
    load("x -2.5")
    assert ask(query) == {"{}": wanted}


def test_clamping_between_borders_that_cross_leaves_nothing(load: Load, ask: Ask, ask_range: Ask) -> None:
    load("x 5 5")
    assert ask("clamp(x, 2, 1)") == {}
    assert ask_range("clamp(x, time(), 10)", 0, 30, 30) == {"{}": [5, None]}


def test_a_border_may_change_from_step_to_step(load: Load, ask_range: Ask) -> None:
    load("x 5 5")
    assert ask_range("clamp_max(x, time() / 10)", 0, 30, 30) == {"{}": [0, 3]}
