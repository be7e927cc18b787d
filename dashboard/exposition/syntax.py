"""What the two text formats share: names, label sets, escapes.

Both grammars follow the lexers of Prometheus (``model/textparse/promlex.l`` and ``openmetricslex.l``), where a value
of the text format may even run over several lines; names in quotes follow Prometheus 3.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.exposition.page import MetricType
from dashboard.model.labels import METRIC_NAME

METRIC = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*+")
QUOTED = re.compile(rb'"(?:[^"\\]++|\\[^\n])*+"')
_ESCAPE = re.compile(rb'\\([\\"n])')
_UNESCAPED = {b"\\": b"\\", b'"': b'"', b"n": b"\n"}


class BadSyntaxError(ValueError):
    """A page is not of its format at a place that the caller knows."""


class About(enum.Enum):
    """What a comment with a meaning tells of a metric."""

    HELP = "HELP"
    TYPE = "TYPE"
    UNIT = "UNIT"


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A sample as written: ``series`` is the text that names it, ``token`` the text of its value.

    ``labels`` hold the metric's name too, and may hold empty values, which mean something to ``honor_labels``.
    """

    series: bytes
    labels: Mapping[str, str]
    token: bytes
    value: float
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class MetadataLine:
    """A line that tells something of a metric."""

    about: About
    metric: str
    text: str
    type: MetricType = MetricType.UNKNOWN


Entry = SampleLine | MetadataLine | None
"""One entry of a page; ``None`` is a comment or a blank line."""


@dataclass(frozen=True, slots=True)
class LabelGrammar:
    """How label sets are written in one format; ``pair`` matches a label or a metric's quoted name."""

    pair: re.Pattern[bytes]
    blank: re.Pattern[bytes]
    loose_commas: bool
    """Whether commas may be missing, and may stand behind the last label."""


def label_grammar(*, blank: bytes, value_sign: bytes, loose_commas: bool) -> LabelGrammar:
    """Build the grammar of a format from the blanks it allows and the signs that a label's value may hold."""
    return LabelGrammar(
        pair=re.compile(
            rb'([a-zA-Z_][a-zA-Z0-9_]*+|"(?:[^"\\]++|\\[^\n])*+")%(blank)b'
            rb'(?:=%(blank)b("(?:%(sign)b++|\\[^\n])*+")%(blank)b)?' % {b"blank": blank, b"sign": value_sign}
        ),
        blank=re.compile(blank),
        loose_commas=loose_commas,
    )


def read_labels(body: bytes, at: int, labels: dict[str, str], grammar: LabelGrammar, *, named: bool = True) -> int:
    """Read a label set into ``labels``, from behind its opening brace, and return the place behind its closing one.

    A quoted name that stands alone is the metric's name, where ``named`` allows one.

    Raises:
        BadSyntaxError: it is not a label set, or a name appears twice.
    """
    at = _skip(grammar.blank, body, at)
    while body[at : at + 1] != b"}":
        match = grammar.pair.match(body, at)
        if match is None:
            raise BadSyntaxError("expected label name")
        at = match.end()
        comma = body[at : at + 1] == b","
        closed = body[at : at + 1] == b"}"
        _add_label(labels, match, alone=named and (comma or closed))
        if comma:
            at = _skip(grammar.blank, body, at + 1)
            if body[at : at + 1] == b"}" and not grammar.loose_commas:
                raise BadSyntaxError("expected label name")
        elif not closed and not (grammar.loose_commas and match.group(2)):
            raise BadSyntaxError("expected a comma or a closing brace")
    return at + 1


def _skip(blank: re.Pattern[bytes], body: bytes, at: int) -> int:
    match = blank.match(body, at)
    return match.end() if match else at


def _add_label(labels: dict[str, str], match: re.Match[bytes], *, alone: bool) -> None:
    raw_name, raw_value = match.groups()
    if raw_value is None:
        if not (alone and raw_name.startswith(b'"')):
            body, at = match.string, match.end()
            raise BadSyntaxError("expected label value" if body[at : at + 1] == b"=" else "expected equal")
        name, value = METRIC_NAME, quoted_text(raw_name, "metric name")
        if name in labels:
            raise BadSyntaxError("metric name already set")
        if not value:
            raise BadSyntaxError("metric name is empty")
    else:
        name = quoted_text(raw_name, "label name") if raw_name.startswith(b'"') else raw_name.decode("ascii")
        value = quoted_text(raw_value, "label value")
        if not name:
            raise BadSyntaxError("label name is empty")
        if name == METRIC_NAME:
            raise BadSyntaxError("the metric's name cannot be given as a label")
    if name in labels:
        raise BadSyntaxError(f'label name "{name}" is not unique')
    labels[name] = value


def quoted_text(raw: bytes, what: str) -> str:
    """Return the text within quotes, its escapes resolved.

    Raises:
        BadSyntaxError: it is not UTF-8.
    """
    return utf8(unescape(raw[1:-1]), what)


def unescape(raw: bytes) -> bytes:
    r"""Resolve ``\\``, ``\"`` and ``\n``; every other backslash stays as it is."""
    return _ESCAPE.sub(lambda match: _UNESCAPED[match.group(1)], raw) if b"\\" in raw else raw


def utf8(raw: bytes, what: str) -> str:
    """Decode UTF-8.

    Raises:
        BadSyntaxError: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadSyntaxError(f"invalid UTF-8 in a {what}") from error
