"""The functions of PromQL, found in one table by name."""

from __future__ import annotations

from dashboard.promql.functions.call import Function
from dashboard.promql.functions.dates import DATES
from dashboard.promql.functions.histogram import HISTOGRAMS
from dashboard.promql.functions.info import INFO
from dashboard.promql.functions.labels import LABELS
from dashboard.promql.functions.maths import MATHS
from dashboard.promql.functions.over_time import OVER_TIME
from dashboard.promql.functions.rate import RATES
from dashboard.promql.functions.vectors import VECTORS

FUNCTIONS: dict[str, Function] = {
    **MATHS,
    **DATES,
    **OVER_TIME,
    **RATES,
    **HISTOGRAMS,
    **LABELS,
    **INFO,
    **VECTORS,
}

__all__ = ["FUNCTIONS"]
