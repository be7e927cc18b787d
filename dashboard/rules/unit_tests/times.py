"""Times as promtool's options and files have them: seconds since 1970, or RFC 3339."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 2**53 / 1000


class InvalidTimeError(ValueError):
    """A text is no time."""

    def __init__(self, text: str) -> None:
        super().__init__(f'cannot parse "{text}" to a valid timestamp')


def parse_time(text: str) -> int:
    """Read a time as milliseconds since 1970.

    Raises:
        InvalidTimeError: it is none, or too far away to be exact.
    """
    seconds = _seconds(text)
    if not abs(seconds) <= _LATEST:
        raise InvalidTimeError(text)
    return math.floor(seconds * 1000 + 1e-6)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return _rfc3339_seconds(text)


def _rfc3339_seconds(text: str) -> float:
    if not _RFC3339.fullmatch(text):
        raise InvalidTimeError(text)
    try:
        return (datetime.fromisoformat(text) - _EPOCH).total_seconds()
    except (ValueError, OverflowError):
        raise InvalidTimeError(text) from None
