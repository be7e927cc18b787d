"""What can be known of an expression before it is evaluated, so that nothing is evaluated more often than needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dashboard.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    StringLiteral,
    SubqueryExpr,
    VectorSelector,
    children,
    walk,
)
from dashboard.promql.durations import NumberLiteral
from dashboard.promql.signatures import OF_DATE

# They look at the time of the step, or at when a sample was taken (AtModifierUnsafeFunctions of Prometheus).
_OF_THE_STEP = frozenset({*OF_DATE, "predict_linear", "time", "timestamp"})

_COSTLY = (VectorSelector, Call, AggregateExpr, BinaryExpr)

_MOST_NODES = 500
"""In larger expressions nobody looks for what stands there twice."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of the parts of an expression."""

    fixed: frozenset[int]
    """The ``id`` of each node that comes to the same at every step, since ``@`` fixes its selectors."""
    repeated: frozenset[Expr]
    """The expressions that stand at several places."""

    @classmethod
    def of(cls, expr: Expr) -> Plan:
        """Look through an expression."""
        nodes = list(walk(expr))
        return cls(_fixed(nodes), _repeated(nodes) if len(nodes) <= _MOST_NODES else frozenset())


def _fixed(parents_first: list[Expr]) -> frozenset[int]:
    if not any(_has_time(node) for node in parents_first):
        return frozenset()
    fixed: set[int] = set()
    for node in reversed(parents_first):
        if _is_fixed(node, fixed):
            fixed.add(id(node))
    return frozenset(fixed)


def _has_time(expr: Expr) -> bool:
    return isinstance(expr, VectorSelector | SubqueryExpr) and expr.shift.at is not None


def _is_fixed(expr: Expr, fixed: set[int]) -> bool:
    match expr:
        case NumberLiteral() | StringLiteral():
            return True
        case VectorSelector() | SubqueryExpr():
            return expr.shift.at is not None
        case MatrixSelector():
            return expr.selector.shift.at is not None
        case Call() if expr.function.name in _OF_THE_STEP:
            return False
        case _:
            return all(id(child) in fixed for child in children(expr))


def _repeated(nodes: list[Expr]) -> frozenset[Expr]:
    counts = Counter(node for node in nodes if isinstance(node, _COSTLY))
    return frozenset(expr for expr, count in counts.items() if count > 1)
