"""The queries of rules: instant ones, whose result is a vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.model.labels import Labels
from dashboard.promql import Engine
from dashboard.promql.ast import Expr
from dashboard.promql.results import Scalar, Vector
from dashboard.rules.errors import RuleError
from dashboard.rules.rule import VectorQuery
from dashboard.rules.template_functions import Sample, sample
from dashboard.rules.templates import TemplateQuery

_NO_LABELS = Labels()


def vector_query(engine: Engine) -> VectorQuery:
    """Return the function by which rules ask the engine.

    A scalar becomes a vector with one series without labels, as in Prometheus's ``EngineQueryFunc``.
    """

    def query(expr: Expr | str, time: int) -> Vector:
        value = engine.instant(expr, time).value
        if isinstance(value, Vector):
            return value
        if isinstance(value, Scalar):
            return Vector([_NO_LABELS], time, np.array([value.value]))
        raise RuleError("rule result is not a vector or scalar")

    return query


def template_query(engine: Engine) -> TemplateQuery:
    """Return the function behind ``query`` in templates."""
    ask = vector_query(engine)

    def query(text: str, time: int) -> Sequence[Sample]:
        vector = ask(text, time)
        return [sample(labels, value) for labels, value in zip(vector.labels, vector.values.tolist(), strict=True)]

    return query
