"""Figures as people read them."""

import math
import time

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


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC0", "2026-11-20 14:03:22 UTC"),
        ("XYZ-5:30", "2026-11-20 19:33:22 +05:30"),
        ("ABC3", "2026-11-20 11:03:22 -03:00"),
    ],
)
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be changed here")
def test_a_moment_says_in_which_zone_it_is(monkeypatch: pytest.MonkeyPatch, zone: str, shown: str) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert text.moment(1_795_183_402_000) == shown
    time.tzset()


@pytest.mark.parametrize(("value", "shown"), [(0.0005, "0.0005"), (0.00002, "2e-5"), (-3e-12, "-3e-12")])
def test_small_numbers_keep_one_digit(value: float, shown: str) -> None:
    assert text.number(value) == shown


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
