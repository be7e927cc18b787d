"""Numbers and times as Go writes them in Prometheus's JSON (util/jsonutil/marshal.go, ``time.Time.MarshalJSON``)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: what never happened."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sample_value(value: float) -> str:
    """Write a sample's value: shortest digits, without an exponent from 1e-6 up to 1e21."""
    size = abs(value)
    if size and math.isfinite(value) and not 1e-6 <= size < 1e21:
        return repr(value)
    return plain_value(value)


def plain_value(value: float) -> str:
    """Write a number in its shortest digits and never with an exponent, as Go's format ``f`` with precision -1."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    return (format(Decimal(text), "f") if "e" in text else text).removesuffix(".0")


def exponent_value(value: float) -> str:
    """Write a number in its shortest digits and always with an exponent, as Go's format ``e`` with precision -1."""
    if not math.isfinite(value):
        return plain_value(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0") or "0"
    shown = text.rstrip("0") or "0"
    power = int(exponent) + len(text) - 1 if value else 0
    fraction = f".{shown[1:]}" if shown[1:] else ""
    return f"{'-' if sign else ''}{shown[0]}{fraction}e{power:+03d}"


def general_value(value: float) -> str:
    """Write a number in its shortest digits, with an exponent below 1e-4 and from 1e6 on: Go's ``g``, precision -1."""
    if not math.isfinite(value):
        return plain_value(value)
    size = abs(value)
    return plain_value(value) if not size or 1e-4 <= size < 1e6 else exponent_value(value)


def timestamp(milliseconds: int) -> str:
    """Write a time as a JSON number of seconds, with three decimals where it is not whole."""
    seconds, rest = divmod(abs(milliseconds), 1000)
    sign = "-" if milliseconds < 0 else ""
    return f"{sign}{seconds}.{rest:03d}" if rest else f"{sign}{seconds}"


def shortest_timestamp(milliseconds: int) -> str:
    """Write a time as a JSON number of seconds in its shortest digits, as Go writes any other number."""
    at = timestamp(milliseconds)
    return at.rstrip("0") if "." in at else at


def rfc3339(milliseconds: int | None) -> str:
    """Write a time as RFC 3339 in UTC; ``None`` is Go's zero time."""
    if milliseconds is None:
        return NO_TIME
    whole, rest = divmod(milliseconds, 1000)
    text = (_EPOCH + timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"
