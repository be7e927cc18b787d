"""The words of PromQL: a text becomes tokens (promql/parser/lex.go of Prometheus 3)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.promql.literals import InvalidLiteralError, quote, unquote
from dashboard.promql.position import Span


class Kind(enum.Enum):
    """What a token is; the value is how Prometheus's messages call it."""

    END = "end of input"
    ERROR = "error"
    IDENTIFIER = "identifier"
    METRIC_IDENTIFIER = "metric identifier"
    STRING = "string"
    NUMBER = "number"
    DURATION = "duration"
    OPERATOR = "operator"
    AGGREGATOR = "aggregator"
    KEYWORD = "keyword"
    PUNCTUATION = "punctuation"


WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
PARAMETRIC_AGGREGATORS = frozenset({"topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"})
AGGREGATORS = PARAMETRIC_AGGREGATORS | {"sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"}
KEYWORDS = frozenset({"offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "start", "end"})
_DURATION_WORDS = frozenset({"step", "range", "min", "max", "min_of", "max_of"})
FILL_MODIFIERS = frozenset({"fill", "fill_left", "fill_right"})

_WORDS = {
    **dict.fromkeys(WORD_OPERATORS, Kind.OPERATOR),
    **dict.fromkeys(AGGREGATORS, Kind.AGGREGATOR),
    **dict.fromkeys(KEYWORDS, Kind.KEYWORD),
    "inf": Kind.NUMBER,
    "nan": Kind.NUMBER,
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a query."""

    kind: Kind
    text: str
    span: Span

    @property
    def word(self) -> str:
        """The text of an operator, aggregator, keyword or sign in lower case; empty for all others."""
        if self.kind not in _SPELLED:
            return ""
        return self.text.lower()

    def describe(self) -> str:
        """Say what was read, in the words of Prometheus's messages."""
        if self.kind is Kind.END:
            return Kind.END.value
        if self.kind is Kind.PUNCTUATION:
            return quote(self.text)
        if self.kind in _DESCRIBED:
            return _DESCRIBED[self.kind].format(self.text)
        shown = quote(self.text)
        if len(self.text) > 10 and self.kind in (Kind.STRING, Kind.NUMBER, Kind.DURATION):
            shown = quote(self.text[:10]) + "..."
        return f"{self.kind.value} {shown}"


_SPELLED: frozenset[Kind] = frozenset({Kind.OPERATOR, Kind.AGGREGATOR, Kind.KEYWORD, Kind.PUNCTUATION})
_DESCRIBED: dict[Kind, str] = {Kind.OPERATOR: "<op:{}>", Kind.AGGREGATOR: "<aggr:{}>", Kind.KEYWORD: "<{}>"}

_SKIP = re.compile(r"(?:[ \t\n\r]+|#[^\r\n]*)+")
_NUMBER = re.compile(
    r"0[xX]_?[0-9a-fA-F_]+(?![0-9A-Za-z_.])|(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z_.])"
)
# Units that do not exist, such as hs, are found where the duration is read.
_DURATION = re.compile(r"[0-9]+[smhdwy]s?(?:[0-9]+[smhdw]s?)*(?![0-9A-Za-z_])")
_BAD_NUMBER = re.compile(r"[0-9.][0-9A-Za-z_.]*")
_IDENTIFIER = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")
_METRIC = re.compile(r"[A-Za-z_:][0-9A-Za-z_:]*")
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\[^\n])*\"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`")
_OPERATOR = re.compile(r"==|!=|<=|>=|[-+*/%^<>@]")
_MATCHER = re.compile(r"=~|!~|!=|=")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text; the last one is the end of the text, or the first error in it."""
    return list(_Lexer(text).tokens())


class _LexError(Exception):
    def __init__(self, start: int, reason: str) -> None:
        super().__init__(reason)
        self.start = start


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parens = 0
        self._in_braces = False
        self._in_brackets = False
        # Behind a left bracket, and behind an operator there, only a duration may stand.
        self._wants_duration = False

    def tokens(self) -> Iterator[Token]:
        try:
            while True:
                token = self._next()
                yield token
                if token.kind is Kind.END:
                    return
        except _LexError as error:
            yield Token(Kind.ERROR, str(error), Span(error.start, len(self._text)))

    def _next(self) -> Token:
        if skipped := _SKIP.match(self._text, self._at):
            self._at = skipped.end()
        if self._at >= len(self._text):
            return self._end()
        char = self._text[self._at]
        if self._wants_duration:
            return self._duration(char)
        if char in "\"'`":
            return self._string(char)
        if self._in_braces:
            return self._inside_braces(char)
        return self._outside(char)

    def _duration(self, char: str) -> Token:
        if char.isascii() and (char.isdigit() or char == "."):
            self._wants_duration = False
            return self._number(char)
        if match := _IDENTIFIER.match(self._text, self._at):
            return self._bracket_word(match)
        if char in "+-*/%^":
            return self._take(Kind.OPERATOR, self._at + 1)
        if char in "(),:]":
            self._wants_duration = char != "]"
            return self._sign(char)
        raise _LexError(self._at, f"unexpected character in duration expression: {_rune(char)}")

    def _end(self) -> Token:
        if self._wants_duration:
            raise _LexError(self._at, "unexpected end of input in duration expression")
        if self._in_braces:
            raise _LexError(self._at, "unexpected end of input inside braces")
        if self._parens:
            raise _LexError(self._at, "unclosed left parenthesis")
        if self._in_brackets:
            raise _LexError(self._at, "unclosed left bracket")
        return Token(Kind.END, "", Span(self._at, self._at))

    def _take(self, kind: Kind, end: int) -> Token:
        token = Token(kind, self._text[self._at : end], Span(self._at, end))
        self._at = end
        return token

    def _string(self, opening: str) -> Token:
        match = _QUOTED.match(self._text, self._at)
        if match is None:
            if opening != "`" and self._text.endswith("\\"):
                raise _LexError(self._at, "escape sequence not terminated")
            raise _LexError(self._at, f"unterminated {'raw' if opening == '`' else 'quoted'} string")
        try:
            unquote(match[0])
        except InvalidLiteralError as error:
            raise _LexError(self._at, str(error)) from None
        return self._take(Kind.STRING, match.end())

    def _inside_braces(self, char: str) -> Token:
        if match := _IDENTIFIER.match(self._text, self._at):
            return self._take(Kind.IDENTIFIER, match.end())
        if match := _MATCHER.match(self._text, self._at):
            return self._take(Kind.OPERATOR if match[0] != "=" else Kind.PUNCTUATION, match.end())
        if char in ",}":
            self._in_braces = char != "}"
            return self._take(Kind.PUNCTUATION, self._at + 1)
        if char == "!":
            after = self._text[self._at + 1 : self._at + 2]
            raise _LexError(self._at, f"unexpected character after '!' inside braces: {_rune(after)}")
        if char == "{":
            raise _LexError(self._at, "unexpected left brace '{'")
        raise _LexError(self._at, f"unexpected character inside braces: {_rune(char)}")

    def _outside(self, char: str) -> Token:
        if char.isascii() and (char.isdigit() or char == "."):
            return self._number(char)
        if match := _METRIC.match(self._text, self._at):
            return self._inside_brackets(char, match) if self._in_brackets else self._word(match)
        if match := _OPERATOR.match(self._text, self._at):
            return self._take(Kind.OPERATOR, match.end())
        if char in "(){[],=":
            return self._sign(char)
        if char == "!":
            after = self._text[self._at + 1 : self._at + 2]
            raise _LexError(self._at, f"unexpected character after '!': {_rune(after)}")
        raise _LexError(self._at, f"unexpected character: {_rune(char)}")

    def _number(self, char: str) -> Token:
        if match := _NUMBER.match(self._text, self._at):
            return self._take(Kind.NUMBER, match.end())
        if match := _DURATION.match(self._text, self._at):
            return self._take(Kind.DURATION, match.end())
        bad = _BAD_NUMBER.match(self._text, self._at)
        if bad is None or (char == "." and len(bad[0]) == 1):
            raise _LexError(self._at, f"unexpected character: {_rune(char)}")
        raise _LexError(self._at, f"bad number or duration syntax: {quote(bad[0])}")

    def _word(self, match: re.Match[str]) -> Token:
        word = match[0].lower()
        if word in FILL_MODIFIERS and _opens(self._text, match.end()):
            return self._take(Kind.KEYWORD, match.end())
        kind = _WORDS.get(word, Kind.METRIC_IDENTIFIER if ":" in word else Kind.IDENTIFIER)
        return self._take(kind, match.end())

    def _inside_brackets(self, char: str, match: re.Match[str]) -> Token:
        if char == ":":
            return self._take(Kind.PUNCTUATION, self._at + 1)
        if match[0].lower() in _DURATION_WORDS:
            return self._bracket_word(match)
        raise _LexError(self._at, f"unexpected character: {_rune(char)}, expected ':'")

    def _bracket_word(self, match: re.Match[str]) -> Token:
        if match[0].lower() not in _DURATION_WORDS:
            raise _LexError(self._at, f"unexpected character in duration expression: {_rune(match[0][0])}")
        return self._take(Kind.KEYWORD, match.end())

    def _sign(self, char: str) -> Token:
        if char == "[" and self._in_brackets:
            raise _LexError(self._at, "unexpected left bracket '['")
        if char == "]" and not self._in_brackets:
            raise _LexError(self._at, "unexpected right bracket ']'")
        if char == "=" and self._text[self._at + 1 : self._at + 2] == "~":
            raise _LexError(self._at, "unexpected character after '=': '~'")
        if char in "[]":
            self._in_brackets = self._wants_duration = char == "["
        self._in_braces = char == "{"
        self._parens += {"(": 1, ")": -1}.get(char, 0)
        if self._parens < 0:
            raise _LexError(self._at + 1, "unexpected right parenthesis ')'")
        return self._take(Kind.PUNCTUATION, self._at + 1)


def _opens(text: str, at: int) -> bool:
    return text[at:].lstrip(" \t\n\r").startswith("(")


def _rune(char: str) -> str:
    # Go writes the end of the text, which it counts as rune -1, as the replacement character.
    return f"'{char}'" if char else "'\\ufffd'"
