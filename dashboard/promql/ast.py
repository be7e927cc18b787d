"""What a query says, as a tree of frozen nodes.

``str()`` of a node is the query as Prometheus would print it (promql/parser/printer.go). Nodes that say the same are
equal, wherever in a text they stand.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from dashboard.model.duration import format_duration
from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.promql.durations import DurationExpr, NumberLiteral
from dashboard.promql.lexer import PARAMETRIC_AGGREGATORS
from dashboard.promql.literals import format_number, quote
from dashboard.promql.position import NOWHERE, Span
from dashboard.promql.signatures import Signature, ValueType

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A string."""

    value: str
    span: Span = field(default=NOWHERE, compare=False)

    type = ValueType.STRING

    def __str__(self) -> str:
        return quote(self.value)


class Edge(enum.Enum):
    """A time that ``@`` may name: the first or the last step of the query."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class Shift:
    """At what time a selector or subquery looks: ``@`` fixes it, ``offset`` moves it (milliseconds).

    ``offset`` is 0 until an ``offset_expr`` is resolved for a query.
    """

    offset: int = 0
    at: int | Edge | None = None
    offset_expr: DurationExpr | None = None

    def __str__(self) -> str:
        parts = []
        if isinstance(self.at, Edge):
            parts.append(f" @ {self.at.value}()")
        elif self.at is not None:
            sign = "-" if self.at < 0 else ""
            parts.append(f" @ {sign}{abs(self.at) // 1000}.{abs(self.at) % 1000:03d}")
        if self.offset_expr is not None:
            parts.append(f" offset {self.offset_expr}")
        elif self.offset:
            parts.append(f" offset {format_duration(self.offset)}")
        return "".join(parts)


UNSHIFTED = Shift()


class Extension(enum.Enum):
    """Where a selector looks beyond its range for the value at either end."""

    NONE = ""
    ANCHORED = " anchored"
    """The last sample before the range stands for its start."""
    SMOOTHED = " smoothed"
    """Both ends are interpolated between the samples around them."""


@dataclass(frozen=True, slots=True)
class VectorSelector:
    """Series, chosen by matchers; ``name`` is what stands before the braces and is among the matchers too."""

    name: str
    matchers: tuple[Matcher, ...]
    shift: Shift = UNSHIFTED
    extension: Extension = Extension.NONE
    span: Span = field(default=NOWHERE, compare=False)

    type = ValueType.VECTOR

    def __str__(self) -> str:
        return f"{self.series}{self.extension.value}{self.shift}"

    @property
    def series(self) -> str:
        """The selector without ``@`` and ``offset``."""
        shown = sorted(_print_matcher(matcher) for matcher in self.matchers if not self._is_name(matcher))
        return f"{self.name}{{{','.join(shown)}}}" if shown else self.name or "{}"

    def _is_name(self, matcher: Matcher) -> bool:
        named = matcher.name == METRIC_NAME and matcher.kind is MatchKind.EQUAL
        return named and matcher.value == self.name and bool(self.name)


def _print_matcher(matcher: Matcher) -> str:
    return f"{print_label(matcher.name)}{matcher.kind.value}{quote(matcher.value)}"


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    """The samples of a vector selector's series in a range of time (milliseconds)."""

    selector: VectorSelector
    range: int
    range_expr: DurationExpr | None = None
    """What ``range`` is resolved from for a query, if it is no plain duration."""
    span: Span = field(default=NOWHERE, compare=False)

    type = ValueType.MATRIX

    def __str__(self) -> str:
        length = _print_duration(self.range, self.range_expr)
        return f"{self.selector.series}[{length}]{self.selector.extension.value}{self.selector.shift}"


def _print_duration(milliseconds: int, expr: DurationExpr | None) -> str:
    return format_duration(milliseconds) if expr is None else str(expr)


@dataclass(frozen=True, slots=True)
class SubqueryExpr:
    """An expression evaluated at many times of a range; a ``step`` of 0 is the default one (milliseconds)."""

    expr: Expr
    range: int
    step: int = 0
    shift: Shift = UNSHIFTED
    range_expr: DurationExpr | None = None
    step_expr: DurationExpr | None = None
    span: Span = field(default=NOWHERE, compare=False)

    type = ValueType.MATRIX

    def __str__(self) -> str:
        step = _print_duration(self.step, self.step_expr) if self.step or self.step_expr is not None else ""
        return f"{self.expr}[{_print_duration(self.range, self.range_expr)}:{step}]{self.shift}"


@dataclass(frozen=True, slots=True)
class ParenExpr:
    """An expression in parentheses."""

    expr: Expr
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> ValueType:
        """The type of what stands inside."""
        return unwrap(self.expr).type

    def __str__(self) -> str:
        return f"({self.expr})"


@dataclass(frozen=True, slots=True)
class UnaryExpr:
    """``+`` or ``-`` before an expression."""

    operator: str
    expr: Expr
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> ValueType:
        """The type of the operand."""
        return unwrap(self.expr).type

    def __str__(self) -> str:
        return f"{self.operator}{self.expr}"


