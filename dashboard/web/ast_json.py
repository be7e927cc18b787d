"""A parsed query as JSON, in the shape of ``/api/v1/parse_query`` (web/api/v1/translate_ast.go of Prometheus 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboard.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Edge,
    Expr,
    Matching,
    MatrixSelector,
    ParenExpr,
    Shift,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from dashboard.promql.literals import format_number
from dashboard.promql.signatures import Signature, ValueType

# Prometheus shows its types in short.
_TYPES = {
    ValueType.SCALAR: "scalar",
    ValueType.STRING: "string",
    ValueType.VECTOR: "vector",
    ValueType.MATRIX: "matrix",
}


def ast_json(expr: Expr) -> dict[str, Any]:
    """Return an expression with all that is below it; durations and times are milliseconds."""
    kind, describe = _KINDS.get(type(expr), _NUMBER)
    return {"type": kind, **describe(expr)}


def _aggregation(expr: AggregateExpr) -> dict[str, Any]:
    return {
        "op": expr.operator,
        "expr": ast_json(expr.expr),
        "param": None if expr.parameter is None else ast_json(expr.parameter),
        "grouping": list(expr.grouping),
        "without": expr.without,
    }


def _binary(expr: BinaryExpr) -> dict[str, Any]:
    return {
        "op": expr.operator,
        "lhs": ast_json(expr.left),
        "rhs": ast_json(expr.right),
        "matching": _matching(expr.matching) if expr.matching else None,
        "bool": expr.bool_modifier,
    }


def _matching(matching: Matching) -> dict[str, Any]:
    return {
        "card": matching.cardinality.value,
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
    }


def _call(expr: Call) -> dict[str, Any]:
    return {"func": _function(expr.function), "args": [ast_json(argument) for argument in expr.arguments]}


def _function(function: Signature) -> dict[str, Any]:
    types = [_TYPES[argument] for argument in function.arguments]
    return {
        "name": function.name,
        "argTypes": types,
        "variadic": -1 if function.repeats else function.optional,
        "returnType": _TYPES[function.returns],
    }


def _selector(selector: VectorSelector) -> dict[str, Any]:
    matchers = [
        {"name": matcher.name, "value": matcher.value, "type": matcher.kind.value} for matcher in selector.matchers
    ]
    return {"name": selector.name, "matchers": matchers, **_shift(selector.shift)}


def _subquery(expr: SubqueryExpr) -> dict[str, Any]:
    return {"expr": ast_json(expr.expr), "range": expr.range, "step": expr.step, **_shift(expr.shift)}


def _shift(shift: Shift) -> dict[str, Any]:
    edge = shift.at.value if isinstance(shift.at, Edge) else None
    return {"offset": shift.offset, "timestamp": None if edge else shift.at, "startOrEnd": edge}


_NUMBER: tuple[str, Callable[[Any], dict[str, Any]]] = (
    "numberLiteral",
    lambda expr: {"val": format_number(expr.value)},
)
_KINDS: dict[type[Expr], tuple[str, Callable[[Any], dict[str, Any]]]] = {
    AggregateExpr: ("aggregation", _aggregation),
    BinaryExpr: ("binaryExpr", _binary),
    Call: ("call", _call),
    MatrixSelector: ("matrixSelector", lambda expr: {"range": expr.range, **_selector(expr.selector)}),
    ParenExpr: ("parenExpr", lambda expr: {"expr": ast_json(expr.expr)}),
    StringLiteral: ("stringLiteral", lambda expr: {"val": expr.value}),
    SubqueryExpr: ("subquery", _subquery),
    UnaryExpr: ("unaryExpr", lambda expr: {"op": expr.operator, "expr": ast_json(expr.expr)}),
    VectorSelector: ("vectorSelector", _selector),
}
