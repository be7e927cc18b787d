"""Figures as people read them: three digits that matter, a unit, and a dash where there is nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime

NOTHING = "–"
_THOUSANDS = ("", "k", "M", "G", "T", "P")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_AGES = ((86_400, "d"), (3600, "h"), (60, "min"))


def digits(value: float) -> str:
    """Write a value below 1000 with three significant digits and without trailing zeros."""
    size = abs(value)
    if 0 < size < 0.001:
        return f"{value:.1g}".replace("e-0", "e-")
    decimals = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.1 else 3
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: float | None) -> str:
    """Write any value: ``0.123``, ``12.3``, ``1.23k``, ``45.6M``."""
    return _scaled(value, 1000, _THOUSANDS, "")


def size(value: float | None) -> str:
    """Write a number of bytes: ``1.5 GiB``."""
    return _scaled(value, 1024, _BINARY, " ")


def _scaled(value: float | None, base: int, units: tuple[str, ...], gap: str) -> str:
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    power = 0
    while abs(value) >= base * 0.9995 and power < len(units) - 1:
        value /= base
        power += 1
    return f"{digits(value)}{gap}{units[power]}" if units[power] else digits(value)


def percent(ratio: float | None) -> str:
    """Write a ratio: ``0.0123`` is ``1.23 %``. Only what is exactly one shows as ``100 %``."""
    if ratio is None or not math.isfinite(ratio):
        return NOTHING
    value = ratio * 100
    if 99 < value < 100:
        return f"{math.floor(value * 100) / 100:.2f} %"
    return f"{digits(value)} %" if value >= 0.01 or value == 0 else "<0.01 %"


def seconds(value: float | None) -> str:
    """Write a duration in seconds: ``450 µs``, ``45 ms``, ``1.25 s``, ``3.5 min``, ``2 h``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    length = abs(value)
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (90.0, 1.0, "s"), (5400.0, 1 / 60, "min")):
        if length < limit and (length or unit == "s"):
            return f"{digits(value * factor)} {unit}"
    return f"{digits(value / 3600)} h" if length < 172_800 else f"{digits(value / 86_400)} d"


def age(milliseconds: int) -> str:
    """Write how long something lasts in one whole unit: ``8 s``, ``5 min``, ``3 h``, ``2 d``."""
    whole = max(0, milliseconds) // 1000
    for length, unit in _AGES:
        if whole >= length:
            return f"{whole // length} {unit}"
    return f"{whole} s"


def moment(milliseconds: int) -> str:
    """Write a time as a clock on this machine's wall shows it, and in which zone: ``2026-11-20 14:03:22 +01:00``.

    The reader may sit at another machine, whose clock the charts follow.
    """
    local = datetime.fromtimestamp(milliseconds / 1000, tz=UTC).astimezone()
    zone = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M:%S} " + (f"{zone[:3]}:{zone[3:5]}" if local.utcoffset() else "UTC")


def count(amount: int, noun: str, plural: str = "") -> str:
    """Write an amount with its noun: ``1 alert``, ``3 alerts``."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"
