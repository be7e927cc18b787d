"""The text format 0.0.4, one entry at a time (``model/textparse/promlex.l`` and ``promparse.go`` of Prometheus).

Version 1.0.0 of the format differs only in that names may stand in quotes, which this one takes as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

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
    metadata_name,
    read_labels,
    unescape,
    utf8,
)
from dashboard.exposition.values import parse_float
from dashboard.model.labels import METRIC_NAME
from dashboard.model.samples import IntArray

_LABELS = label_grammar(blank=rb"[ \t]*+", value_sign=rb'[^"\\]', loose_commas=True)
_BLANK = re.compile(rb"[ \t]*+")
_LINE = re.compile(rb"[^\n]*+")
_METADATA = re.compile(rb"#[ \t]++(HELP|TYPE)[ \t]++")
_BRACE = re.compile(rb"[ \t]*+\{")
_VALUE = re.compile(rb"[ \t]*+([^{ \t\n]++)")
_REST = re.compile(rb"[ \t]*+(?:([0-9]++)[ \t]*+)?(?:\n|\Z)")
_DIGITS = b"0123456789"
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
    return _read_sample(body, start, match.end(), {METRIC_NAME: utf8(match.group(), "metric name")})


def read_timestamps(tokens: Sequence[bytes]) -> IntArray:
    """Read many timestamps at once, int64[N] of milliseconds.

    Raises:
        ValueError: Prometheus refuses one of them.
    """
    if b"".join(tokens).translate(None, _DIGITS) or not all(tokens):
        raise ValueError("not a timestamp")
    return np.fromiter(map(_parse_timestamp, tokens), np.int64, len(tokens))


def _skip_blank(body: bytes, at: int) -> int:
    match = _BLANK.match(body, at)
    return match.end() if match else at


def _line_end(body: bytes, at: int) -> int:
    match = _LINE.match(body, at)
    return match.end() if match else at


def _read_comment(body: bytes, at: int) -> tuple[Entry, int]:
    match = _METADATA.match(body, at)
    if match is None:
        return None, _line_end(body, at) + 1
    about = About(match.group(1).decode())
    name = QUOTED.match(body, match.end()) or METRIC.match(body, match.end())
    if name is None:
        raise BadSyntaxError(f"expected metric name after {about.value}")
    end = _line_end(body, name.end())
    rest = body[name.end() : end]
    if rest.startswith(b"\x00"):
        raise BadSyntaxError(f"expected text in {about.value}")
    # Only before something else than blanks is the first sign the separator.
    text = rest[1:] if rest.strip(b" \t\x00") else b""
    return _metadata(about, metadata_name(name.group()), text), end + 1


def _metadata(about: About, metric: str, text: bytes) -> MetadataLine:
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
    stamp = rest.group(1) or b""
    return SampleLine(series, labels, token, value, stamp, _parse_timestamp(stamp) if stamp else None), rest.end()


def _parse_value(token: bytes) -> float:
    try:
        return parse_float(token)
    except ValueError as error:
        raise BadSyntaxError(f"invalid value: {error}") from error


def _parse_timestamp(digits: bytes) -> int:
    if len(digits) > len(str(_LATEST)):
        # Python reads digits in quadratic time: without leading zeros, more than these are too many anyway.
        digits = digits.lstrip(b"0")[:20] or b"0"
    timestamp = int(digits)
    if timestamp > _LATEST:
        raise BadSyntaxError("timestamp out of range")
    return timestamp
