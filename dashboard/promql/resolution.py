"""Works out, for one query, what its text leaves to the query: durations of its step and length."""

from __future__ import annotations

from dataclasses import replace

from dashboard.promql.ast import (
    Expr,
    MatrixSelector,
    Shift,
    SubqueryExpr,
    VectorSelector,
    children,
    walk,
    with_children,
)
from dashboard.promql.durations import Resolver


def resolve(expr: Expr, step: int, length: int) -> Expr:
    """Return an expression whose durations are all known; ``step`` and ``length`` of the query are milliseconds.

    Raises:
        ParseError: a duration makes no sense for this query.
    """
    return _resolved(expr, Resolver(step, length)) if is_open(expr) else expr


def is_open(expr: Expr) -> bool:
    """Say whether an expression leaves a duration to the query."""
    return any(_leaves_duration(node) for node in walk(expr))


def _leaves_duration(expr: Expr) -> bool:
    match expr:
        case MatrixSelector():
            return expr.range_expr is not None
        case SubqueryExpr():
            return any(each is not None for each in (expr.range_expr, expr.step_expr, expr.shift.offset_expr))
        case VectorSelector():
            return expr.shift.offset_expr is not None
        case _:
            return False


def _resolved(expr: Expr, resolver: Resolver) -> Expr:
    match expr:
        case VectorSelector():
            return replace(expr, shift=_shift(expr.shift, resolver))
        case MatrixSelector():
            selector = replace(expr.selector, shift=_shift(expr.selector.shift, resolver))
            length = expr.range if expr.range_expr is None else resolver.milliseconds(expr.range_expr)
            return replace(expr, selector=selector, range=length)
        case SubqueryExpr():
            length = expr.range if expr.range_expr is None else resolver.milliseconds(expr.range_expr)
            step = expr.step if expr.step_expr is None else resolver.milliseconds(expr.step_expr)
            inner = _resolved(expr.expr, resolver)
            return replace(expr, expr=inner, range=length, step=step, shift=_shift(expr.shift, resolver))
        case _:
            return with_children(expr, [_resolved(child, resolver) for child in children(expr)])


def _shift(shift: Shift, resolver: Resolver) -> Shift:
    if shift.offset_expr is None:
        return shift
    return replace(shift, offset=resolver.milliseconds(shift.offset_expr, positive=False))
