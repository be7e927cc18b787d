"""Functions that turn one kind of value into another, order series, or say that there are none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.matcher import MatchKind
from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.ast import Expr, MatrixSelector, VectorSelector
from dashboard.promql.context import Context
from dashboard.promql.functions.call import Function, Invocation
from dashboard.promql.matrix import Matrix, without_names
from dashboard.promql.selector import select_timestamps


def _time(invocation: Invocation) -> FloatArray:
    return invocation.context.steps / 1000


def _of_query(seconds: Callable[[Context], float]) -> Function:
    return lambda invocation: np.full(invocation.context.count, seconds(invocation.context))


def _timestamp(invocation: Invocation) -> Matrix:
    selector = invocation.argument(0)
    if isinstance(selector, VectorSelector):
        return without_names(select_timestamps(invocation.context, selector))
    found = invocation.vector(0)
    return without_names(found.with_values(np.broadcast_to(invocation.context.steps / 1000, found.values.shape)))


def _vector(invocation: Invocation) -> Matrix:
    return Matrix.of_scalar(invocation.context.steps, invocation.scalar(0))


def _scalar(invocation: Invocation) -> FloatArray:
    found = invocation.vector(0)
    if not found.labels:
        return np.full(len(found.steps), np.nan)
    values = np.take_along_axis(found.values, found.present.argmax(axis=0)[None], axis=0)[0]
    return np.where(found.present.sum(axis=0) == 1, values, np.nan)


def _absent(invocation: Invocation) -> Matrix:
    found = invocation.vector(0)
    return _where_absent(invocation, np.logical_or.reduce(found.present, axis=0))


def _absent_over_time(invocation: Invocation) -> Matrix:
    present = np.zeros(invocation.context.count, dtype=np.bool_)
    for steps, found in invocation.windows(0):
        for windows in found:
            present[steps] |= windows.counts > 0
    return _where_absent(invocation, present)


def _where_absent(invocation: Invocation, present: BoolArray) -> Matrix:
    labels = absent_labels(invocation.argument(0))
    steps = invocation.context.steps
    return Matrix([labels], steps, np.ones((1, len(steps))), ~present[None, :]).compact()


def absent_labels(expr: Expr) -> Labels:
    """Return the labels that a selector asks for by equality, once each (``createLabelsForAbsentFunction``)."""
    selector = expr.selector if isinstance(expr, MatrixSelector) else expr
    if not isinstance(selector, VectorSelector):
        return Labels()
    labels: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name == METRIC_NAME:
            continue
        told = matcher.kind is MatchKind.EQUAL and matcher.name not in seen
        labels[matcher.name] = matcher.value if told else ""
        if told:
            seen.add(matcher.name)
    return Labels.of(labels)


def _sort(invocation: Invocation) -> Matrix:
    return _sorted(invocation.vector(0), 1.0)


def _sort_desc(invocation: Invocation) -> Matrix:
    return _sorted(invocation.vector(0), -1.0)


def _sorted(found: Matrix, sign: float) -> Matrix:
    # Over several steps there is no order to speak of; NaN comes last either way.
    if len(found.steps) != 1:
        return found
    return found.take(np.argsort(found.values[:, 0] * sign, kind="stable"))


VECTORS: dict[str, Function] = {
    "time": _time,
    "start": _of_query(lambda context: context.start / 1000),
    "end": _of_query(lambda context: context.end / 1000),
    "range": _of_query(lambda context: (context.end - context.start) / 1000),
    "step": _of_query(lambda context: context.query_step / 1000),
    "timestamp": _timestamp,
    "vector": _vector,
    "scalar": _scalar,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "sort": _sort,
    "sort_desc": _sort_desc,
}
