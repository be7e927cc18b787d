"""What a query should answer, and how an answer differs from that.

The expectations are those of Prometheus's PromQL test scripts (promql/promqltest): an instant or a range query, and
series with their values, a number, or an error; and what the answer remarks.
"""

from __future__ import annotations

import enum
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import ABSENT, FloatArray, is_absent, is_stale
from dashboard.promql import Engine, Matrix, PromqlError, QueryResult, Scalar, Value, Vector
from dashboard.rules.unit_tests.notation import SeriesDescription
from dashboard.rules.unit_tests.wording import labels_text, value_text

_EPSILON = 1e-6
_SMALLEST_NORMAL = sys.float_info.min


class Tolerance(enum.Enum):
    """How close two numbers must be to be the same. NaN is the same as NaN, but not as a staleness marker."""

    EXACT = "exact"
    """Every bit, as in rule unit tests."""
    NEIGHBOUR = "neighbour"
    """The next float64 will do, as with ``fuzzy_compare``."""
    RELATIVE = "relative"
    """A millionth, as in PromQL test scripts (util/almost)."""

    def agree(self, expected: float, got: float) -> bool:
        """Say whether two numbers are the same."""
        pair = np.array([expected, got])
        if np.isnan(pair).any():
            stale = is_stale(pair)
            return bool(np.isnan(pair).all() and stale[0] == stale[1])
        return expected == got or self._is_near(expected, got)

    def _is_near(self, expected: float, got: float) -> bool:
        if self is Tolerance.NEIGHBOUR:
            return got in (math.nextafter(expected, -math.inf), math.nextafter(expected, math.inf))
        if self is Tolerance.EXACT or np.isinf([expected, got]).any():
            return False
        size = abs(expected) + abs(got)
        difference = abs(expected - got)
        if not expected or not got or size < _SMALLEST_NORMAL:
            return difference < _EPSILON * _SMALLEST_NORMAL
        return difference / min(size, sys.float_info.max) < _EPSILON


@dataclass(frozen=True, slots=True)
class At:
    """An instant query's time, in milliseconds."""

    time: int


@dataclass(frozen=True, slots=True)
class Over:
    """A range query's times, in milliseconds."""

    start: int
    end: int
    step: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The query must fail; ``says`` is asked whether the message is the right one."""

    says: Callable[[str], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Remarks:
    """What must be, or must not be, among the warnings or among the infos of an answer.

    Each of ``wanted`` must say yes to a remark, and each remark must satisfy one of them; with none wanted any remark
    will do, unless ``forbidden``.
    """

    wanted: Sequence[Callable[[str], bool]] = ()
    forbidden: bool = False

    def problems(self, kind: str, remarks: Sequence[str]) -> Iterator[str]:
        """Yield what is missing or too much."""
        if self.forbidden and remarks:
            yield f"unexpected {kind}: {'; '.join(remarks)}"
        for number, says in enumerate(self.wanted, start=1):
            if not any(map(says, remarks)):
                yield f"{kind} {number} was expected and did not come, but: {'; '.join(remarks) or 'none'}"
        for remark in remarks if self.wanted else ():
            if not any(says(remark) for says in self.wanted):
                yield f"unexpected {kind}: {remark}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A query with what it should answer.

    ``answer`` is a number (of a scalar), the error that must come, or series: with one value each for an instant
    query, with one value a step (``ABSENT`` for none) for a range query. ``ordered`` also holds an instant query's
    series to their order.
    """

    expr: str
    when: At | Over
    answer: float | Failure | Sequence[SeriesDescription]
    ordered: bool = False
    warnings: Remarks = Remarks()
    infos: Remarks = Remarks()

    def problems(self, engine: Engine, tolerance: Tolerance = Tolerance.RELATIVE) -> list[str]:
        """Ask the engine; return in what its answer differs, in no words of Prometheus's; nothing if it does not."""
        try:
            result = self._ask(engine)
        except PromqlError as error:
            if not isinstance(self.answer, Failure):
                return [f"the query failed: {error}"]
            return [] if self.answer.says(str(error)) else [f"it failed with another error: {error}"]
        if isinstance(self.answer, Failure):
            return ["the query should have failed"]
        remarked = (*self.warnings.problems("warning", result.warnings), *self.infos.problems("info", result.infos))
        return [*remarked, *self._differences(result.value, tolerance)]

    def _ask(self, engine: Engine) -> QueryResult:
        if isinstance(self.when, At):
            return engine.instant(self.expr, self.when.time)
        return engine.range(self.expr, self.when.start, self.when.end, self.when.step)

    def _differences(self, value: Value, tolerance: Tolerance) -> Iterator[str]:
        if isinstance(self.answer, Failure):
            return
        if isinstance(self.answer, int | float):
            if not isinstance(value, Scalar):
                yield f"expected a scalar, got {type(value).__name__.lower()}"
            elif not tolerance.agree(float(self.answer), value.value):
                yield f"expected {value_text(float(self.answer))}, got {value_text(value.value)}"
            return
        if not isinstance(value, Vector | Matrix):
            yield f"expected series, got {type(value).__name__.lower()}"
            return
        expected = {series.labels: series.values for series in self.answer}
        got = _rows(value)
        yield from _different_series(expected, got, tolerance)
        if self.ordered and list(expected) != list(got) and expected.keys() == got.keys():
            yield f"expected the order {_listed(expected)}, got {_listed(got)}"


def _rows(value: Vector | Matrix) -> dict[Labels, FloatArray]:
    """Return the values of each series of an answer, by step, with ``ABSENT`` where there is none."""
    if isinstance(value, Vector):
        return dict(zip(value.labels, value.values.reshape(-1, 1), strict=True))
    rows = np.where(value.present, value.values, ABSENT)
    # A NaN that arithmetic has touched is no ABSENT any more: it is written anew.
    rows[~value.present] = ABSENT
    return dict(zip(value.labels, rows, strict=True))


def _different_series(
    expected: Mapping[Labels, FloatArray], got: Mapping[Labels, FloatArray], tolerance: Tolerance
) -> Iterator[str]:
    for labels, values in expected.items():
        if labels not in got:
            yield f"expected {labels_text(labels)}, which is not there"
        elif not _same_values(values, got[labels], tolerance):
            yield f"expected {labels_text(labels)} {_shown(values)}, got {_shown(got[labels])}"
    for labels in got:
        if labels not in expected:
            yield f"unexpected {labels_text(labels)} {_shown(got[labels])}"


def _same_values(expected: FloatArray, got: FloatArray, tolerance: Tolerance) -> bool:
    """Compare by step; a shorter side has no samples at the end."""
    length = max(len(expected), len(got))
    left, right = _padded(expected, length), _padded(got, length)
    if not np.array_equal(is_absent(left), is_absent(right)):
        return False
    there = ~is_absent(left)
    return all(map(tolerance.agree, left[there].tolist(), right[there].tolist()))


def _padded(values: FloatArray, length: int) -> FloatArray:
    return np.concatenate((values, np.full(length - len(values), ABSENT)))


def _shown(values: FloatArray) -> str:
    absent = is_absent(values)
    return " ".join("_" if gone else value_text(float(value)) for value, gone in zip(values, absent, strict=True))


def _listed(series: Mapping[Labels, FloatArray]) -> str:
    return ", ".join(map(labels_text, series))
