"""Metric families as collectors yield them, and the page that they make in the text format 0.0.4.

``prometheus_client`` adds ``_total`` to the name of every counter, which dcgm-exporter's counters do not have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from dashboard.exposition.page import MetricType

_HELP_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n"})
_VALUE_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_LARGEST_INTEGER = 2.0**53


@dataclass(slots=True)
class Family:
    """One family: a row is a value with the values of ``labels``, of which an empty one stands for none."""

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    rows: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)

    def add(self, value: float, *labels: str) -> None:
        """Add a row."""
        self.rows.append((value, labels))


def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Family:
    """Return a gauge without rows."""
    return Family(name, MetricType.GAUGE, text, labels)


def counter(name: str, text: str, labels: tuple[str, ...] = ()) -> Family:
    """Return a counter without rows; its series have just this name."""
    return Family(name, MetricType.COUNTER, text, labels)


def lone_gauge(name: str, text: str, value: float) -> Family:
    """Return a gauge with one value and no labels."""
    return Family(name, MetricType.GAUGE, text, rows=[(value, ())])


def lone_counter(name: str, text: str, value: float) -> Family:
    """Return a counter with one value and no labels."""
    return Family(name, MetricType.COUNTER, text, rows=[(value, ())])


def info(name: str, text: str, labels: dict[str, str]) -> Family:
    """Return a gauge that is always 1 and tells its labels."""
    return Family(name, MetricType.GAUGE, text, tuple(labels), [(1.0, tuple(labels.values()))])


def page_of(families: Iterable[Family]) -> bytes:
    """Return the page; families without rows are left out."""
    return "".join(_written(family) for family in families if family.rows).encode()


def _written(family: Family) -> str:
    head = f"# HELP {family.name} {family.help.translate(_HELP_ESCAPES)}\n# TYPE {family.name} {family.type.value}\n"
    rows = (f"{family.name}{_pairs(family.labels, row)} {_number(value)}\n" for value, row in family.rows)
    return head + "".join(rows)


def _pairs(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    pairs = ",".join(f'{name}="{_text(value)}"' for name, value in zip(names, values, strict=True) if value)
    return f"{{{pairs}}}" if pairs else ""


def _text(value: str) -> str:
    # No page could hold the signs that stand for bytes outside UTF-8.
    return value.translate(_VALUE_ESCAPES).encode("utf-8", "replace").decode("utf-8")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    whole = abs(value) <= _LARGEST_INTEGER and float(value).is_integer()
    return str(int(value)) if whole else repr(float(value))
