"""Numbers for people, written as Prometheus's template functions of the same names write them.

Each takes a float, an integer or a text that is a number (what ``printf`` gave, say), and raises ``TemplateError`` for
anything else. Source: ``template/template.go`` and ``util/strutil`` of Prometheus.
"""

from __future__ import annotations

import math

from goduration.go import Duration
from gotime.go import UTC, Time
from gotpl.runtime.gofmt import sprintf

from dashboard.rules.errors import TemplateError

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_GO_TIME = "2006-01-02 15:04:05.999999999 -0700 MST"
_MOST_SECONDS = (2**63 - 1) // 1_000_000_000


def to_float(value: object) -> float:
    """Return a template's value as a number; a duration counts in seconds."""
    if isinstance(value, Duration):
        return float(value.total_seconds())
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TemplateError(f"can't convert {type(value).__name__} to float")
    try:
        return float(value)
    except ValueError as error:
        raise TemplateError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from error


def humanize(value: object) -> str:
    """Write a number with a metric prefix: ``1234567`` is ``1.235M``, ``0.0012`` is ``1.2m``."""
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return _four_digits(number)
    if abs(number) >= 1:
        return _with_prefix(number, 1000, _LARGE)
    return _with_small_prefix(number)


def humanize1024(value: object) -> str:
    """Write a number with a binary prefix: ``1048576`` is ``1Mi``."""
    number = to_float(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return _four_digits(number)
    return _with_prefix(number, 1024, _BINARY)


def humanize_duration(value: object) -> str:
    """Write seconds as days, hours, minutes and seconds: ``135`` is ``2m 15s``."""
    number = to_float(value)
    if not math.isfinite(number):
        return _four_digits(number)
    if number == 0:
        return "0s"
    if abs(number) < 1:
        return f"{_with_small_prefix(number)}s"
    return ("-" if number < 0 else "") + _whole_units(abs(number))


def humanize_percentage(value: object) -> str:
    """Write a ratio as a percentage: ``0.959`` is ``95.9%``."""
    return f"{_four_digits(to_float(value) * 100)}%"


def humanize_timestamp(value: object) -> str:
    """Write seconds since 1970 as a date: ``2022-01-25 12:36:43 +0000 UTC``."""
    number = to_float(value)
    return str(go_time(number)) if math.isfinite(number) else _four_digits(number)


class GoTime:
    """A point in time inside a template, with those methods of Go's ``time.Time`` that rules use."""

    METHODS = ("Format", "Year", "Month", "Day", "Hour", "Minute", "Second", "Weekday", "YearDay", "Unix", "UTC")

    def __init__(self, time: Time) -> None:
        self._time = time

    def Format(self, layout: str) -> str:  # noqa: N802 - templates call it by Go's name, as all below.
        """Write the time by one of Go's layouts."""
        return str(self._time.format(layout))

    def Year(self) -> int:  # noqa: N802
        """The year."""
        return int(self._time.year)

    def Month(self) -> str:  # noqa: N802
        """The month's English name."""
        return str(self._time.month)

    def Day(self) -> int:  # noqa: N802
        """The day of the month."""
        return int(self._time.day)

    def Hour(self) -> int:  # noqa: N802
        """The hour, 0 to 23."""
        return int(self._time.hour)

    def Minute(self) -> int:  # noqa: N802
        """The minute, 0 to 59."""
        return int(self._time.minute)

    def Second(self) -> int:  # noqa: N802
        """The second, 0 to 59."""
        return int(self._time.second)

    def Weekday(self) -> str:  # noqa: N802
        """The English name of the day of the week."""
        return str(self._time.weekday)

    def YearDay(self) -> int:  # noqa: N802
        """The day of the year, from 1."""
        return int(self._time.year_day)

    def Unix(self) -> int:  # noqa: N802
        """Whole seconds since 1970."""
        return int(self._time.unix_seconds)

    def UTC(self) -> GoTime:  # noqa: N802
        """The same time; all times here are UTC."""
        return self

    def __str__(self) -> str:
        return str(self._time.format(_GO_TIME))

    def __go_format_value__(self, kind: str, mode: str, *, nested: bool) -> str:
        """Print as Go prints a time."""
        del mode, nested
        return "time.Time" if kind == "type" else str(self)


def go_time(seconds: float) -> GoTime:
    """Return the time that lies ``seconds`` after 1970, to the millisecond."""
    if not math.isfinite(seconds):
        raise TemplateError("value is NaN or Inf")
    if abs(seconds) > _MOST_SECONDS:
        raise TemplateError(f"{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64")
    return GoTime(Time.from_unix_milliseconds(math.trunc(seconds * 1000)).in_location(UTC))


def _four_digits(number: float) -> str:
    return str(sprintf("%.4g", number))


def _with_prefix(number: float, step: int, prefixes: tuple[str, ...]) -> str:
    chosen = ""
    for prefix in prefixes:
        if abs(number) < step:
            break
        chosen = prefix
        number /= step
    return _four_digits(number) + chosen


def _with_small_prefix(number: float) -> str:
    chosen = ""
    for prefix in _SMALL:
        if abs(number) >= 1:
            break
        chosen = prefix
        number *= 1000
    return _four_digits(number) + chosen


def _whole_units(number: float) -> str:
    minutes, seconds = divmod(int(number), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{minutes}m {seconds}s"
    return f"{_four_digits(number)}s"
