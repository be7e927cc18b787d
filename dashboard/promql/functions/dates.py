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


def _date(function: Callable[[_Times], npt.NDArray[Any]]) -> Function:
    def call(invocation: Invocation) -> Matrix:
        found = invocation.vector(0) if invocation.count else _now(invocation)
        with np.errstate(invalid="ignore"):
            times = found.values.astype(np.int64).astype("datetime64[s]")
            values = np.where(np.isfinite(found.values), function(times).astype(np.float64), np.nan)
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
    "minute": _date(lambda times: _since(times, "m", "h")),
    "hour": _date(lambda times: _since(times, "h", "D")),
    "day_of_week": _date(lambda times: (times.astype("datetime64[D]").astype(np.int64) + _THURSDAY) % 7),
    "day_of_month": _date(lambda times: _since(times, "D", "M") + 1),
    "day_of_year": _date(lambda times: _since(times, "D", "Y") + 1),
    "days_in_month": _date(_days_in_month),
    "month": _date(lambda times: _since(times, "M", "Y") + 1),
    "year": _date(lambda times: times.astype("datetime64[Y]").astype(np.int64) + 1970),
}
