"""Figures as people read them."""

import math

import pytest

from dashboard.web.views import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0, "0"),
        (0.1234, "0.12"),
        (1.5, "1.5"),
        (12.34, "12.3"),
        (999.4, "999"),
        (999.9, "1k"),
        (1234, "1.23k"),
        (45_600_000, "45.6M"),
        (-1234, "-1.23k"),
        (math.inf, "∞"),
    ],
)
def test_numbers_keep_three_digits_that_matter(value: float | None, shown: str) -> None:
    assert text.number(value) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0, "0 %"),
        (0.00001, "<0.01 %"),
        (0.0123, "1.23 %"),
        (0.99999, "99.99 %"),
        (1.0, "100 %"),
    ],
)
def test_only_what_is_whole_shows_as_a_hundred_percent(ratio: float | None, shown: str) -> None:
    assert text.percent(ratio) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0 s"),
        (0.00045, "450 µs"),
        (0.045, "45 ms"),
        (1.25, "1.25 s"),
        (120, "2 min"),
        (7200, "2 h"),
        (259_200, "3 d"),
    ],
)
def test_durations_take_the_unit_that_fits(value: float | None, shown: str) -> None:
    assert text.seconds(value) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(-5, "0 s"), (4_900, "4 s"), (61_000, "1 min"), (7_200_000, "2 h"), (172_800_000, "2 d")],
)
def test_ages_are_whole_and_never_below_zero(milliseconds: int, shown: str) -> None:
    assert text.age(milliseconds) == shown


def test_bytes_go_by_powers_of_1024() -> None:
    assert [text.size(value) for value in (0, 1023, 1536, 3 * 2**30)] == [
        "0 B",
        "1,023 B".replace(",", ""),
        "1.5 KiB",
        "3 GiB",
    ]


def test_amounts_agree_with_their_noun() -> None:
    assert [text.count(1, "alert"), text.count(2000, "alert"), text.count(2, "series", "series")] == [
        "1 alert",
        "2,000 alerts",
        "2 series",
    ]
