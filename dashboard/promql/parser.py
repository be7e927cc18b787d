"""PromQL's grammar: tokens become a tree, by precedence climbing (promql/parser/generated_parser.y of Prometheus 3)."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import NoReturn

from dashboard.model.duration import InvalidDurationError, parse_duration
from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import InvalidRegexError, Matcher, MatchKind
from dashboard.promql.ast import (
    SET_OPERATORS,
    AggregateExpr,
    BinaryExpr,
    Call,
    Cardinality,
    Edge,
    Expr,
    Extension,
    Matching,
    MatrixSelector,
    ParenExpr,
    Shift,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
    is_parametric,
)
from dashboard.promql.check import check
from dashboard.promql.durations import LONGEST_SECONDS, Duration, DurationExpr, NumberLiteral
from dashboard.promql.errors import ParseError
from dashboard.promql.lexer import KEYWORDS, Kind, Token, tokenize
from dashboard.promql.literals import InvalidLiteralError, format_number, parse_number, quote, unquote
from dashboard.promql.position import Span, parse_error
from dashboard.promql.signatures import SIGNATURES

LONGEST_TEXT = 65_536
"""Bytes of UTF-8."""

DEEPEST = 250
"""Levels of nesting, where each further operator of a chain is a level too."""

# A level takes at most eight Python frames in the parser, the checker, the printer and the evaluator. Python stops at
# 1,000 frames by default; since 3.11 its own frames take none of the C stack, so that more of them are safe.
_FRAMES = 4000
if sys.getrecursionlimit() < _FRAMES:
    sys.setrecursionlimit(_FRAMES)

_PRECEDENCE = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_POWER = _PRECEDENCE["^"]
_DURATION_PRECEDENCE = {operator: _PRECEDENCE[operator] for operator in "+-*/%^"}

# These keywords are never the name of a metric.
_NO_METRIC = frozenset({"bool", "on", "ignoring", "group_left", "group_right"})
_METRIC_OPERATORS = frozenset({"and", "or", "unless"})
_LITERALS = frozenset({Kind.NUMBER, Kind.DURATION, Kind.STRING})
_LABEL_KINDS = frozenset({Kind.IDENTIFIER, Kind.METRIC_IDENTIFIER, Kind.AGGREGATOR, Kind.KEYWORD})
_LABEL_OPERATORS = frozenset({"and", "or", "unless", "atan2"})

# Seconds: the longest offset, range and lookback away from it, the milliseconds are still an int64.
_FARTHEST = 2**53

_DURATION_WORDS = "number, duration, step(), or range()"
_DURATION_FUNCTIONS = frozenset({"step", "range", "min", "max", "min_of", "max_of"})
_EXTENSIONS = {"anchored": Extension.ANCHORED, "smoothed": Extension.SMOOTHED}


def parse(text: str) -> Expr:
    """Read a query.

    Raises:
        ParseError: the text is no query, in Prometheus's words and with the place; or it is longer than 64 KiB, or
            nested deeper than 250 levels.
    """
    if len(text.encode()) > LONGEST_TEXT:
        raise ParseError(f"expression is longer than {LONGEST_TEXT // 1024} KiB")
    expr = _Parser(text).query()
    check(text, expr)
    return expr


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._at = 0
        self._level = 0
        self._height = 0

    # What every rule is made of.

    @property
    def _token(self) -> Token:
        token = self._tokens[self._at]
        if token.kind is Kind.ERROR:
            self._fail(token.span, token.text)
        return token

    @property
    def _previous(self) -> Token:
        return self._tokens[self._at - 1]

    def _advance(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _accept(self, word: str) -> bool:
        if self._token.word != word:
            return False
        self._at += 1
        return True

    def _expect(self, word: str, context: str, expected: str) -> Token:
        if self._token.word != word:
            self._unexpected(context, expected)
        return self._advance()

    def _fail(self, span: Span, reason: str) -> NoReturn:
        raise parse_error(self._text, span, reason)

    def _unexpected(self, context: str = "", expected: str = "") -> NoReturn:
        where = f" in {context}" if context else ""
        wanted = f", expected {expected}" if expected else ""
        self._fail(self._token.span, f"unexpected {self._token.describe()}{where}{wanted}")

    def _grow(self, *heights: int) -> None:
        self._height = max(heights, default=0) + 1
        if self._height > DEEPEST:
            self._too_deep()

    def _too_deep(self) -> NoReturn:
        raise ParseError(f"expression is nested deeper than {DEEPEST} levels")

    # Expressions.

    def query(self) -> Expr:
        if self._token.kind is Kind.END:
            self._fail(Span(0, 0), "no expression found in input")
        expr = self._expression()
        if self._at + 1 < len(self._tokens):
            self._unexpected()
        return expr

    def _enter(self) -> None:
        self._level += 1
        if self._level > DEEPEST:
            self._too_deep()

    def _expression(self, lowest: int = 1) -> Expr:
        self._enter()
        left = self._operand()
        while (precedence := _PRECEDENCE.get(self._token.word, 0)) >= lowest:
            height = self._height
            operator = self._advance()
            bool_modifier = self._accept("bool")
            matching = self._matching()
            right = self._expression(precedence + (operator.word != "^"))
            self._grow(height, self._height)
            if operator.word in SET_OPERATORS and not matching.is_grouped:
                matching = replace(matching, cardinality=Cardinality.MANY_TO_MANY)
            left = BinaryExpr.of(operator.word, left, right, bool_modifier, matching)
        self._level -= 1
        return left

    def _matching(self) -> Matching:
        matching = self._labels_to_match()
        if self._token.word == "fill":
            value = self._fill_value()
            return replace(matching, fill_left=value, fill_right=value)
        while self._token.word in ("fill_left", "fill_right"):
            left = self._token.word == "fill_left"
            if (matching.fill_left if left else matching.fill_right) is not None:
                self._unexpected()
            value = self._fill_value()
            matching = replace(matching, fill_left=value) if left else replace(matching, fill_right=value)
        return matching

    def _fill_value(self) -> float:
        self._at += 1
        self._expect("(", "fill modifier", '"("')
        negative = self._token.word == "-"
        if self._token.word in ("+", "-"):
            self._at += 1
        if self._token.kind not in (Kind.NUMBER, Kind.DURATION):
            self._unexpected("fill modifier", "number")
        value = self._literal()
        assert isinstance(value, NumberLiteral)  # noqa: S101 - its kind was asked before.
        self._expect(")", "fill modifier", '")"')
        return -value.value if negative else value.value

    def _labels_to_match(self) -> Matching:
        if self._token.word not in ("on", "ignoring"):
            return Matching()
        on = self._advance().word == "on"
        labels = self._labels()
        if self._token.word not in ("group_left", "group_right"):
            return Matching(on=on, labels=labels)
        many_left = self._advance().word == "group_left"
        cardinality = Cardinality.MANY_TO_ONE if many_left else Cardinality.ONE_TO_MANY
        bare = self._token.word != "(" and self._token.word not in _NO_METRIC
        include = () if bare else self._labels()
        return Matching(cardinality, on, labels, include)

    def _operand(self) -> Expr:
        if self._token.word in ("+", "-"):
            return self._unary()
        expr = self._primary()
        while True:
            match self._token.word:
                case "[":
                    expr = self._bracket(expr)
                case "offset":
                    expr = self._offset(expr)
                case "@":
                    expr = self._at_time(expr)
                case _ if self._token.kind is Kind.IDENTIFIER and self._token.text.lower() in _EXTENSIONS:
                    expr = self._extended(expr)
                case _:
                    return expr

    def _extended(self, expr: Expr) -> Expr:
        word = self._advance().text.lower()
        if isinstance(expr, VectorSelector):
            return self._extend(expr, expr, word)
        if isinstance(expr, MatrixSelector):
            return replace(expr, selector=self._extend(expr, expr.selector, word))
        reason = "is not supported for subqueries" if isinstance(expr, SubqueryExpr) else "not implemented"
        raise parse_error(self._text, expr.span, f"{word} modifier {reason}")

    def _extend(self, expr: Expr, selector: VectorSelector, word: str) -> VectorSelector:
        extension = _EXTENSIONS[word]
        if selector.extension not in (Extension.NONE, extension):
            self._fail(expr.span, "anchored and smoothed modifiers cannot be used together")
        return replace(selector, extension=extension)

    def _unary(self) -> Expr:
        sign = self._advance()
        # A sign binds as multiplication does: -1 ^ 2 is -(1 ^ 2).
        expr = self._expression(_POWER)
        span = sign.span.to(expr.span)
        if isinstance(expr, NumberLiteral):
            return replace(expr, value=-expr.value if sign.word == "-" else expr.value, span=span)
        self._grow(self._height)
        return UnaryExpr(sign.word, expr, span)

    def _primary(self) -> Expr:
        self._height = 1
        token = self._token
        if token.word == "(":
            return self._parentheses()
        if token.kind in _LITERALS:
            return self._literal()
        following = self._tokens[self._at + 1].word if token.kind is not Kind.END else ""
        if token.kind is Kind.AGGREGATOR and following in ("(", "by", "without"):
            return self._aggregation()
        if following == "(" and (token.kind is Kind.IDENTIFIER or token.word in ("start", "end")):
            return self._call()
        return self._selector()

    def _parentheses(self) -> ParenExpr:
        opening = self._advance()
        expr = self._expression()
        closing = self._expect(")", "", "")
        self._grow(self._height)
        return ParenExpr(expr, opening.span.to(closing.span))

    # Numbers, durations and strings.

    def _literal(self) -> NumberLiteral | StringLiteral:
        token = self._advance()
        if token.kind is Kind.STRING:
            return StringLiteral(unquote(token.text), token.span)
        if token.kind is Kind.DURATION:
            return NumberLiteral(self._duration(token) / 1000, duration=True, span=token.span)
        return NumberLiteral(self._number(token), span=token.span)

    def _number(self, token: Token) -> float:
        try:
            return parse_number(token.text)
        except InvalidLiteralError as error:
            self._fail(token.span, f"error parsing number: {error}")

    def _duration(self, token: Token) -> int:
        try:
            return parse_duration(token.text)
        except InvalidDurationError as error:
            self._fail(token.span, str(error))

    # Durations, and what may be calculated with them.

    def _positive(self, context: str, expected: str) -> tuple[int, DurationExpr | None]:
        """Read a duration above 0: milliseconds, or 0 and what to work out when there is a query."""
        height = self._height
        duration = self._duration_expression(context, expected)
        self._height = max(height, self._height)
        if isinstance(duration, DurationExpr):
            return 0, duration
        if not duration.value > 0:
            self._fail(duration.span, "duration must be greater than 0")
        return round(duration.value * 1000), None

    def _duration_expression(self, context: str, expected: str, lowest: int = 1) -> Duration:
        self._enter()
        left = self._duration_operand(context, expected)
        while (precedence := _DURATION_PRECEDENCE.get(self._token.word, 0)) >= lowest:
            height = self._height
            operator = self._advance()
            right = self._duration_expression(context, expected, precedence + (operator.word != "^"))
            self._grow(height, self._height)
            if operator.word in "/%" and isinstance(right, NumberLiteral) and right.value == 0:
                self._fail(operator.span, f"{'division' if operator.word == '/' else 'modulo'} by zero")
            left = DurationExpr(operator.word, left, right, span=left.span.to(right.span))
        self._level -= 1
        return left

    def _duration_operand(self, context: str, expected: str) -> Duration:
        token = self._token
        self._height = 1
        if token.word in ("+", "-"):
            self._at += 1
            # A sign binds as multiplication does, and so weaker than a power.
            return self._signed(token, self._duration_expression(context, expected, _POWER))
        if token.word == "(":
            return self._wrapped_duration(context, expected)
        if token.text.lower() in _DURATION_FUNCTIONS and self._tokens[self._at + 1].word == "(":
            return self._duration_call(context, expected)
        if token.kind not in (Kind.NUMBER, Kind.DURATION):
            self._unexpected(context, expected)
        return self._checked(self._literal(), token.span)

    def _checked(self, literal: Expr, place: Span) -> NumberLiteral:
        assert isinstance(literal, NumberLiteral)  # noqa: S101 - its kind was asked before.
        if not abs(literal.value) <= LONGEST_SECONDS:
            self._fail(place, "duration out of range")
        return literal

    def _signed(self, sign: Token, operand: Duration) -> Duration:
        span = sign.span.to(operand.span)
        if isinstance(operand, NumberLiteral):
            return replace(operand, value=-operand.value if sign.word == "-" else operand.value, span=span)
        self._grow(self._height)
        return DurationExpr("-", None, operand, span=span) if sign.word == "-" else operand

    def _wrapped_duration(self, context: str, expected: str) -> Duration:
        opening = self._advance()
        inner = self._duration_expression(context, expected)
        closing = self._expect(")", context, expected)
        self._grow(self._height)
        if isinstance(inner, NumberLiteral):
            return inner
        return replace(inner, wrapped=True, span=opening.span.to(closing.span))

    def _duration_call(self, context: str, expected: str) -> DurationExpr:
        name = self._advance()
        self._at += 1
        left = right = None
        if name.text.lower() not in ("step", "range"):
            left = self._duration_expression(context, expected)
            height = self._height
            self._expect(",", context, '","')
            right = self._duration_expression(context, expected)
            self._grow(height, self._height)
        closing = self._expect(")", context, '")"')
        return DurationExpr(name.text.lower(), left, right, span=name.span.to(closing.span))

    # Calls and aggregations.

    def _call(self) -> Call:
        name = self._advance()
        arguments = self._arguments()
        span = name.span.to(self._previous.span)
        signature = SIGNATURES.get(name.text)
        if signature is None:
            self._fail(name.span, f"unknown function with name {quote(name.text)}")
        return Call(signature, arguments, span)

    def _arguments(self) -> tuple[Expr, ...]:
        self._expect("(", "", "")
        arguments: list[Expr] = []
        height = 0
        while self._token.word != ")":
            arguments.append(self._expression())
            height = max(height, self._height)
            if self._token.word == ",":
                comma = self._advance()
                if self._token.word == ")":
                    self._fail(comma.span, "trailing commas not allowed in function call args")
            elif self._token.word != ")":
                self._unexpected()
        self._at += 1
        self._grow(height)
        return tuple(arguments)

    def _aggregation(self) -> AggregateExpr:
        name = self._advance()
        grouping = self._grouping()
        if grouping is not None and self._token.word != "(":
            self._unexpected("aggregation")
        arguments = self._arguments()
        if grouping is None:
            grouping = self._grouping()
        without, labels = grouping or (False, ())
        return self._aggregate(name, arguments, labels, without, name.span.to(self._previous.span))

    def _grouping(self) -> tuple[bool, tuple[str, ...]] | None:
        if self._token.word not in ("by", "without"):
            return None
        without = self._advance().word == "without"
        return without, self._labels()

    def _aggregate(
        self, name: Token, arguments: tuple[Expr, ...], labels: tuple[str, ...], without: bool, span: Span
    ) -> AggregateExpr:
        wanted = 2 if is_parametric(name.word) else 1
        if not arguments:
            self._fail(span, "no arguments for aggregate expression provided")
        if len(arguments) != wanted:
            reason = "wrong number of arguments for aggregate expression provided"
            self._fail(span, f"{reason}, expected {wanted}, got {len(arguments)}")
        parameter = arguments[0] if wanted == 2 else None
        return AggregateExpr(name.word, arguments[-1], parameter, labels, without, span)

    def _labels(self) -> tuple[str, ...]:
        self._expect("(", "grouping opts", '"("')
        labels: list[str] = []
        while self._token.word != ")":
            labels.append(self._label())
            if not self._accept(",") and self._token.word != ")":
                self._unexpected("grouping opts", '"," or ")"')
        self._at += 1
        return tuple(labels)

    def _label(self) -> str:
        token = self._token
        if token.kind is Kind.STRING:
            name = unquote(self._advance().text)
            if not name:
                self._fail(token.span, "invalid label name for grouping: " + quote(name))
            return name
        allowed = token.kind in _LABEL_KINDS or token.word in _LABEL_OPERATORS
        if not allowed or ":" in token.text:
            self._unexpected("grouping opts", "label")
        return self._advance().text

    # Selectors.

    def _selector(self) -> VectorSelector:
        token = self._token
        name = ""
        if self._is_metric_name(token):
            name = self._advance().text
        elif token.word != "{":
            self._unexpected()
        matchers = self._matchers() if self._token.word == "{" else []
        if name:
            matchers.append(Matcher(MatchKind.EQUAL, METRIC_NAME, name))
        return VectorSelector(name, tuple(matchers), span=token.span.to(self._previous.span))

    def _is_metric_name(self, token: Token) -> bool:
        if token.kind in (Kind.IDENTIFIER, Kind.METRIC_IDENTIFIER, Kind.AGGREGATOR):
            return True
        return token.word in _METRIC_OPERATORS or (token.word in KEYWORDS and token.word not in _NO_METRIC)

    def _matchers(self) -> list[Matcher]:
        self._at += 1
        matchers: list[Matcher] = []
        while self._token.word != "}":
            matchers.append(self._matcher())
            if not self._accept(",") and self._token.word != "}":
                self._unexpected("label matching", '"," or "}"')
        self._at += 1
        return matchers

    def _matcher(self) -> Matcher:
        label = self._token
        if label.kind not in (Kind.IDENTIFIER, Kind.STRING):
            self._unexpected("label matching", 'identifier or "}"')
        self._at += 1
        name = unquote(label.text) if label.kind is Kind.STRING else label.text
        if label.kind is Kind.STRING and self._token.word in (",", "}"):
            return Matcher(MatchKind.EQUAL, METRIC_NAME, name)
        if self._token.word not in ("=", "!=", "=~", "!~"):
            self._unexpected("label matching", "label matching operator")
        kind = MatchKind(self._advance().word)
        if self._token.kind is not Kind.STRING:
            self._unexpected("label matching", "string")
        value = self._advance()
        try:
            return Matcher(kind, name, unquote(value.text))
        except InvalidRegexError as error:
            self._fail(label.span.to(value.span), str(error))

    def _bracket(self, expr: Expr) -> Expr:
        opening = self._advance()
        length, length_expr = self._positive("subquery or range selector", _DURATION_WORDS)
        if self._accept(":"):
            return self._subquery(expr, length, length_expr)
        closing = self._expect("]", "subquery or range", '":" or "]"')
        place = opening.span.to(closing.span)
        if not isinstance(expr, VectorSelector):
            self._fail(place, "ranges only allowed for vector selectors")
        if _has_offset(expr.shift):
            self._fail(place, "no offset modifiers allowed before range")
        if expr.shift.at is not None:
            self._fail(place, "no @ modifiers allowed before range")
        return MatrixSelector(expr, length, length_expr, expr.span.to(closing.span))

    def _subquery(self, expr: Expr, length: int, length_expr: DurationExpr | None) -> SubqueryExpr:
        step, step_expr = 0, None
        if self._token.word != "]":
            step, step_expr = self._positive("subquery selector", 'number, duration, step(), range(), or "]"')
        closing = self._expect("]", "subquery selector", '"]"')
        self._grow(self._height)
        span = expr.span.to(closing.span)
        return SubqueryExpr(expr, length, step, range_expr=length_expr, step_expr=step_expr, span=span)

    # offset and @.

    def _offset(self, expr: Expr) -> Expr:
        self._at += 1
        height, sign = self._height, self._token
        if sign.word in ("+", "-"):
            self._at += 1
        # Without parentheses, an operator behind the duration is one of the expression.
        duration = self._duration_operand("offset", _DURATION_WORDS)
        if sign.word in ("+", "-"):
            duration = self._signed(sign, duration)
        self._height = max(height, self._height)
        shift = self._shift(expr, "offset")
        if _has_offset(shift):
            self._fail(expr.span, "offset may not be set multiple times")
        if isinstance(duration, DurationExpr):
            return self._shifted(expr, replace(shift, offset_expr=duration))
        return self._shifted(expr, replace(shift, offset=round(duration.value * 1000)))

    def _at_time(self, expr: Expr) -> Expr:
        self._at += 1
        at = self._time(expr)
        shift = self._shift(expr, "@")
        if shift.at is not None:
            self._fail(expr.span, "@ <timestamp> may not be set multiple times")
        return self._shifted(expr, replace(shift, at=at))

    def _time(self, expr: Expr) -> int | Edge:
        if self._token.word in ("start", "end"):
            edge = Edge(self._advance().word)
            self._expect("(", "@", "timestamp")
            self._expect(")", "@", "timestamp")
            return edge
        negative = self._token.word == "-"
        if self._token.word in ("+", "-"):
            self._at += 1
        if self._token.kind not in (Kind.NUMBER, Kind.DURATION):
            self._unexpected("@", "timestamp")
        literal = self._literal()
        assert isinstance(literal, NumberLiteral)  # noqa: S101 - its kind was asked before.
        seconds = -literal.value if negative else literal.value
        if not abs(seconds) < _FARTHEST:
            shown = f"{seconds:f}" if math.isfinite(seconds) else format_number(seconds)
            self._fail(expr.span, f"timestamp out of bounds for @ modifier: {shown}")
        return round(seconds * 1000)

    def _shift(self, expr: Expr, modifier: str) -> Shift:
        if isinstance(expr, VectorSelector | SubqueryExpr):
            return expr.shift
        if isinstance(expr, MatrixSelector):
            return expr.selector.shift
        wanted = "an instant vector selector or range vector selector or a subquery"
        raise parse_error(self._text, expr.span, f"{modifier} modifier must be preceded by {wanted}")

    def _shifted(self, expr: Expr, shift: Shift) -> Expr:
        span = expr.span.to(self._previous.span)
        match expr:
            case VectorSelector() | SubqueryExpr():
                return replace(expr, shift=shift, span=span)
            case MatrixSelector():
                return replace(expr, selector=replace(expr.selector, shift=shift), span=span)
        raise TypeError(expr)


def _has_offset(shift: Shift) -> bool:
    return bool(shift.offset) or shift.offset_expr is not None
