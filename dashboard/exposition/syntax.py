"""What the two text formats share: names, label sets, escapes.

Both grammars follow the lexers of Prometheus (``model/textparse/promlex.l`` and ``openmetricslex.l``), where a value
of the text format may even run over several lines; names in quotes follow Prometheus 3.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboard.exposition.page import MetricType
from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import METRIC_NAME, Labels

METRIC = re.compile(rb"[a-zA-Z_:][a-zA-Z0-9_:]*+")
QUOTED = re.compile(rb'"(?:[^"\\\x00]++|\\[^\n\x00])*+"')

LONGEST_TEXT = 16 << 20
"""The most bytes of a name, a value of a label or a help text; Prometheus 3 takes labels of less than 16 MiB."""

_DONE = "\udc00"
_MOST_LABELS = 1000
_PLAIN_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*+="[^"\\\n\x00]*+"'
_PLAIN_LABELS = rf"(?:{_PLAIN_LABEL},){{0,{_MOST_LABELS - 1}}}+{_PLAIN_LABEL}"
# How nearly all series are written, in both formats: without blanks, escapes and names in quotes.
_PLAIN_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*+)(?:\{(" + _PLAIN_LABELS + r")\})?")
_PLAIN_SET = re.compile(f"(?:{_PLAIN_LABELS})?}}".encode())
_PLAIN_PAIR = re.compile('([^=",]+)="([^"]*)"')


class BadSyntaxError(ValueError):
    """A page is not of its format at a place that the caller knows."""


class RepeatedLabelError(BadSyntaxError):
    """A label set names a label twice; Prometheus notices that only after it has counted the sample."""

    def __init__(self, name: str) -> None:
        super().__init__(f'label name "{name}" is not unique')


class About(enum.Enum):
    """What a comment with a meaning tells of a metric."""

    HELP = "HELP"
    TYPE = "TYPE"
    UNIT = "UNIT"


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A sample as written: ``series`` is the text that names it, ``token`` and ``stamp`` those of its numbers.

    ``labels`` hold the metric's name too, and may hold empty values, which mean something to ``honor_labels``.
    """

    series: bytes
    labels: Mapping[str, str]
    token: bytes
    value: float
    stamp: bytes
    timestamp: int | None
    exemplar: Exemplar | None = None


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
            rb'([a-zA-Z_][a-zA-Z0-9_]*+|"(?:[^"\\\x00]++|\\[^\n\x00])*+")%(blank)b'
            rb'(?:=%(blank)b("(?:%(sign)b++|\\\x00*+[^\n\x00])*+")%(blank)b)?(,?)%(blank)b'
            % {b"blank": blank, b"sign": value_sign}
        ),
        blank=re.compile(blank),
        loose_commas=loose_commas,
    )


def plain_labels(series: bytes) -> dict[str, str] | None:
    """Return the labels of a series that is written as most are; ``None`` leaves it to the grammar of its format."""
    try:
        match = _PLAIN_SERIES.fullmatch(series.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    if match is None:
        return None
    name, inner = match.groups()
    if inner is None:
        return {METRIC_NAME: name}
    pairs = _PLAIN_PAIR.findall(inner)
    labels = {METRIC_NAME: name, **dict(pairs)}
    # A name that appears twice, the metric's own included, is judged by the grammar.
    return labels if len(labels) == len(pairs) + 1 else None


def read_labels(body: bytes, at: int, labels: dict[str, str], grammar: LabelGrammar) -> int:
    """Read a label set into ``labels``, from behind its opening brace, and return the place behind its closing one.

    A quoted name that stands alone is the metric's name.

    Raises:
        BadSyntaxError: it is not a label set, or a name appears twice.
    """
    for raw_name, raw_value in (walk := _Pairs(body, at, grammar)):
        if raw_value is not None:
            _add_label(labels, raw_name, raw_value)
        elif raw_name.startswith(b'"'):
            _add_metric(labels, raw_name)
        else:
            raise BadSyntaxError("expected equal")
    return walk.at


def read_exemplar_labels(body: bytes, at: int, grammar: LabelGrammar) -> tuple[Labels, int]:
    """Read the label set of an exemplar, whose values Prometheus takes as they are written, escapes and all.

    Raises:
        BadSyntaxError: it is not a label set.
    """
    labels: dict[str, str] = {}
    plain = _PLAIN_SET.match(body, at)
    if plain:
        return Labels.of(_PLAIN_PAIR.findall(utf8(plain.group(), "exemplar"))), plain.end()
    for raw_name, raw_value in (walk := _Pairs(body, at, grammar)):
        if raw_value is None:
            raise BadSyntaxError("expected equal")
        labels[utf8(raw_name.strip(b'"'), "label name")] = utf8(raw_value[1:-1], "label value")
    return Labels.of(labels), walk.at


class _Pairs(Iterator[tuple[bytes, bytes | None]]):
    """The labels of a set as they are written, from behind its opening brace; ``at`` is where it ended."""

    def __init__(self, body: bytes, at: int, grammar: LabelGrammar) -> None:
        blank = grammar.blank.match(body, at)
        self.at = blank.end() if blank else at
        self._body = body
        self._grammar = grammar
        self._read = 0

    def __next__(self) -> tuple[bytes, bytes | None]:
        if self._body[self.at : self.at + 1] == b"}":
            self.at += 1
            raise StopIteration
        match = self._grammar.pair.match(self._body, self.at)
        if match is None:
            raise BadSyntaxError("expected label name")
        name, value, comma = match.groups()
        self.at = match.end()
        self._check_between(value, bool(comma))
        return name, value

    def _check_between(self, value: bytes | None, comma: bool) -> None:
        """Check what stands between this label and what follows."""
        self._read += 1
        if self._read > _MOST_LABELS:
            raise BadSyntaxError(f"more than {_MOST_LABELS} labels")
        follows = self._body[self.at : self.at + 1]
        closed = follows == b"}"
        if value is None and not (comma or closed):
            raise BadSyntaxError("expected label value" if follows == b"=" else "expected equal")
        if not self._grammar.loose_commas and comma is closed:
            raise BadSyntaxError("expected label name" if comma else "expected a comma or a closing brace")


def _add_label(labels: dict[str, str], raw_name: bytes, raw_value: bytes) -> None:
    name = quoted_text(raw_name, "label name") if raw_name.startswith(b'"') else raw_name.decode("ascii")
    value = quoted_text(raw_value, "label value")
    if not name:
        raise BadSyntaxError("label name is empty")
    if name == METRIC_NAME:
        raise BadSyntaxError("the metric's name cannot be given as a label")
    if name not in labels:
        labels[name] = value
    elif value and labels[name]:
        raise RepeatedLabelError(name)
    else:
        # An empty value takes a label away, wherever it stands and whatever else is said of it.
        labels[name] = ""


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
        BadSyntaxError: as of :func:`utf8`.
    """
    return unescape(utf8(raw[1:-1], what))


def metadata_name(raw: bytes) -> str:
    """Return the name of a metric in a line of metadata, where Prometheus takes what is in quotes as it is written."""
    return raw.strip(b'"').decode("utf-8", "replace") if raw.startswith(b'"') else raw.decode("ascii")


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
        BadSyntaxError: it is not UTF-8, or longer than ``LONGEST_TEXT``.
    """
    if len(raw) > LONGEST_TEXT:
        raise BadSyntaxError(f"{what} longer than {LONGEST_TEXT} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadSyntaxError(f"invalid UTF-8 in {what}") from error
