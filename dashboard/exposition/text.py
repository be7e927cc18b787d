"""The text format 0.0.4, one entry at a time (``model/textparse/promlex.l`` and ``promparse.go`` of Prometheus)."""

from __future__ import annotations

import re

from dashboard.exposition.page import MetricType
from dashboard.exposition.syntax import (
    METRIC,
    QUOTED,
    About,
    BadSyntaxError,
    Entry,
    MetadataLine,
    SampleLine,
    label_grammar,
    quoted_text,
    read_labels,
    unescape,
    utf8,
)
from dashboard.exposition.values import parse_float
from dashboard.model.labels import METRIC_NAME

_LABELS = label_grammar(blank=rb"[ \t]*+", value_sign=rb'[^"\\]', loose_commas=True)
_BLANK = re.compile(rb"[ \t]*+")
_LINE = re.compile(rb"[^\n]*+")
_METADATA = re.compile(rb"#[ \t]++(HELP|TYPE)[ \t]++")
_BRACE = re.compile(rb"[ \t]*+\{")
_VALUE = re.compile(rb"[ \t]*+([^{ \t\n]++)")
_REST = re.compile(rb"[ \t]*+(?:([0-9]++)[ \t]*+)?(?:\n|\Z)")
_TYPES = {
    b"counter": MetricType.COUNTER,
    b"gauge": MetricType.GAUGE,
    b"histogram": MetricType.HISTOGRAM,
    b"summary": MetricType.SUMMARY,
    b"untyped": MetricType.UNKNOWN,
}
_LATEST = 2**63 - 1


def read_entry(body: bytes, start: int) -> tuple[Entry, int]:
    """Read the entry that begins at ``start`` and return it with the place where the next one begins.

    Raises:
        BadSyntaxError: Prometheus refuses it.
    """
    at = _skip_blank(body, start)
    first = body[at : at + 1]
    if first == b"#":
        return _read_comment(body, at)
    if first in (b"\n", b""):
        return None, at + 1
    if first == b"{":
        return _read_sample(body, start, at, {})
    match = METRIC.match(body, at)
    # Prometheus takes blanks before a name for a part of it, and then refuses the name.
    if match is None or at != start:
        raise BadSyntaxError("expected a valid start token")
    return _read_sample(body, start, match.end(), {METRIC_NAME: match.group().decode("ascii")})


def _skip_blank(body: bytes, at: int) -> int:
    match = _BLANK.match(body, at)
    return match.end() if match else at


def _line(body: bytes, at: int) -> bytes:
    match = _LINE.match(body, at)
    return match.group() if match else b""


def _read_comment(body: bytes, at: int) -> tuple[Entry, int]:
    line = _line(body, at)
    after = at + len(line) + 1
    match = _METADATA.match(line)
    if match is None:
        return None, after
    return _read_metadata(About(match.group(1).decode()), line[match.end() :]), after


def _read_metadata(about: About, rest: bytes) -> MetadataLine:
    match = QUOTED.match(rest) or METRIC.match(rest)
    if match is None:
        raise BadSyntaxError(f"expected metric name after {about.value}")
    raw = match.group()
    metric = quoted_text(raw, "metric name") if raw.startswith(b'"') else raw.decode("ascii")
    text = rest[match.end() + 1 :]
    if about is About.HELP:
        return MetadataLine(about, metric, unescape(utf8(text, "help text"), quotes=False))
    if text not in _TYPES:
        raise BadSyntaxError("invalid metric type")
    return MetadataLine(about, metric, "", _TYPES[text])


def _read_sample(body: bytes, start: int, at: int, labels: dict[str, str]) -> tuple[Entry, int]:
    brace = _BRACE.match(body, at)
    if brace:
        at = read_labels(body, brace.end(), labels, _LABELS)
    if METRIC_NAME not in labels:
        raise BadSyntaxError("metric name not set")
    series = body[start:at]
    match = _VALUE.match(body, at)
    if match is None:
        raise BadSyntaxError("expected value after metric")
    token = match.group(1)
    value = _parse_value(token)
    rest = _REST.match(body, match.end())
    if rest is None:
        raise BadSyntaxError("expected timestamp or new record")
    return SampleLine(series, labels, token, value, _parse_timestamp(rest.group(1))), rest.end()


def _parse_value(token: bytes) -> float:
    try:
        return parse_float(token)
    except ValueError as error:
        raise BadSyntaxError(f"invalid value: {error}") from error


def _parse_timestamp(digits: bytes | None) -> int | None:
    if digits is None:
        return None
    # Python reads digits in quadratic time: more than these are too many anyway.
    significant = digits.lstrip(b"0")
    timestamp = int(significant or b"0") if len(significant) < 20 else _LATEST + 1
    if timestamp > _LATEST:
        raise BadSyntaxError("timestamp out of range")
    return timestamp
