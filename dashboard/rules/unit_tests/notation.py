"""The notation of unit tests for series and their values: ``up{job="api"} 0 1+2x3 _x2 stale``.

It is what Prometheus's parser reads as a series description (``series_description`` in
promql/parser/generated_parser.y): a value, ``a+bxn`` and ``a-bxn`` (n more values, each ``b`` away from the last),
``axn`` (n more of the same), ``_`` and ``_xn`` (no sample), ``stale``, ``NaN`` and ``Inf``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.samples import ABSENT, STALE, FloatArray
from dashboard.promql.lexer import Kind, Token, tokenize
from dashboard.promql.literals import InvalidLiteralError, parse_number, unquote
from dashboard.promql.position import Span, parse_error

MOST_VALUES = 10_000_000
"""How many values one series may have."""

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_WORD = r"[iI][nN][fF]|[nN][aA][nN]"
_REPEATED = re.compile(rf"([+-]?{_NUMBER})([+-]{_NUMBER})?x([0-9]{{1,18}})")
_SINGLE = re.compile(rf"([+-]?)({_NUMBER}|{_WORD})")
_OMITTED = re.compile(r"_(?:x([0-9]{1,18}))?")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


@dataclass(frozen=True, slots=True)
class SeriesDescription:
    """A series and its value at each interval, float64[N]; ``ABSENT`` stands where there is no sample."""

    labels: Labels
    values: FloatArray


def parse_series(text: str) -> SeriesDescription:
    """Read a series with its values.

    Raises:
        ParseError: the text is none, in Prometheus's words and with the place.
    """
    labels, end = _Metric(text).read()
    return SeriesDescription(labels, _values(text, end))


def parse_metric(text: str) -> Labels:
    """Read a label set such as ``up{job="api"}``; an empty text has no labels.

    Raises:
        ParseError: the text is no label set.
    """
    labels, end = _Metric(text).read()
    if rest := text[end:].strip():
        raise parse_error(text, Span(end, len(text)), f'unexpected "{rest}" in metric')
    return labels


def parse_values(text: str) -> FloatArray:
    """Read the values of a series; ``ABSENT`` stands where there is no sample.

    Raises:
        ParseError: the text is not in this notation.
    """
    return _values(text, 0)


class _Metric:
    """Reads the name and the labels in front of the values."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = iter(tokenize(text))
        self._token = next(self._tokens)

    def read(self) -> tuple[Labels, int]:
        """Return the labels, and where they end in the text."""
        pairs: dict[str, str] = {}
        end = 0
        # The words of operators and aggregations are names here.
        if _NAME.fullmatch(self._token.text) and self._token.kind is not Kind.ERROR and self._token.span.start == 0:
            pairs[METRIC_NAME] = self._token.text
            end = self._advance().span.end
        if self._token.word == "{" and self._token.span.start == end:
            self._advance()
            end = self._labels(pairs)
        if not end and self._token.kind is not Kind.END:
            self._unexpected(self._token, "series values")
        return Labels.of(pairs), end

    def _labels(self, pairs: dict[str, str]) -> int:
        while self._token.word != "}":
            name = self._advance()
            if name.kind not in (Kind.IDENTIFIER, Kind.STRING):
                self._unexpected(name, 'label set, expected label name or "}"')
            label = unquote(name.text) if name.kind is Kind.STRING else name.text
            if name.kind is Kind.STRING and self._token.word in (",", "}"):
                pairs[METRIC_NAME] = label
            else:
                pairs[label] = self._value()
            if self._token.word == ",":
                self._advance()
            elif self._token.word != "}":
                self._unexpected(self._token, 'label set, expected "," or "}"')
        return self._token.span.end

    def _value(self) -> str:
        sign = self._advance()
        if sign.word != "=":
            self._unexpected(sign, 'label set, expected "="')
        value = self._advance()
        if value.kind is not Kind.STRING:
            self._unexpected(value, "label set, expected string")
        return unquote(value.text)

    def _advance(self) -> Token:
        token = self._token
        if token.kind is Kind.ERROR:
            raise parse_error(self._text, token.span, token.text)
        self._token = next(self._tokens, token)
        return token

    def _unexpected(self, token: Token, where: str) -> NoReturn:
        if token.kind is Kind.ERROR:
            raise parse_error(self._text, token.span, token.text)
        raise parse_error(self._text, token.span, f"unexpected {token.describe()} in {where}")


def _values(text: str, start: int) -> FloatArray:
    parts = [_item(text, match) for match in re.compile(r"\S+").finditer(text, start)]
    if sum(map(len, parts)) > MOST_VALUES:
        raise parse_error(text, Span(start, len(text)), f"a series has more than {MOST_VALUES:,} values")
    return np.concatenate(parts) if parts else np.empty(0)


def _item(text: str, match: re.Match[str]) -> FloatArray:
    item = match[0]
    if omitted := _OMITTED.fullmatch(item):
        return np.full(_count(text, match, omitted[1] or "1"), ABSENT)
    if item == "stale":
        return np.array([STALE])
    if repeated := _REPEATED.fullmatch(item):
        return _repeated(repeated, _count(text, match, repeated[3]))
    if single := _SINGLE.fullmatch(item):
        return np.array([_number(text, match, single[2]) * (-1.0 if single[1] == "-" else 1.0)])
    what = "native histograms are not supported yet" if item.startswith("{{") else f'unexpected "{item}"'
    raise parse_error(text, Span(match.start(), match.end()), f"{what} in series values")


def _repeated(match: re.Match[str], count: int) -> FloatArray:
    """Return a value and ``count`` further ones; each is added to the last, with its rounding, as Prometheus does."""
    steps = np.full(count + 1, float(match[2] or 0.0))
    steps[0] = float(match[1])
    sums: FloatArray = np.cumsum(steps)
    return sums


def _count(text: str, match: re.Match[str], digits: str) -> int:
    if int(digits) >= MOST_VALUES:
        raise parse_error(text, Span(*match.span()), f"a series has more than {MOST_VALUES:,} values")
    return int(digits)


def _number(text: str, match: re.Match[str], literal: str) -> float:
    try:
        return parse_number(literal.lstrip("0") or "0" if literal.isdigit() else literal)
    except InvalidLiteralError as error:
        raise parse_error(text, Span(*match.span()), f"error parsing number: {error}") from error
