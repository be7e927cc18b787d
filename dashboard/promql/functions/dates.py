"""Functions of the calendar, in UTC; without an argument they are of the time of the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, without_names

_Times: TypeAlias = npt.NDArray[np.datetime64]
_THURSDAY = 4
"""The first day of 1970, counted from Sunday."""


_FARTHEST = 2.0**63
"""Seconds from where on Go's integers hold no time; NaN and what lies there is the last second they can name."""

_LAST = {
    "minute": 30.0,
    "hour": 15.0,
    "day_of_week": 0.0,
    "day_of_month": 4.0,
    "day_of_year": 339.0,
    "days_in_month": 31.0,
    "month": 12.0,
    "year": 292_277_026_596.0,
}


def _date(name: str, function: Callable[[_Times], npt.NDArray[Any]]) -> Function:
    def call(invocation: Invocation) -> Matrix:
        found = invocation.vector(0) if invocation.count else _now(invocation)
        nameable = np.abs(found.values) < _FARTHEST
        times = np.where(nameable, found.values, 0.0).astype(np.int64).astype("datetime64[s]")
        values = np.where(nameable, function(times).astype(np.float64), _LAST[name])
        return without_names(found.with_values(values))

    return call


def _now(invocation: Invocation) -> Matrix:
    steps = invocation.context.steps
    return Matrix.of_scalar(steps, steps / 1000)


def _since(times: _Times, unit: str, larger: str) -> npt.NDArray[Any]:
    """Return how many whole units have passed since the larger unit began."""
    passed: npt.NDArray[np.timedelta64] = times.astype(f"datetime64[{unit}]") - times.astype(f"datetime64[{larger}]")
    return passed.astype(np.int64)


def _days_in_month(times: _Times) -> npt.NDArray[Any]:
    month = times.astype("datetime64[M]")
    days: npt.NDArray[np.timedelta64] = (month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")
    return days.astype(np.int64)


DATES: dict[str, Function] = {
    "minute": _date("minute", lambda times: _since(times, "m", "h")),
    "hour": _date("hour", lambda times: _since(times, "h", "D")),
    "day_of_week": _date("day_of_week", lambda times: (times.astype("datetime64[D]").astype(np.int64) + _THURSDAY) % 7),
    "day_of_month": _date("day_of_month", lambda times: _since(times, "D", "M") + 1),
    "day_of_year": _date("day_of_year", lambda times: _since(times, "D", "Y") + 1),
    "days_in_month": _date("days_in_month", _days_in_month),
    "month": _date("month", lambda times: _since(times, "M", "Y") + 1),
    "year": _date("year", lambda times: times.astype("datetime64[Y]").astype(np.int64) + 1970),
}
