"""Prometheus durations such as ``1h30m``, as whole milliseconds."""

from __future__ import annotations

import re

_UNITS = {"y": 365 * 86_400_000, "w": 7 * 86_400_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile("".join(f"(?:([0-9]+){unit})?" for unit in _UNITS))

# Go's int64 nanoseconds end here; Prometheus refuses longer durations.
_LONGEST = (2**63 - 1) // 1_000_000


class InvalidDurationError(ValueError):
    """A text is not a duration."""


def parse_duration(text: str) -> int:
    """Read a duration such as ``5m``, ``1h30m`` or ``0`` and return milliseconds.

    The units are y, w, d, h, m, s and ms, each at most once and in that order, as in ``model.ParseDuration`` of
    prometheus/common.

    Raises:
        InvalidDurationError: the text is not of that form, or is longer than 64-bit nanoseconds can say.
    """
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if not text:
        raise InvalidDurationError("empty duration string")
    if match is None:
        raise InvalidDurationError(f'not a valid duration string: "{text}"')
    milliseconds = sum(
        _whole(number) * size for number, size in zip(match.groups(), _UNITS.values(), strict=True) if number
    )
    if milliseconds > _LONGEST:
        raise InvalidDurationError("duration out of range")
    return milliseconds


def _whole(number: str) -> int:
    # Python refuses to read thousands of digits; twenty are too many in every unit.
    return int(number) if len(number) < 20 else _LONGEST + 1


def format_duration(milliseconds: int) -> str:
    """Write milliseconds as Prometheus does: ``90000`` is ``1m30s``; years, weeks, days only where they are exact."""
    if milliseconds == 0:
        return "0s"
    if milliseconds < 0:
        return f"-{format_duration(-milliseconds)}"
    parts = []
    rest = milliseconds
    for unit, size in _UNITS.items():
        if unit in ("y", "w", "d") and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def format_go_duration(milliseconds: int) -> str:
    """Write milliseconds as Go's ``time.Duration`` does: ``90000`` is ``1m30s``, ``60000`` is ``1m0s``."""
    if abs(milliseconds) < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(abs(milliseconds), 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, thousandths = divmod(rest, 1000)
    seconds = f"{whole}.{thousandths:03}".rstrip("0").rstrip(".") if thousandths else str(whole)
    before = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{'-' if milliseconds < 0 else ''}{before}{seconds}s"
