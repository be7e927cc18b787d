"""Numbers, and what is calculated from them where a duration may stand: ``[5m * 2]``, ``offset (step() + 1s)``.

What a duration comes to depends on the query that asks (promql/durations.go of Prometheus 3): its step and its length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from dashboard.model.duration import format_duration
from dashboard.promql.errors import ParseError
from dashboard.promql.literals import format_number
from dashboard.promql.position import NOWHERE, Span
from dashboard.promql.signatures import ValueType

LONGEST_SECONDS = (2**63 - 1) / 1e9
"""Go's durations are 64-bit nanoseconds."""


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number, or a duration that stands where a number may (its seconds)."""

    value: float
    duration: bool = False
    span: Span = field(default=NOWHERE, compare=False)

    type = ValueType.SCALAR

    # NaN equals itself here, so that two texts that say NaN are one expression.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumberLiteral) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        if not self.duration:
            return format_number(self.value)
        return format_duration(round(self.value * 1000))


@dataclass(frozen=True, slots=True)
class DurationExpr:
    """Durations joined by an operator; a sign has no ``left``, and ``step()`` and ``range()`` have neither side."""

    operator: str
    left: Duration | None = None
    right: Duration | None = None
    wrapped: bool = False
    """Whether parentheses stand around it."""
    span: Span = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        text = self._unwrapped()
        return f"({text})" if self.wrapped else text

    def _unwrapped(self) -> str:
        if self.operator in _OF_QUERY:
            return f"{self.operator}()"
        if self.operator in _OF_TWO:
            return f"{self.operator}({self.left}, {self.right})"
        return f"{self.operator}{self.right}" if self.left is None else f"{self.left} {self.operator} {self.right}"


Duration: TypeAlias = NumberLiteral | DurationExpr

_OF_QUERY = frozenset({"step", "range"})
_OF_TWO: dict[str, Callable[[float, float], float]] = {"min": min, "max": max, "min_of": min, "max_of": max}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": math.fmod,
    "^": math.pow,
    **_OF_TWO,
}
_BY_ZERO = {"/": "division by zero", "%": "modulo by zero"}


@dataclass(frozen=True, slots=True)
class Resolver:
    """Works out durations for one query: ``step`` and ``length`` (end less start) are milliseconds."""

    step: int
    length: int

    def milliseconds(self, duration: Duration, *, positive: bool = True) -> int:
        """Return what a duration comes to.

        Raises:
            ParseError: it is too long, divides by zero, or is not above 0 though it must be ``positive``.
        """
        seconds = self._seconds(duration)
        if positive and not seconds > 0:
            raise _error(duration, "duration must be greater than 0")
        if not abs(seconds) <= LONGEST_SECONDS:
            raise _error(duration, "duration is out of range")
        return round(seconds * 1000)

    def _seconds(self, duration: Duration) -> float:
        if isinstance(duration, NumberLiteral):
            return duration.value
        if duration.operator in _OF_QUERY:
            return (self.step if duration.operator == "step" else self.length) / 1000
        left = 0.0 if duration.left is None else self._seconds(duration.left)
        right = 0.0 if duration.right is None else self._seconds(duration.right)
        if right == 0 and duration.operator in _BY_ZERO:
            raise _error(duration, _BY_ZERO[duration.operator])
        try:
            return _ARITHMETIC[duration.operator](left, right)
        except (OverflowError, ValueError):
            # Powers that are too large, or of negative numbers: Go's are infinite, or no number.
            return math.nan


def _error(duration: Duration, reason: str) -> ParseError:
    return ParseError(f"{duration.span.start}:{duration.span.end}: {reason}")
