"""String and number literals of PromQL, which are those of Go (Go's ``strconv``)."""

from __future__ import annotations

import math
import re

import numpy as np

_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_NAMED = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\", 34: '\\"'}
_DIGITS = {"x": (2, 16), "u": (4, 16), "U": (8, 16)}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|([0-7]{3})|(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))")
_INTEGER = re.compile(r"0[xX](?:_?[0-9a-fA-F])+|0(?:_?[0-7])*|[1-9](?:_?[0-9]){0,18}")
_FLOAT = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL = {"inf": math.inf, "nan": math.nan}


class InvalidLiteralError(ValueError):
    """A literal says nothing that Go could read."""


def unquote(literal: str) -> str:
    """Return the string that a literal in double quotes, single quotes or backticks stands for.

    Bytes that escapes put together and that are no UTF-8 become U+FFFD.

    Raises:
        InvalidLiteralError: an escape is unknown or names no character.
    """
    inner = literal[1:-1]
    if literal[0] == "`" or "\\" not in inner:
        return inner
    parts: list[bytes] = []
    at = 0
    while (slash := inner.find("\\", at)) >= 0:
        escape = _ESCAPE.match(inner, slash)
        if escape is None or escape[1] == {"'": '"', '"': "'"}[literal[0]]:
            raise InvalidLiteralError(_escape_reason(inner, slash))
        parts += inner[at:slash].encode(), _escaped(escape)
        at = escape.end()
    parts.append(inner[at:].encode())
    return b"".join(parts).decode(errors="replace")


def _escaped(escape: re.Match[str]) -> bytes:
    named, octal, digits = escape.groups()
    if named:
        return bytes([_ESCAPES[named]])
    code = int(octal, 8) if octal else int(digits[1:], 16)
    if octal or digits[0] == "x":
        if code > 255:
            raise InvalidLiteralError("escape sequence is an invalid Unicode code point")
        return bytes([code])
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise InvalidLiteralError("escape sequence is an invalid Unicode code point")
    return chr(code).encode()


def _escape_reason(inner: str, slash: int) -> str:
    kind = inner[slash + 1 : slash + 2]
    if not kind:
        return "escape sequence not terminated"
    count, base = _DIGITS.get(kind, (3, 8))
    if kind not in _DIGITS and kind not in "01234567":
        return f"unknown escape sequence {_code_point(kind)}"
    start = slash + (2 if kind in _DIGITS else 1)
    allowed = "0123456789abcdefABCDEF" if base == 16 else "01234567"
    wrong = next((char for char in inner[start : start + count] if char not in allowed), "")
    return f"illegal character {_code_point(wrong)} in escape sequence" if wrong else "escape sequence not terminated"


def _code_point(char: str) -> str:
    return f"U+{ord(char):04X} '{char}'"


def quote(text: str) -> str:
    """Write a string as Go's ``strconv.Quote`` does."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    code = ord(char)
    if named := _NAMED.get(code):
        return named
    if char.isprintable():
        return char
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def parse_number(literal: str) -> float:
    """Read a number: decimal, octal, hexadecimal, with underscores between digits, ``Inf`` or ``NaN``.

    Raises:
        InvalidLiteralError: it is none of these, or too large for a float64.
    """
    if (special := _SPECIAL.get(literal.lower())) is not None:
        return special
    if _INTEGER.fullmatch(literal) and abs(number := _integer(literal)) < 2**63:
        return float(number)
    if not _FLOAT.fullmatch(literal):
        raise InvalidLiteralError(f"strconv.ParseFloat: parsing {quote(literal)}: invalid syntax")
    value = float(literal)
    if math.isinf(value):
        raise InvalidLiteralError(f"strconv.ParseFloat: parsing {quote(literal)}: value out of range")
    return value


def _integer(literal: str) -> int:
    digits = literal.replace("_", "")
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    return int(digits, 8) if digits[0] == "0" else int(digits)


def format_number(value: float) -> str:
    """Write a number as short as it can be read back, without an exponent, as Go's ``FormatFloat(v, 'f', -1, 64)``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return np.format_float_positional(value, trim="-")


def format_general(value: float) -> str:
    """Write a number as Go's ``%g`` and ``%v`` do."""
    if not math.isfinite(value):
        return format_number(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    power = math.floor(math.log10(abs(value))) if value else 0
    if -4 <= power < 21:
        return format_number(value)
    if not exponent:
        mantissa, _, exponent = np.format_float_scientific(value, trim="-").partition("e")
    return (
        f"{mantissa.removesuffix('.0')}e{exponent[0] if exponent[0] in '+-' else '+'}{exponent.lstrip('+-').zfill(2)}"
    )
