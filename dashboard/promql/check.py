"""Types and what else the grammar cannot say (``checkAST`` in promql/parser/parse.go of Prometheus 3)."""

from __future__ import annotations

from typing import NoReturn

from dashboard.model.labels import METRIC_NAME
from dashboard.promql.ast import (
    COMPARISONS,
    SET_OPERATORS,
    AggregateExpr,
    BinaryExpr,
    Call,
    Cardinality,
    Expr,
    Matching,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
    children,
    unparenthesise,
)
from dashboard.promql.literals import quote
from dashboard.promql.position import Span, parse_error
from dashboard.promql.signatures import ValueType

_OPERANDS = (ValueType.SCALAR, ValueType.VECTOR)
_SHORT = {ValueType.VECTOR: "vector", ValueType.MATRIX: "matrix"}


def check(text: str, expr: Expr) -> None:
    """Check an expression that was read from ``text``.

    Raises:
        ParseError: it cannot be evaluated; the first reason in Prometheus's order.
    """
    _Checker(text).check(expr)


class _Checker:
    def __init__(self, text: str) -> None:
        self._text = text

    def _fail(self, span: Span, reason: str) -> NoReturn:
        raise parse_error(self._text, span, reason)

    def check(self, expr: Expr) -> None:
        match expr:
            case Call():
                self._call(expr)
            case AggregateExpr():
                self._aggregation(expr)
            case VectorSelector():
                self._selector(expr)
            case _:
                for child in children(expr):
                    self.check(child)
                self._operators(expr)

    def _operators(self, expr: Expr) -> None:
        match expr:
            case BinaryExpr():
                self._binary(expr)
            case UnaryExpr() if expr.expr.type not in _OPERANDS:
                wanted = "unary expression only allowed on expressions of type scalar or instant vector"
                self._fail(expr.span, f"{wanted}, got {quote(expr.expr.type.value)}")
            case SubqueryExpr() if expr.expr.type is not ValueType.VECTOR:
                kind = _SHORT.get(expr.expr.type, expr.expr.type.value)
                self._fail(expr.span, f"subquery is only allowed on instant vector, got {kind} instead")

    def _expect(self, expr: Expr, wanted: ValueType, context: str) -> None:
        self.check(expr)
        if expr.type is not wanted:
            self._fail(expr.span, f"expected type {wanted.value} in {context}, got {expr.type.value}")

    def _call(self, call: Call) -> None:
        self._count_arguments(call)
        types = call.function.arguments
        for number, argument in enumerate(call.arguments):
            if call.function.name == "info" and number == 1:
                self._info_labels(call, argument)
                continue
            context = f"call to function {quote(call.function.name)}"
            self._expect(argument, types[min(number, len(types) - 1)], context)

    def _info_labels(self, call: Call, argument: Expr) -> None:
        if argument.type is not ValueType.VECTOR:
            wanted = f"expected type {ValueType.VECTOR.value} in call to function {quote(call.function.name)}"
            self._fail(call.span, f"{wanted}, got {argument.type.value}")
        selector = unparenthesise(argument)
        if not isinstance(selector, VectorSelector) or selector.name:
            self._fail(argument.span, "expected label selectors only, got vector selector instead")

    def _count_arguments(self, call: Call) -> None:
        function, got = call.function, len(call.arguments)
        most = len(function.arguments)
        where = f"argument(s) in call to {quote(function.name)}, got {got}"
        if function.is_fixed and got != most:
            self._fail(call.span, f"expected {most} {where}")
        if got < function.fewest:
            self._fail(call.span, f"expected at least {function.fewest} {where}")
        if got > most and not function.repeats:
            self._fail(call.span, f"expected at most {most} {where}")

    def _aggregation(self, expr: AggregateExpr) -> None:
        self._expect(expr.expr, ValueType.VECTOR, "aggregation expression")
        if expr.parameter is not None:
            wanted = ValueType.STRING if expr.operator == "count_values" else ValueType.SCALAR
            self._expect(expr.parameter, wanted, "aggregation parameter")

    def _binary(self, expr: BinaryExpr) -> None:
        types = (expr.left.type, expr.right.type)
        if expr.bool_modifier and expr.operator not in COMPARISONS:
            self._fail(self._operator_span(expr), "bool modifier can only be used on comparison operators")
        if expr.operator in COMPARISONS and not expr.bool_modifier and set(types) == {ValueType.SCALAR}:
            self._fail(self._operator_span(expr), "comparisons between scalars must use BOOL modifier")
        matching = expr.matching or Matching()
        self._labels_once(expr, matching)
        for operand in (expr.left, expr.right):
            if operand.type not in _OPERANDS:
                self._fail(operand.span, "binary expression must contain only scalar and instant vector types")
        if types != (ValueType.VECTOR, ValueType.VECTOR):
            self._with_scalar(expr)
        elif expr.operator in SET_OPERATORS:
            self._set_operator(expr, matching)

    def _set_operator(self, expr: BinaryExpr, matching: Matching) -> None:
        if matching.cardinality is not Cardinality.MANY_TO_MANY:
            self._fail(expr.span, f"no grouping allowed for {quote(expr.operator)} operation")
        if matching.fills:
            self._fail(expr.span, "filling in missing series not allowed for set operators")

    def _operator_span(self, expr: BinaryExpr) -> Span:
        between = self._text[expr.left.span.end :]
        return Span(len(self._text) - len(between.lstrip(" \t\n\r")), expr.right.span.start)

    def _labels_once(self, expr: BinaryExpr, matching: Matching) -> None:
        twice = next((label for label in matching.labels if label in matching.include), None)
        if matching.on and twice is not None:
            reason = f"label {quote(twice)} must not occur in ON and GROUP clause at once"
            self._fail(self._operator_span(expr), reason)

    def _with_scalar(self, expr: BinaryExpr) -> None:
        if expr.matching is not None and expr.matching.labels:
            self._fail(expr.span, "vector matching only allowed between instant vectors")
        if expr.matching is not None and expr.matching.fills:
            self._fail(expr.span, "filling in missing series only allowed between instant vectors")
        if expr.operator in SET_OPERATORS:
            self._fail(expr.span, f"set operator {quote(expr.operator)} not allowed in binary scalar expression")

    def _selector(self, expr: VectorSelector) -> None:
        if expr.name:
            twice = next((matcher for matcher in expr.matchers[:-1] if matcher.name == METRIC_NAME), None)
            if twice is not None:
                names = f"{quote(expr.name)} or {quote(twice.value)}"
                self._fail(expr.span, f"metric name must not be set twice: {names}")
        elif all(matcher.matches("") for matcher in expr.matchers):
            self._fail(expr.span, "vector selector must contain at least one non-empty matcher")