class Cardinality(enum.Enum):
    """How many series of either side may match each other."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    """``group_left``: many on the left."""
    ONE_TO_MANY = "one-to-many"
    """``group_right``: many on the right."""
    MANY_TO_MANY = "many-to-many"
    """Set operators."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which series of two vectors belong together."""

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    """What stands for a series that only the right side has."""
    fill_right: float | None = None

    @property
    def fills(self) -> bool:
        """Whether a series that only one side has finds a match all the same."""
        return self.fill_left is not None or self.fill_right is not None

    @property
    def is_grouped(self) -> bool:
        """Whether ``group_left`` or ``group_right`` stands there."""
        return self.cardinality in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY)

    def __str__(self) -> str:
        text = ""
        if self.labels or self.on or self.is_grouped:
            text = f" {'on' if self.on else 'ignoring'} ({_print_labels(self.labels)})"
        if self.is_grouped:
            side = "left" if self.cardinality is Cardinality.MANY_TO_ONE else "right"
            text += f" group_{side} ({_print_labels(self.include)})"
        return text + self._print_fill()

    def _print_fill(self) -> str:
        if self.fills and str(self.fill_left) == str(self.fill_right):
            return f" fill ({format_number(self.fill_left or 0.0)})"
        sides = (("left", self.fill_left), ("right", self.fill_right))
        return "".join(f" fill_{side} ({format_number(value)})" for side, value in sides if value is not None)


@dataclass(frozen=True, slots=True)
class BinaryExpr:
    """Two operands and an operator; ``matching`` counts only between two vectors, and is ``None`` elsewhere."""

    operator: str
    left: Expr
    right: Expr
    bool_modifier: bool = False
    matching: Matching | None = None
    span: Span = field(default=NOWHERE, compare=False)
    type: ValueType = field(default=ValueType.VECTOR, compare=False)

    @classmethod
    def of(cls, operator: str, left: Expr, right: Expr, bool_modifier: bool, matching: Matching) -> BinaryExpr:
        """Join two operands; the type, and whether there is anything to match, follow from theirs."""
        types = (left.type, right.type)
        both_vectors = types == (ValueType.VECTOR, ValueType.VECTOR)
        return cls(
            operator,
            left,
            right,
            bool_modifier,
            matching if both_vectors or matching.labels or matching.fills else None,
            left.span.to(right.span),
            ValueType.SCALAR if set(types) == {ValueType.SCALAR} else ValueType.VECTOR,
        )

    def __str__(self) -> str:
        modifier = " bool" if self.bool_modifier else ""
        return f"{self.left} {self.operator}{modifier}{self.matching or ''} {self.right}"


@dataclass(frozen=True, slots=True)
class AggregateExpr:
    """An aggregation over the series of a vector."""

    operator: str
    expr: Expr
    parameter: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False
    span: Span = field(default=NOWHERE, compare=False)

    type = ValueType.VECTOR

    def __str__(self) -> str:
        inner = f"{self.parameter}, {self.expr}" if self.parameter is not None else str(self.expr)
        return f"{self.operator}{self._print_grouping()}({inner})"

    def _print_grouping(self) -> str:
        if self.without:
            return f" without ({_print_labels(self.grouping)}) "
        return f" by ({_print_labels(self.grouping)}) " if self.grouping else ""


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: Signature
    arguments: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> ValueType:
        """What the function returns."""
        return self.function.returns

    def __str__(self) -> str:
        return f"{self.function.name}({', '.join(map(str, self.arguments))})"


Expr: TypeAlias = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | SubqueryExpr
    | ParenExpr
    | UnaryExpr
    | BinaryExpr
    | AggregateExpr
    | Call
)


def unwrap(expr: Expr) -> Expr:
    """Return what stands inside of parentheses and signs, which have the type of their operand."""
    while isinstance(expr, ParenExpr | UnaryExpr):
        expr = expr.expr
    return expr


def unparenthesise(expr: Expr) -> Expr:
    """Return what stands inside of parentheses."""
    while isinstance(expr, ParenExpr):
        expr = expr.expr
    return expr


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the expressions that a node is made of, in the order of the text."""
    match expr:
        case MatrixSelector():
            return (expr.selector,)
        case SubqueryExpr() | ParenExpr() | UnaryExpr():
            return (expr.expr,)
        case BinaryExpr():
            return (expr.left, expr.right)
        case AggregateExpr():
            return (expr.expr,) if expr.parameter is None else (expr.parameter, expr.expr)
        case Call():
            return expr.arguments
        case _:
            return ()


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield a node and everything below it, parents first."""
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def with_children(expr: Expr, made: Sequence[Expr]) -> Expr:
    """Return a node made of other expressions, given in the order of :func:`children`."""
    match expr:
        case SubqueryExpr() | ParenExpr() | UnaryExpr():
            return replace(expr, expr=made[0])
        case BinaryExpr():
            return replace(expr, left=made[0], right=made[1])
        case AggregateExpr():
            return replace(expr, expr=made[-1], parameter=made[0] if len(made) == 2 else None)
        case Call():
            return replace(expr, arguments=tuple(made))
        case _:
            return expr


def is_parametric(operator: str) -> bool:
    """Say whether an aggregation takes a parameter."""
    return operator in PARAMETRIC_AGGREGATORS


def print_label(name: str) -> str:
    """Write a label's name, in quotes where it is no plain one."""
    return name if _PLAIN_NAME.fullmatch(name) else quote(name)


def _print_labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(print_label, names))
