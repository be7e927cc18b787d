"""A query over several lines, as Prometheus prints it (promql/parser/prettier.go): what is too long is split."""

from __future__ import annotations

from dashboard.promql.ast import AggregateExpr, BinaryExpr, Call, Expr, ParenExpr, SubqueryExpr, UnaryExpr, children

_LONGEST_LINE = 100
_INDENT = "  "


def pretty(expr: Expr, level: int = 0) -> str:
    """Write an expression, indented by ``level``; one of more than 100 bytes is split over lines where it can be."""
    indent = _INDENT * level
    if isinstance(expr, UnaryExpr):
        return f"{indent}{expr.operator}{pretty(expr.expr, level).strip()}"
    text = str(expr)
    if len(text.encode()) <= _LONGEST_LINE:
        # Prometheus leaves out the indent of subqueries.
        return text if isinstance(expr, SubqueryExpr) else indent + text
    match expr:
        case AggregateExpr() | Call() | ParenExpr() if children(expr):
            inner = ",\n".join(pretty(child, level + 1) for child in children(expr))
            return f"{indent}{_opening(expr, text)}(\n{inner}\n{indent})"
        case BinaryExpr():
            operator = text[len(str(expr.left)) + 1 : -len(str(expr.right)) - 1]
            return f"{pretty(expr.left, level + 1)}\n{indent}{operator}\n{pretty(expr.right, level + 1)}"
        case SubqueryExpr():
            return pretty(expr.expr, level) + text[len(str(expr.expr)) :]
        case _:
            return indent + text


def _opening(expr: Expr, text: str) -> str:
    """Return what stands before the parentheses around the children of an expression."""
    inner = ", ".join(map(str, children(expr)))
    return text[: -len(inner) - 2]
