"""Numbers of a page, as Go's ``strconv.ParseFloat`` reads them and Prometheus restricts them (model/textparse)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from dashboard.model.samples import FloatArray

# Prometheus gives every NaN of a page these bits, so that none can pass for its staleness marker.
NORMAL_NAN: float = float(np.array([0x7FF8_0000_0000_0001], dtype=np.uint64).view(np.float64)[0])

_NUMBER = re.compile(rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_INFINITY = re.compile(rb"[+-]?inf(?:inity)?", re.IGNORECASE)
# What float() accepts of tokens made from these signs alone, Go accepts too, but for signed NaNs and overflows.
_HARMLESS = b"0123456789.+-eENaInf"


def parse_float(token: bytes) -> float:
    """Read one value.

    Hexadecimal numbers, underscores and a sign before NaN are refused, and so is a number too large for a float64.

    Raises:
        ValueError: Prometheus refuses the token.
    """
    if _NUMBER.fullmatch(token):
        value = float(token)
        if math.isinf(value):
            raise ValueError("value out of range")
        return value
    if token.lower() == b"nan":
        return NORMAL_NAN
    if _INFINITY.fullmatch(token):
        return float(token)
    raise ValueError("not a number")


def parse_floats(tokens: Sequence[bytes]) -> FloatArray:
    """Read many values at once: the same answer as :func:`parse_float` for each, float64[N].

    Raises:
        ValueError: Prometheus refuses one of the tokens.
    """
    if b"".join(tokens).translate(None, _HARMLESS):
        return np.array([parse_float(token) for token in tokens], np.float64)
    values = np.fromiter(map(float, tokens), np.float64, len(tokens))
    for index in np.flatnonzero(~np.isfinite(values)).tolist():
        values[index] = parse_float(tokens[index])
    return values
