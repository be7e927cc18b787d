"""Literals are read and written as Go does."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.promql.literals import (
    InvalidLiteralError,
    format_general,
    format_number,
    parse_number,
    quote,
    unquote,
)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"a\tb"', "a\tb"),
        (r"'it\'s'", "it's"),
        (r"`raw\n`", r"raw\n"),
        (r'"\x41\101\u00e9\U0001F600"', "AAé😀"),
        (r'"\xc3\xa9"', "é"),
        (r'"\xff"', "\ufffd"),
    ],
)
def test_strings_are_unquoted(literal: str, value: str) -> None:
    assert unquote(literal) == value


@pytest.mark.parametrize(
    ("literal", "reason"),
    [
        (r'"\c"', "unknown escape sequence"),
        (r'"\'"', "unknown escape sequence"),
        (r'"\x4"', "escape sequence not terminated"),
        (r'"\x4g"', "illegal character U\\+0067 'g' in escape sequence"),
        (r'"\ud800"', "invalid Unicode code point"),
        (r'"\U00110000"', "invalid Unicode code point"),
        (r'"\400"', "invalid Unicode code point"),
    ],
)
def test_escapes_that_say_nothing_are_refused(literal: str, reason: str) -> None:
    with pytest.raises(InvalidLiteralError, match=reason):
        unquote(literal)


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_quoted_is_unquoted(text: str) -> None:
    assert unquote(quote(text)) == text


@pytest.mark.parametrize(
    ("literal", "value"),
    [("0x1f", 31), ("010", 8), ("08", 8), ("0", 0), ("1_000", 1000), (".5", 0.5), ("2.", 2), ("iNf", math.inf)],
)
def test_numbers_are_read(literal: str, value: float) -> None:
    assert parse_number(literal) == value


def test_an_integer_beyond_64_bits_is_a_float() -> None:
    assert parse_number("18446744073709551617") == 2.0**64
    assert parse_number("0x" + "0" * 5000 + "10") == 16


def test_a_number_of_thousands_of_digits_is_out_of_range() -> None:
    with pytest.raises(InvalidLiteralError, match="value out of range"):
        parse_number("9" * 5000)


@pytest.mark.parametrize("literal", ["", "1_", "1__0", "0x", "1.5_0", "abc", "1e999"])
def test_what_is_no_number_is_refused(literal: str) -> None:
    with pytest.raises(InvalidLiteralError):
        parse_number(literal)


@given(st.floats(allow_nan=False))
def test_a_number_is_written_without_exponent_and_read_back(value: float) -> None:
    text = format_number(value)
    assert "e" not in text
    assert float(text) == value


@pytest.mark.parametrize(
    ("value", "text"), [(1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-5, "1e-05"), (1.5, "1.5"), (-0.0, "-0")]
)
def test_general_format_is_that_of_go(value: float, text: str) -> None:
    assert format_general(value) == text
