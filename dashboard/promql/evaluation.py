"""The one evaluator: an expression becomes a matrix, or the numbers of a scalar, by what kind of node it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dashboard.promql import aggregation, binary
from dashboard.promql.ast import (
    SET_OPERATORS,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    ParenExpr,
    UnaryExpr,
    VectorSelector,
)
from dashboard.promql.context import Context, Found
from dashboard.promql.durations import NumberLiteral
from dashboard.promql.functions import FUNCTIONS
from dashboard.promql.functions.call import Invocation
from dashboard.promql.matrix import Matrix, Operand, nameless, refuse_twins
from dashboard.promql.selector import select_instant


def evaluate(expr: Expr, context: Context) -> Operand:
    """Evaluate an instant vector or a scalar at all steps of a context.

    Raises:
        ExecutionError: the expression cannot be evaluated on these samples.
        QueryTimeoutError: it took too long.
        QueryCancelledError: nobody waits for it any more.
    """
    context.limits.check_time()
    if context.count > 1 and id(expr) in context.plan.fixed:
        return _fixed(expr, context)
    if context.plan.repeated and expr in context.plan.repeated:
        return _once(expr, context)
    return _evaluated(expr, context)


def _evaluated(expr: Expr, context: Context) -> Operand:
    found = _EVALUATORS[type(expr)](expr, context)
    if isinstance(found, Matrix) and not isinstance(expr, ParenExpr):
        context.limits.hold(found.values.size)
    return found


def _fixed(expr: Expr, context: Context) -> Operand:
    """Evaluate an expression at one step that is the same at every one."""
    once = context.at(context.steps[:1])
    found = _evaluated(expr, once)
    context.count_all_of(once)
    return _at_every_step(found, context)


def _at_every_step(found: Operand, context: Context) -> Operand:
    """Repeat what was found at one step; the numbers are there only once."""
    if not isinstance(found, Matrix):
        return np.broadcast_to(found, (context.count,))
    shape = (len(found.labels), context.count)
    return Matrix(
        found.labels, context.steps, np.broadcast_to(found.values, shape), np.broadcast_to(found.present, shape)
    )


def _once(expr: Expr, context: Context) -> Operand:
    """Evaluate an expression that stands at several places only at the first of them."""
    known = context.known.get(expr) or _first(expr, context)
    if context.samples is not None and known.samples is not None:
        context.samples.add(known.samples.per_step)
    return known.operand


def _first(expr: Expr, context: Context) -> Found:
    apart, remarks = context.apart(), len(context.remarks)
    found = Found(_evaluated(expr, apart), apart.samples)
    # A remark names the place that it is about, and has to be made at each.
    if len(context.remarks) == remarks:
        context.known[expr] = found
    return found


def _number(expr: NumberLiteral, context: Context) -> Operand:
    return np.full(context.count, expr.value)


def _selector(expr: VectorSelector, context: Context) -> Operand:
    return select_instant(context, expr)


def _parentheses(expr: ParenExpr, context: Context) -> Operand:
    return evaluate(expr.expr, context)


def _unary(expr: UnaryExpr, context: Context) -> Operand:
    operand = evaluate(expr.expr, context)
    if expr.operator == "+":
        return operand
    if not isinstance(operand, Matrix):
        return -operand
    labels = [nameless(labels) for labels in operand.labels]
    refuse_twins(labels)
    return operand.relabelled(labels).with_values(-operand.values)


def _binary(expr: BinaryExpr, context: Context) -> Operand:
    left, right = evaluate(expr.left, context), evaluate(expr.right, context)
    if isinstance(left, Matrix) and isinstance(right, Matrix):
        if expr.operator in SET_OPERATORS:
            return binary.set_operator(expr, left, right)
        return binary.vectors(context, expr, left, right)
    if isinstance(left, Matrix) or isinstance(right, Matrix):
        return binary.vector_and_scalar(expr, left, right)
    return binary.scalars(expr, left, right)


def _aggregate(expr: AggregateExpr, context: Context) -> Matrix:
    parameter = None
    if expr.parameter is not None and expr.operator != "count_values":
        value = evaluate(expr.parameter, context)
        assert not isinstance(value, Matrix)  # noqa: S101 - the types were checked with the text.
        parameter = value
    operand = evaluate(expr.expr, context)
    assert isinstance(operand, Matrix)  # noqa: S101 - the types were checked with the text.
    return aggregation.aggregate(context, expr, operand, parameter)


def _call(expr: Call, context: Context) -> Operand:
    return FUNCTIONS[expr.function.name](Invocation(expr, context, evaluate))


# Strings and range vectors have no entry: what may hold them reads them itself.
_EVALUATORS: dict[type[Expr], Callable[[Any, Context], Operand]] = {
    NumberLiteral: _number,
    VectorSelector: _selector,
    ParenExpr: _parentheses,
    UnaryExpr: _unary,
    BinaryExpr: _binary,
    AggregateExpr: _aggregate,
    Call: _call,
}
