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
_DONE = "\udc00"
_MOST_LABELS = 1000
# How nearly all label sets are written, in both formats: without blanks and escapes, and not too many labels.
_PLAIN = re.compile(
    rb'(?:[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\\n]*+",){0,%d}+[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\\n]*+"\}' % (_MOST_LABELS - 1)
)
_PLAIN_PAIR = re.compile('([^=",]+)="([^"]*)"')


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
            rb'(?:=%(blank)b("(?:%(sign)b++|\\[^\n])*+")%(blank)b)?(,?)%(blank)b'
            % {b"blank": blank, b"sign": value_sign}
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
    plain = _PLAIN.match(body, at)
    if plain and _take_plain(plain.group(), labels):
        return plain.end()
    blank = grammar.blank.match(body, at)
    at = blank.end() if blank else at
    while body[at : at + 1] != b"}":
        match = grammar.pair.match(body, at)
        if match is None:
            raise BadSyntaxError("expected label name")
        raw_name, raw_value, comma = match.groups()
        at = match.end()
        closed = body[at : at + 1] == b"}"
        if raw_value is not None:
            _add_label(labels, raw_name, raw_value)
        elif named and raw_name.startswith(b'"') and (comma or closed):
            _add_metric(labels, raw_name)
        else:
            raise BadSyntaxError("expected label value" if body[at : at + 1] == b"=" else "expected equal")
        if not grammar.loose_commas and bool(comma) is closed:
            raise BadSyntaxError("expected label name" if comma else "expected a comma or a closing brace")
    return at + 1


def _take_plain(raw: bytes, labels: dict[str, str]) -> bool:
    """Take a plain label set whole; say no where it is bad: read label by label, it shows what is wrong."""
    try:
        pairs = _PLAIN_PAIR.findall(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return False
    found = dict(pairs)
    if len(found) < len(pairs) or METRIC_NAME in found:
        return False
    labels.update(found)
    return True


def _add_label(labels: dict[str, str], raw_name: bytes, raw_value: bytes) -> None:
    name = quoted_text(raw_name, "label name") if raw_name.startswith(b'"') else raw_name.decode("ascii")
    if not name:
        raise BadSyntaxError("label name is empty")
    if name == METRIC_NAME:
        raise BadSyntaxError("the metric's name cannot be given as a label")
    if name in labels:
        raise BadSyntaxError(f'label name "{name}" is not unique')
    if len(labels) > _MOST_LABELS:
        raise BadSyntaxError(f"more than {_MOST_LABELS} labels")
    labels[name] = quoted_text(raw_value, "label value")


def _add_metric(labels: dict[str, str], raw_name: bytes) -> None:
    if METRIC_NAME in labels:
        raise BadSyntaxError("metric name already set")
    name = quoted_text(raw_name, "metric name")
    if not name:
        raise BadSyntaxError("metric name is empty")
    labels[METRIC_NAME] = name


def quoted_text(raw: bytes, what: str) -> str:
    """Return the text within quotes, its escapes resolved.

    Raises:
        BadSyntaxError: it is not UTF-8.
    """
    return unescape(utf8(raw[1:-1], what))


def unescape(text: str, *, quotes: bool = True) -> str:
    r"""Resolve ``\\``, ``\n`` and, where ``quotes`` have escapes, ``\"``; every other backslash stays as it is."""
    if "\\" not in text:
        return text
    # Decoded text holds no surrogates: one can stand for the backslashes that are done with.
    text = text.replace("\\\\", _DONE).replace("\\n", "\n")
    return (text.replace('\\"', '"') if quotes else text).replace(_DONE, "\\")


def utf8(raw: bytes, what: str) -> str:
    """Decode UTF-8.

    Raises:
        BadSyntaxError: it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadSyntaxError(f"invalid UTF-8 in a {what}") from error
