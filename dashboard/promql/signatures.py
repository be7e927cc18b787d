"""The functions of PromQL: names, arguments and results (promql/parser/functions.go of Prometheus 3).

:mod:`dashboard.promql.functions` says how they are evaluated.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class ValueType(enum.Enum):
    """The type of an expression; the value is its name in messages."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "instant vector"
    MATRIX = "range vector"


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's name and types.

    The last ``optional`` arguments may be left out; the last one may be repeated at will if ``repeats``.
    """

    name: str
    arguments: tuple[ValueType, ...]
    returns: ValueType = ValueType.VECTOR
    optional: int = 0
    repeats: bool = False

    @property
    def fewest(self) -> int:
        """The number of arguments that must be given."""
        return len(self.arguments) - self.optional

    @property
    def is_fixed(self) -> bool:
        """Whether there is only one number of arguments."""
        return not self.optional and not self.repeats


_S, _T, _V, _M = ValueType.SCALAR, ValueType.STRING, ValueType.VECTOR, ValueType.MATRIX

_OF_VECTOR = (
    "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count "
    "histogram_sum histogram_stddev histogram_stdvar ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh "
    "timestamp"
)
_OF_RANGE = (
    "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate "
    "last_over_time mad_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time "
    "stdvar_over_time sum_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time"
)
OF_DATE = frozenset({"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"})
"""The functions of the calendar."""

_OTHERS = (
    Signature("clamp", (_V, _S, _S)),
    Signature("clamp_max", (_V, _S)),
    Signature("clamp_min", (_V, _S)),
    Signature("double_exponential_smoothing", (_M, _S, _S)),
    Signature("end", (), returns=_S),
    Signature("histogram_fraction", (_S, _S, _V)),
    Signature("histogram_quantile", (_S, _V)),
    Signature("histogram_quantiles", (_V, _T, _S, _S), optional=1, repeats=True),
    Signature("info", (_V, _V), optional=1),
    Signature("label_join", (_V, _T, _T, _T), optional=1, repeats=True),
    Signature("label_replace", (_V, _T, _T, _T, _T)),
    Signature("max_of", (_S, _S), returns=_S),
    Signature("min_of", (_S, _S), returns=_S),
    Signature("pi", (), returns=_S),
    Signature("predict_linear", (_M, _S)),
    Signature("quantile_over_time", (_S, _M)),
    Signature("range", (), returns=_S),
    Signature("round", (_V, _S), optional=1),
    Signature("scalar", (_V,), returns=_S),
    Signature("sort_by_label", (_V, _T), optional=1, repeats=True),
    Signature("sort_by_label_desc", (_V, _T), optional=1, repeats=True),
    Signature("start", (), returns=_S),
    Signature("step", (), returns=_S),
    Signature("time", (), returns=_S),
    Signature("vector", (_S,)),
)

SIGNATURES: dict[str, Signature] = {
    signature.name: signature
    for signature in (
        *(Signature(name, (_V,)) for name in _OF_VECTOR.split()),
        *(Signature(name, (_M,)) for name in _OF_RANGE.split()),
        *(Signature(name, (_V,), optional=1) for name in sorted(OF_DATE)),
        *_OTHERS,
    )
}
