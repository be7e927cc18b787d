"""Numbers are those that Go reads and Prometheus allows."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.exposition.values import parse_float, parse_floats

GOOD = {
    b"0": 0.0,
    b"-0": -0.0,
    b"+1.5e3": 1500.0,
    b".5": 0.5,
    b"5.": 5.0,
    b"1E-2": 0.01,
    b"5e-324": 5e-324,
    b"1e-400": 0.0,
    b"inf": float("inf"),
    b"-INFINITY": float("-inf"),
    b"+Inf": float("inf"),
}
BAD = [
    *(b"", b".", b"+", b"1_0", b"_1", b"0x1f", b"0x1p3", b"1e", b"1e400", b"-1e400", b"+nan", b"-NaN", b"nano"),
    *(b"in", b"infi", b"infinityx", b" 1", b"1 ", b"1\r", b"1\x0b", b"1.2.3", b"--1", b"1,5", "١".encode(), b"1e1.5"),
]


def bits(value: float) -> bytes:
    return struct.pack(">d", value)


@pytest.mark.parametrize("token", GOOD)
def test_good_tokens(token: bytes) -> None:
    assert bits(parse_float(token)) == bits(GOOD[token])
    assert bits(float(parse_floats([token])[0])) == bits(GOOD[token])


@pytest.mark.parametrize("token", BAD)
def test_bad_tokens(token: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a number|out of range|could not convert"):
        parse_float(token)
    with pytest.raises(ValueError, match=r"not a number|out of range|could not convert"):
        parse_floats([b"1", token])


def one_by_one(tokens: list[bytes]) -> bytes | None:
    try:
        return np.array([parse_float(token) for token in tokens], np.float64).tobytes()
    except ValueError:
        return None


def all_at_once(tokens: list[bytes]) -> bytes | None:
    try:
        return parse_floats(tokens).tobytes()
    except ValueError:
        return None


NEAR_NUMBERS = st.lists(st.sampled_from([*(bytes([sign]) for sign in b"0123456789.+-eE_x \tNa"), b"inf", b"nan"]))


@given(st.lists(st.one_of(NEAR_NUMBERS.map(b"".join), st.sampled_from([*GOOD, b"NaN"])), max_size=5))
@example([b"nan", b"-nan"])
@example([b"infinity", b"1"])
def test_many_values_are_read_like_each_alone(tokens: list[bytes]) -> None:
    assert all_at_once(tokens) == one_by_one(tokens)
