"""What the parser reads, what it refuses, and how it says so."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.promql import ParseError, parse
from dashboard.promql.ast import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Cardinality,
    Matching,
    MatrixSelector,
    ParenExpr,
    Shift,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from dashboard.promql.durations import DurationExpr, NumberLiteral
from dashboard.promql.parser import DEEPEST, LONGEST_TEXT
from dashboard.promql.position import Span

PRINTED = [
    ("1 + 2 * 3", "1 + 2 * 3"),
    ("2 ^ 3 ^ 4", "2 ^ 3 ^ 4"),
    ("-1 ^ 2", "-1 ^ 2"),
    ("0x1F + 017 + 1_000 + .5 + 1e3", "31 + 15 + 1000 + 0.5 + 1000"),
    ("Inf + NaN - inf", "+Inf + NaN - +Inf"),
    ("1h30m > bool 90 * 60", "1h30m > bool 90 * 60"),
    ("foo # the rest is a remark\n + bar", "foo + bar"),
    ("SUM BY (job,) (foo)", "sum by (job) (foo)"),
    ("sum(foo) without (a, b)", "sum without (a, b) (foo)"),
    ("sum(foo) by ()", "sum(foo)"),
    ('count_values("v", foo)', 'count_values("v", foo)'),
    ("topk(1 + 1, sum)", "topk(1 + 1, sum)"),
    ("sum by (on, bool, group_left, offset) (by)", "sum by (on, bool, group_left, offset) (by)"),
    ('foo{b="x", a!="y",}', 'foo{a!="y",b="x"}'),
    ("{__name__=~'a|b'}", '{__name__=~"a|b"}'),
    ('{"my.metric", "my.label"=`x`}', '{"my.label"="x",__name__="my.metric"}'),
    ('sum by ("my.label") (foo)', 'sum by ("my.label") (foo)'),
    ("foo[5m] offset 1w", "foo[5m] offset 1w"),
    ("foo offset -90s", "foo offset -1m30s"),
    ("foo[300] offset 60", "foo[5m] offset 1m"),
    ("foo @ 1.5 offset 1h", "foo @ 1.500 offset 1h"),
    ("foo[1m] @ end()", "foo[1m] @ end()"),
    ("rate(foo[1m])[30m:1m] @ start() offset 1d", "rate(foo[1m])[30m:1m] @ start() offset 1d"),
    ("foo[5m:]", "foo[5m:]"),
    ("a / on (x) group_left (y, z) b", "a / on (x) group_left (y, z) b"),
    ("a == bool ignoring (x) group_right b", "a == bool ignoring (x) group_right () b"),
    ("a and on () b or c unless d", "a and on () b or c unless d"),
    (r'"\x41\u00e9\n" ', '"Aé\\n"'),
    ("a:b:c + :d", "a:b:c + :d"),
    ("(foo)", "(foo)"),
    ("+foo", "+foo"),
    ("foo @ 1m40s", "foo @ 100.000"),
    ("start() + end() - step() * range()", "start() + end() - step() * range()"),
]

PRINTED_LATER = [
    ("foo[5m * 2]", "foo[5m * 2]"),
    ("foo[STEP() + 1s]", "foo[step() + 1s]"),
    ("foo[2m*(10+5)]", "foo[2m * (10 + 5)]"),
    ("foo[-5m+35m]", "foo[-5m + 35m]"),
    ("foo[-(1m - 2m)]", "foo[-(1m - 2m)]"),
    ("foo[2^3^1s]", "foo[2 ^ 3 ^ 1s]"),
    ("foo[max(step(), 5s)]", "foo[max(step(), 5s)]"),
    ("foo[range():min_of(1m, step())] @ end()", "foo[range():min_of(1m, step())] @ end()"),
    ("foo offset (step() * 2)", "foo offset (step() * 2)"),
    ("foo offset -step()", "foo offset -step()"),
    ("foo[5m:step()] offset range()", "foo[5m:step()] offset range()"),
    ("foo offset 1m + 2", "foo offset 1m + 2"),
    ("foo offset -2 ^ 2", "foo offset -2s ^ 2"),
    ("a + fill(0) b", "a + fill (0) b"),
    ("a + on (x) group_left (y) fill_left(-1) fill_right(0x10) b", None),
    ("fill + fill(NaN) fill", "fill + fill (NaN) fill"),
    ("rate(foo[5m] ANCHORED offset 1m)", "rate(foo[5m] anchored offset 1m)"),
    ("foo{a='b'} smoothed @ 0", 'foo{a="b"} smoothed @ 0.000'),
    ("anchored + smoothed", "anchored + smoothed"),
    ("info(foo, {a=~'.*'})", 'info(foo, {a=~".*"})'),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_a_query_is_printed_as_prometheus_prints_it(text: str, printed: str) -> None:
    assert str(parse(text)) == printed
    assert str(parse(printed)) == printed


@pytest.mark.parametrize(("text", "printed"), PRINTED_LATER)
def test_what_other_parsers_do_not_know_yet_is_printed_too(text: str, printed: str | None) -> None:
    wanted = printed or "a + on (x) group_left (y) fill_left (-1) fill_right (16) b"
    assert str(parse(text)) == wanted
    assert parse(wanted) == parse(text)


REFUSED = [
    ("", "unknown position: parse error: no expression found in input"),
    ("# nothing", "1:1: parse error: no expression found in input"),
    ("foo bar", '1:5: parse error: unexpected identifier "bar"'),
    ("foo\n+\nbar baz", '3:5: parse error: unexpected identifier "baz"'),
    ('{a="é" b}', '1:9: parse error: unexpected identifier "b" in label matching, expected "," or "}"'),
    ("1 +", "1:4: parse error: unexpected end of input"),
    ("(1", "1:3: parse error: unclosed left parenthesis"),
    ("(1))", "1:5: parse error: unexpected right parenthesis ')'"),
    ("foo}", "1:4: parse error: unexpected character: '}'"),
    ("foo{", "1:5: parse error: unexpected end of input inside braces"),
    ("foo{a=b}", '1:7: parse error: unexpected identifier "b" in label matching, expected string'),
    ("foo{a}", '1:6: parse error: unexpected "}" in label matching, expected label matching operator'),
    ("foo{,}", '1:5: parse error: unexpected "," in label matching, expected identifier or "}"'),
    ("foo{a*'b'}", "1:6: parse error: unexpected character inside braces: '*'"),
    ("foo[5m", "1:7: parse error: unclosed left bracket"),
    ("foo[5mm]", '1:5: parse error: bad number or duration syntax: "5mm"'),
    ("foo[0s]", "1:5: parse error: duration must be greater than 0"),
    ("foo[5m1h]", '1:5: parse error: not a valid duration string: "5m1h"'),
    ("foo['5m']", "1:5: parse error: unexpected character in duration expression: '''"),
    ("foo[5m:foo]", "1:8: parse error: unexpected character: 'f', expected ':'"),
    ("1 and 1", '1:1: parse error: set operator "and" not allowed in binary scalar expression'),
    ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
    ("foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators"),
    ("foo + on (a) 1", "1:1: parse error: vector matching only allowed between instant vectors"),
    ("foo or on (a) group_left bar", '1:1: parse error: no grouping allowed for "or" operation'),
    (
        "foo + on (a) group_left (a) bar",
        '1:5: parse error: label "a" must not occur in ON and GROUP clause at once',
    ),
    ('"a" + 1', "1:1: parse error: binary expression must contain only scalar and instant vector types"),
    (
        '-"a"',
        '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string"',
    ),
    ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
    ('foo + {a=~".*"}', "1:7: parse error: vector selector must contain at least one non-empty matcher"),
    ('foo{__name__="bar"}', '1:1: parse error: metric name must not be set twice: "foo" or "bar"'),
    ("nofunction(foo)", '1:1: parse error: unknown function with name "nofunction"'),
    (
        "rate(foo)",
        '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    ),
    ("rate(foo[5m],)", "1:13: parse error: trailing commas not allowed in function call args"),
    ("floor()", '1:1: parse error: expected 1 argument(s) in call to "floor", got 0'),
    ("round(foo, 1, 2)", '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'),
    ("label_join(foo)", '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 1'),
    ("sum(foo[5m])", "1:5: parse error: expected type instant vector in aggregation expression, got range vector"),
    ("topk('a', foo)", "1:6: parse error: expected type scalar in aggregation parameter, got string"),
    ("sum()", "1:1: parse error: no arguments for aggregate expression provided"),
    (
        "topk(foo)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
    ),
    ("sum by a (foo)", '1:8: parse error: unexpected identifier "a" in grouping opts, expected "("'),
    ("sum by (1) (foo)", '1:9: parse error: unexpected number "1" in grouping opts, expected label'),
    ("foo offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"),
    ("foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"),
    ("foo offset 1m [5m]", "1:15: parse error: no offset modifiers allowed before range"),
    ("foo @ 1 [5m]", "1:9: parse error: no @ modifiers allowed before range"),
    ("sum(foo)[5m]", "1:9: parse error: ranges only allowed for vector selectors"),
    (
        "1 offset 5m",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector "
        "or a subquery",
    ),
    ("foo[1m][5m:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"),
    (r'"\c"', "1:1: parse error: unknown escape sequence U+0063 'c'"),
    ("'abc", "1:1: parse error: unterminated quoted string"),
    ("`abc", "1:1: parse error: unterminated raw string"),
    ('"abc\\', "1:1: parse error: escape sequence not terminated"),
    ("foo @ -Inf", "1:1: parse error: timestamp out of bounds for @ modifier: -Inf"),
    ("foo @ NaN", "1:1: parse error: timestamp out of bounds for @ modifier: NaN"),
    ("1e400", '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "1e400": value out of range'),
]

REFUSED_LATER = [
    (
        "foo[5m*]",
        '1:8: parse error: unexpected "]" in subquery or range selector, expected number, duration, step(), or range()',
    ),
    ("foo[5m/0]", "1:7: parse error: division by zero"),
    ("foo[5m%0]", "1:7: parse error: modulo by zero"),
    ("foo[1e300]", "1:5: parse error: duration out of range"),
    ("foo offset 1e300", "1:12: parse error: duration out of range"),
    ("foo offset (5m", "1:15: parse error: unclosed left parenthesis"),
    ("foo offset *", "1:12: parse error: unexpected <op:*> in offset, expected number, duration, step(), or range()"),
    ("foo offset step() offset 1m", "1:1: parse error: offset may not be set multiple times"),
    ("foo offset step() [5m]", "1:19: parse error: no offset modifiers allowed before range"),
    ("a and fill(0) b", "1:1: parse error: filling in missing series not allowed for set operators"),
    ("a + fill(0) 1", "1:1: parse error: filling in missing series only allowed between instant vectors"),
    ("a + fill('x') b", "1:10: parse error: unexpected string \"'x'\" in fill modifier, expected number"),
    ("a + fill_left(1) fill_left(1) b", "1:18: parse error: unexpected <fill_left>"),
    ("foo[5m:1m] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"),
    ("(foo + bar) smoothed", "1:1: parse error: smoothed modifier not implemented"),
    ("foo anchored smoothed", "1:1: parse error: anchored and smoothed modifiers cannot be used together"),
    ("info(foo, bar)", "1:11: parse error: expected label selectors only, got vector selector instead"),
    ("info(foo, 1)", '1:1: parse error: expected type instant vector in call to function "info", got scalar'),
]


@pytest.mark.parametrize(("text", "message"), [*REFUSED, *REFUSED_LATER])
def test_a_text_that_is_no_query_is_refused_with_the_place_and_the_reason(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_a_time_that_no_int64_of_milliseconds_holds_is_refused() -> None:
    with pytest.raises(ParseError, match=r"timestamp out of bounds for @ modifier: 9100000000000000\.000000"):
        parse("foo @ 9.1e15")


def test_precedence_is_that_of_prometheus() -> None:
    expr = parse("a or b and c == d + e * -f ^ g")
    assert isinstance(expr, BinaryExpr)
    assert expr.operator == "or"
    assert isinstance(expr.right, BinaryExpr)
    assert expr.right.operator == "and"
    compared = expr.right.right
    assert isinstance(compared, BinaryExpr)
    assert str(compared.right) == "d + e * -f ^ g"
    product = compared.right
    assert isinstance(product, BinaryExpr)
    assert isinstance(product.right, BinaryExpr)
    assert isinstance(product.right.right, UnaryExpr)


def test_power_binds_to_the_right_and_everything_else_to_the_left() -> None:
    power, minus = parse("2 ^ 3 ^ 4"), parse("2 - 3 - 4")
    assert isinstance(power, BinaryExpr)
    assert isinstance(minus, BinaryExpr)
    assert (str(power.right), str(minus.left)) == ("3 ^ 4", "2 - 3")


def test_a_node_knows_where_it_stands() -> None:
    expr = parse(" rate(foo[5m] offset 1m) / 2")
    assert isinstance(expr, BinaryExpr)
    assert isinstance(expr.left, Call)
    assert (expr.left.span, expr.left.arguments[0].span, expr.span) == (Span(1, 24), Span(6, 23), Span(1, 28))


def test_durations_may_stand_for_numbers() -> None:
    assert parse("1m30s") == NumberLiteral(90.0, duration=True)


def test_set_operators_match_many_to_many() -> None:
    expr = parse("a and on (x) b")
    assert isinstance(expr, BinaryExpr)
    assert expr.matching == Matching(Cardinality.MANY_TO_MANY, on=True, labels=("x",))


@pytest.mark.parametrize("depth", [1, DEEPEST - 10])
def test_nesting_within_the_limit_is_read_and_printed(depth: int) -> None:
    for text in ("(" * depth + "1" + ")" * depth, "1" + " + 1" * depth, "sum(" * depth + "x" + ")" * depth):
        assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "(" * 300 + "1" + ")" * 300,
        "(" * 30_000,
        "1" + "+1" * 20_000,
        "-" * 20_000 + "x",
        "2" + "^2" * 20_000,
        "sum(" * 300 + "x" + ")" * 300,
        "x" + "[1m:]" * 300,
        "(" * 200 + "1" + "+1" * 100 + ")" * 200,
        "x[" + "(" * 300 + "1" + ")" * 300 + "]",
        "x[1" + "+1" * 20_000 + "]",
        "x offset " + "-" * 20_000 + "1",
        "x[" + "2^" * 300 + "2]",
    ],
)
def test_nesting_beyond_the_limit_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ParseError, match="longer than 64 KiB"):
        parse("é" * (LONGEST_TEXT // 2 + 1))


# A grammar of its own for queries, built as trees.

NAMES = st.sampled_from(["foo", "bar", "a:b", "sum", "by", "offset", "and"])
LABELS = st.sampled_from([("job",), ("le", "on"), ("sum", "my.label", "by")])
DURATIONS = st.integers(1, 10**12)
OPENS = st.sampled_from(["5m * 2", "step()", "-(1s - range())", "max(1m, step() ^ 2)"]).map(
    lambda text: open_range(f"x[{text}]")
)
SHIFTS = st.builds(Shift, st.integers(-(10**9), 10**9), st.none() | st.integers(-(10**12), 10**13))
STRINGS = st.text(st.characters(codec="utf-8"), max_size=5)


def open_range(text: str) -> DurationExpr | None:
    found = parse(text)
    assert isinstance(found, MatrixSelector)
    return found.range_expr


def selector(name: str, pairs: list[tuple[str, str, str]], shift: Shift) -> VectorSelector:
    inner = ",".join(f"{label}{operator}{StringLiteral(value)}" for label, operator, value in pairs)
    found = parse(f"{name}{{{inner}}}")
    assert isinstance(found, VectorSelector)
    return VectorSelector(name, found.matchers, shift)


MATCHERS = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["=", "!="]), STRINGS), max_size=2)
SELECTORS = st.builds(selector, NAMES, MATCHERS, SHIFTS)
NUMBERS = st.builds(NumberLiteral, st.floats(allow_nan=False) | st.just(float("nan")))


def nest(inner: st.SearchStrategy) -> st.SearchStrategy:
    parens = st.builds(ParenExpr, inner)
    matching = st.builds(Matching, st.just(Cardinality.ONE_TO_ONE), st.booleans(), LABELS)
    fills = st.none() | st.just(-1.5)
    grouped = st.builds(Matching, st.just(Cardinality.MANY_TO_ONE), st.just(True), LABELS, st.just(()), fills, fills)
    return st.one_of(
        parens,
        st.builds(UnaryExpr, st.just("-"), parens | SELECTORS),
        st.builds(BinaryExpr.of, st.sampled_from("+-*/%^"), parens, parens, st.just(False), matching | grouped),
        st.builds(BinaryExpr.of, st.sampled_from(["==", ">="]), parens, parens, st.booleans(), matching),
        st.builds(AggregateExpr, st.sampled_from(["sum", "max"]), inner, st.none(), LABELS, st.booleans()),
        st.builds(AggregateExpr, st.just("topk"), inner, NUMBERS),
        st.builds(SubqueryExpr, parens, DURATIONS, st.just(0) | DURATIONS, SHIFTS).map(in_call),
    )


def in_call(subquery: SubqueryExpr) -> Call:
    rate = parse("rate(x[1m])")
    assert isinstance(rate, Call)
    return Call(rate.function, (subquery,))


RANGES = st.builds(MatrixSelector, SELECTORS, DURATIONS) | st.builds(MatrixSelector, SELECTORS, st.just(0), OPENS)
EXPRESSIONS = st.recursive(SELECTORS | RANGES.map(in_call), nest, max_leaves=8)


@given(EXPRESSIONS)
def test_what_is_printed_is_read_back(expr: object) -> None:
    text = str(expr)
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


@given(st.text(st.sampled_from("foo(){}[]=~!\"'`,:1.5emh+-*/%^<>@ \n#sumbyoffset"), max_size=30))
@example("rate(foo[5m:1m] @ start()")
def test_any_text_is_read_or_refused_but_never_breaks_the_parser(text: str) -> None:
    try:
        printed = str(parse(text))
    except ParseError:
        return
    assert str(parse(printed)) == printed


# Where the two are known to disagree, Prometheus 3 decides.
DIFFERS = {
    "foo{,}",
    "1e400",
    "0x1F + 017 + 1_000 + .5 + 1e3",
    "foo @ 1m40s",
    "start() + end() - step() * range()",
}


@pytest.mark.parametrize("text", sorted({text for pair in PRINTED for text in pair} - DIFFERS))
def test_another_parser_reads_what_is_read_here(text: str) -> None:
    promql_parser.parse(text)


@pytest.mark.parametrize("text", sorted({text for text, _ in REFUSED} - DIFFERS))
def test_another_parser_refuses_what_is_refused_here(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        promql_parser.parse(text)
