"""Numbers and times are written as Go writes them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.go_format import exponent_value, plain_value, rfc3339, sample_value, timestamp

# Taken from what Prometheus answers for these numbers.
SAMPLES = [
    (0.0, "0"),
    (-0.0, "-0"),
    (1.0, "1"),
    (-1.5, "-1.5"),
    (0.1, "0.1"),
    (1e6, "1000000"),
    (123456.789, "123456.789"),
    (1e-6, "0.000001"),
    (0.00001234, "0.00001234"),
    (9.99e-7, "9.99e-07"),
    (1e-7, "1e-07"),
    (5e-324, "5e-324"),
    (1e16, "10000000000000000"),
    (123456789012345680.0, "123456789012345680"),
    (1e20, "100000000000000000000"),
    (1e21, "1e+21"),
    (-1.5e22, "-1.5e+22"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (math.nan, "NaN"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
]


@pytest.mark.parametrize(("value", "text"), SAMPLES)
def test_a_sample_has_an_exponent_only_beyond_1e_minus_6_and_1e21(value: float, text: str) -> None:
    assert sample_value(value) == text


@given(st.floats())
def test_a_sample_reads_back_as_the_same_number(value: float) -> None:
    for text in (sample_value(value), plain_value(value), exponent_value(value)):
        assert float(text) == value or math.isnan(value)


def test_a_scalar_never_has_an_exponent() -> None:
    assert plain_value(1e21) == "1" + "0" * 21
    assert plain_value(1e-7) == "0.0000001"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0e+00"),
        (-0.0, "-0e+00"),
        (1.0, "1e+00"),
        (0.25, "2.5e-01"),
        (1234.5, "1.2345e+03"),
        (100.0, "1e+02"),
        (-5e-324, "-5e-324"),
        (1e100, "1e+100"),
        (math.inf, "+Inf"),
        (math.nan, "NaN"),
    ],
)
def test_an_alerts_value_always_has_an_exponent(value: float, text: str) -> None:
    assert exponent_value(value) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0"),
        (1, "0.001"),
        (1_700_000_000_000, "1700000000"),
        (1_700_000_000_120, "1700000000.120"),
        (-1500, "-1.500"),
    ],
)
def test_a_timestamp_is_seconds_with_three_decimals_or_none(milliseconds: int, text: str) -> None:
    assert timestamp(milliseconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "0001-01-01T00:00:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (1_795_202_938_632, "2026-11-20T19:28:58.632Z"),
        (1_795_202_938_500, "2026-11-20T19:28:58.5Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_as_rfc_3339_in_utc(milliseconds: int | None, text: str) -> None:
    assert rfc3339(milliseconds) == text
