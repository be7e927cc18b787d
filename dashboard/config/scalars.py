"""Values of a configuration file, from text to their types as go-yaml v2 and Prometheus read them.

Each kind of value is a type with a :class:`Reader` in its annotation, so that a record says what a key takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

from dashboard.config.place import Place
from dashboard.config.yaml_file import Items, Scalar, Section
from dashboard.model.duration import InvalidDurationError, format_duration, parse_duration

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SIZES = tuple(re.compile(rf"((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:B|[KMGTPE]{suffix}))+") for suffix in ("iB", "B"))
_LONGEST_NUMBER = 400


class InvalidValueError(ValueError):
    """A value does not fit its key; ``key`` names one below the value that was read, if it is one."""

    def __init__(self, reason: str, key: str = "") -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """How the value of a key is read from what was loaded; it raises :class:`InvalidValueError`.

    A key that is written without a value is ``empty``; where that is ``None``, it is read as an empty text. ``write``
    turns the value into text again, where it is not shown as it is.
    """

    read: Callable[[Any, Place], Any]
    empty: Any = None
    write: Callable[[Any], str] | None = None


def text_of(value: Any) -> Scalar:
    """Return a value that must be a scalar.

    Raises:
        InvalidValueError: it is a section or a list.
    """
    if isinstance(value, Section | dict):
        raise InvalidValueError("expected a single value, found a mapping")
    if isinstance(value, Items | list):
        raise InvalidValueError("expected a single value, found a list")
    return value if isinstance(value, Scalar) else Scalar.at(0, str(value), plain=True)


def read_text(value: Any, _place: Place) -> str:
    """Read text: any scalar as it is written."""
    return str(text_of(value))


def read_boolean(value: Any, _place: Place) -> bool:
    """Read a boolean as YAML 1.1 spells it; one in quotes is text, and no boolean."""
    text = text_of(value)
    if not text.plain or text not in _TRUE | _FALSE:
        raise InvalidValueError(f'not a boolean: "{text}"')
    return text in _TRUE


def read_integer(value: Any, _place: Place) -> int:
    """Read a whole number of 64 bits; see :func:`_number` for how it may be written."""
    return _within(_number(value), -(2**63), 2**63 - 1)


def read_unsigned(value: Any, _place: Place) -> int:
    """Read a whole number of 64 bits that is not negative."""
    return _within(_number(value), 0, 2**64 - 1)


def _within(number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise InvalidValueError("must not be negative" if least == 0 > number else "out of range")
    return number


def _number(value: Any) -> int:
    """Read a whole number in Go's notation: ``010`` is octal, ``0x1f`` and ``1_000`` are numbers, ``1.5`` is cut."""
    text = text_of(value)
    plain = text.replace("_", "")
    if text.plain and len(plain) < _LONGEST_NUMBER:
        if _INTEGER.fullmatch(plain):
            return _whole(plain)
        if _FLOAT.fullmatch(plain) and math.isfinite(float(plain)):
            return int(float(plain))
    raise InvalidValueError(f'not a whole number: "{text}"')


def _whole(text: str) -> int:
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    number = int(digits, 8) if octal else int(digits, 0)
    return -number if text[0] == "-" else number


def read_float(value: Any, _place: Place) -> float:
    """Read a floating-point number; whole numbers are ones too."""
    text = text_of(value)
    plain = text.replace("_", "")
    special = {".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
    if text.plain and plain.lower() in special:
        return special[plain.lower()]
    if text.plain and _INTEGER.fullmatch(plain):
        return float(_whole(plain))
    if not text.plain or not _FLOAT.fullmatch(plain):
        raise InvalidValueError(f'not a number: "{text}"')
    return float(plain)


def read_duration(value: Any, _place: Place) -> int:
    """Read a duration such as ``15s`` as milliseconds."""
    try:
        return parse_duration(text_of(value))
    except InvalidDurationError as error:
        raise InvalidValueError(str(error)) from error


def read_size(value: Any, _place: Place) -> int:
    """Read a size such as ``64MB`` or ``1GiB512MiB``; units count in powers of 1024, as Prometheus reads them."""
    text = text_of(value)
    sign, digits = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if digits == "0":
        return 0
    pattern = next((pattern for pattern in _SIZES if pattern.fullmatch(digits)), None)
    if pattern is None or len(digits) >= _LONGEST_NUMBER:
        raise InvalidValueError(f'not a valid size: "{text}"')
    parts = re.findall(r"([0-9.]+)([A-Z])", digits)
    size = sum(float(number) * 1024 ** "BKMGTPE".index(unit) for number, unit in parts)
    return _within(sign * int(size), -(2**63), 2**63 - 1)


def write_size(size: int) -> str:
    """Write a size as Prometheus does: ``1536`` is ``1KiB512B``."""
    if size <= 0:
        return f"{size}B"
    parts = []
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        size, rest = divmod(size, 1024)
        parts.append(f"{rest}{unit}" if rest else "")
    return "".join(reversed(parts))


def read_path(value: Any, place: Place) -> str:
    """Read the path of a file; a relative one starts at the configuration file's folder."""
    text = str(text_of(value))
    return str(place.file.resolve().parent / text) if text else ""


def read_label_name(value: Any, _place: Place) -> str:
    """Read the name of a label: any text but the empty one."""
    text = str(text_of(value))
    if not text:
        raise InvalidValueError('"" is not a valid label name')
    return text


def read_label_set(value: Any, place: Place) -> dict[str, str]:
    """Read the names and values of labels."""
    if not isinstance(value, dict):
        raise InvalidValueError("expected a mapping")
    return {
        read_label_name(name, place): "" if text is None else read_text(text, place) for name, text in value.items()
    }


Milliseconds = Annotated[int, Reader(read_duration, 0, format_duration)]
"""A duration of a configuration file, such as ``15s``, as milliseconds."""

Bytes = Annotated[int, Reader(read_size, 0, write_size)]
"""A size of a configuration file, such as ``64MB``."""

Unsigned = Annotated[int, Reader(read_unsigned, 0)]
"""A whole number that is not negative."""

FilePath = Annotated[str, Reader(read_path)]
"""The path of a file that is read when it is needed: absolute, or empty where there is none."""

LabelName = Annotated[str, Reader(read_label_name, "")]
"""The name of a label: any text but the empty one."""

LabelSet = Annotated[Mapping[str, str], Reader(read_label_set, MappingProxyType({}))]
"""Labels: their names and values."""

READERS: dict[type, Callable[[Any, Place], Any]] = {
    str: read_text,
    bool: read_boolean,
    int: read_integer,
    float: read_float,
}
"""How the plain types are read."""
