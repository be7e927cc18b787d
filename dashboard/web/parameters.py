"""Reads the parameters of Prometheus's API; each error names its parameter (web/api/v1/api.go)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl

from flask import request

from dashboard.model.duration import InvalidDurationError, parse_duration
from dashboard.web.envelope import ApiError, ErrorType

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MIN_TIME = -(2**53)
MAX_TIME = 2**53
"""The times between which we are asked; beyond them milliseconds are no longer exact in a float."""

# The ends of Go's time, which clients send for "everything"; their years have more digits than RFC 3339 allows.
_ENDS = {"-292273086-05-16T16:47:06Z": MIN_TIME, "292277025-08-18T07:12:54.999999999Z": MAX_TIME}
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_SECONDS = 2**63 / 1e9
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False", "")
_FORM = "application/x-www-form-urlencoded"
_LONGEST_PLAIN = 500_000
_KEY = "glass_cockpit.parameters"


def invalid(name: str, reason: object) -> ApiError:
    """Return the error that a parameter cannot be used."""
    return ApiError(ErrorType.BAD_DATA, f'invalid parameter "{name}": {reason}')


def _is_form(environ: WSGIEnvironment) -> bool:
    kind: str = environ.get("CONTENT_TYPE", "")
    return kind.partition(";")[0].strip().lower() == _FORM


class Parameters:
    """The parameters of a request: those of its form before those of its address, as Go's ``Form`` has them."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def plain(cls, environ: WSGIEnvironment) -> Self | None:
        """Read those of a plain request; ``None`` where the body is another one than a short form."""
        length = environ.get("CONTENT_LENGTH") or "0"
        if length == "0":
            form = ""
        elif _is_form(environ) and length.isdecimal() and int(length) <= _LONGEST_PLAIN:
            form = environ["wsgi.input"].read(int(length)).decode(errors="replace")
        else:
            return None
        address = environ.get("QUERY_STRING", "").encode("latin-1").decode(errors="replace")
        return cls(pair for text in (form, address) if text for pair in parse_qsl(text, keep_blank_values=True))

    def values_of(self, name: str) -> list[str]:
        """Return every value of a parameter, in their order."""
        return self._values.get(name, [])

    def value_of(self, name: str) -> str:
        """Return the first value of a parameter, or the empty string."""
        found = self.values_of(name)
        return found[0] if found else ""

    def time_of(self, name: str, default: int | None = None) -> int:
        """Return a time in milliseconds; without ``default`` the parameter must be given.

        Raises:
            ApiError: the parameter is no time.
        """
        text = self.value_of(name)
        if not text and default is not None:
            return default
        time = parse_time(text)
        if time is None:
            reason = f'cannot parse "{text}" to a valid timestamp'
            prefix = f"Invalid time value for '{name}': " if default is not None else ""
            raise invalid(name, prefix + reason)
        return time

    def duration_of(self, name: str) -> int:
        """Return a duration in milliseconds, given as seconds or as ``1h30m``.

        Raises:
            ApiError: the parameter is no duration.
        """
        text = self.value_of(name)
        if _FLOAT.fullmatch(text):
            seconds = float(text)
            if abs(seconds) > _LONGEST_SECONDS:
                raise invalid(name, f'cannot parse "{text}" to a valid duration. It overflows int64')
            return int(seconds * 1000)
        try:
            return parse_duration(text)
        except InvalidDurationError:
            raise invalid(name, f'cannot parse "{text}" to a valid duration') from None

    def optional_duration_of(self, name: str) -> int | None:
        """Return a duration in milliseconds, or ``None`` where the parameter is not given."""
        return self.duration_of(name) if self.value_of(name) else None

    def limit_of(self, name: str = "limit") -> int | None:
        """Return a limit, or ``None`` where there is none: the parameter is missing or 0."""
        text = self.value_of(name)
        if not text:
            return None
        number = whole_number(text)
        if number is None:
            raise invalid(name, f'strconv.Atoi: parsing "{text}": invalid syntax')
        if number < 0:
            raise invalid(name, f"{name} must be non-negative")
        return number or None

    def flag_of(self, name: str) -> bool:
        """Return a truth value in Go's spellings; a missing parameter is false."""
        text = self.value_of(name)
        if text not in _TRUE + _FALSE:
            raise invalid(name, f'strconv.ParseBool: parsing "{text}": invalid syntax')
        return text in _TRUE


def parameters() -> Parameters:
    """Return the parameters of the request that Flask answers."""
    found: Parameters | None = request.environ.get(_KEY)
    if found is None:
        found = Parameters.plain(request.environ)
        if found is None:
            found = Parameters((*request.form.items(multi=True), *request.args.items(multi=True)))
        request.environ[_KEY] = found
    return found


def parse_time(text: str) -> int | None:
    """Read seconds since 1970 or RFC 3339 as milliseconds; ``None`` if it is neither."""
    if text in _ENDS:
        return _ENDS[text]
    if _FLOAT.fullmatch(text):
        return _milliseconds(float(text))
    match = _RFC3339.fullmatch(text)
    return _from_rfc3339(match) if match else None


def _milliseconds(seconds: float) -> int | None:
    if abs(seconds) > MAX_TIME / 1000:
        return None
    # Rounded to milliseconds, cut to nanoseconds, cut to milliseconds again: so Prometheus arrives at its time.
    fraction, whole = math.modf(seconds)
    rounded = math.copysign(math.floor(abs(fraction) * 1000 + 0.5), fraction) / 1000
    return (int(whole) * 10**9 + int(rounded * 1e9)) // 10**6


def _from_rfc3339(match: re.Match[str]) -> int | None:
    text, fraction, sign, hours, minutes = match.groups()
    try:
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime.fromisoformat(text).replace(tzinfo=zone)
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return (since.days * 86_400 + since.seconds) * 1000 + int((fraction or "0").ljust(3, "0")[:3])


def whole_number(text: str) -> int | None:
    """Read a decimal integer of up to 18 digits; ``None`` if it is none."""
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) else None
