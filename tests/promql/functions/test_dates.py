"""The calendar, in UTC."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Load = Callable[..., None]
Ask = Callable[..., object]

# 29 February 2024, 13:37:42, a Thursday.
AT = 1_709_213_862


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        ("minute", 37),
        ("hour", 13),
        ("day_of_week", 4),
        ("day_of_month", 29),
        ("day_of_year", 60),
        ("days_in_month", 29),
        ("month", 2),
        ("year", 2024),
    ],
)
def test_a_time_is_taken_apart(ask: Ask, function: str, wanted: int) -> None:
    assert ask(f"{function}()", AT) == {"{}": wanted}
    assert ask(f"{function}(vector({AT}.9))", 0) == {"{}": wanted}


def test_a_day_before_1970_is_a_day_too(ask: Ask) -> None:
    assert ask("day_of_week(vector(-1))") == {"{}": 3}
    assert ask("year(vector(-1))") == {"{}": 1969}


@pytest.mark.parametrize("number", ["NaN", "Inf", "-Inf", "1e30"])
def test_what_names_no_second_is_the_last_one_there_is(ask: Ask, number: str) -> None:
    parts = ("year", "month", "day_of_month", "hour", "minute")
    assert [ask(f"{part}(vector({number}))") for part in parts] == [
        {"{}": part} for part in (292_277_026_596, 12, 4, 15, 30)
    ]
