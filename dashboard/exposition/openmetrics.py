"""OpenMetrics 1.0, one entry at a time (``openmetricslex.l`` and ``openmetricsparse.go`` of Prometheus).

Like Prometheus it is strict about the form of a line and silent about the rest of the specification.
"""

from __future__ import annotations

import math
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
    read_exemplar_labels,
    read_labels,
    unescape,
    utf8,
)
from dashboard.exposition.values import parse_float, parse_floats
from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import METRIC_NAME
from dashboard.model.samples import IntArray

_LABELS = label_grammar(blank=b"", value_sign=rb'[^"\\\n]', loose_commas=False)
# Prometheus's lexer knows NUL in values of labels, but not in those of exemplars.
_EXEMPLAR_LABELS = label_grammar(blank=b"", value_sign=rb'[^"\\\n\x00]', loose_commas=False)
_METADATA = re.compile(rb"# (HELP|TYPE|UNIT) ")
_END = re.compile(rb"# EOF\n?")
_TOKEN = re.compile(rb" ([^ \n]++)")
MARK = b" # {"
"""What an exemplar begins with."""

_EXEMPLAR = re.compile(re.escape(MARK))
# Milliseconds must fit 64 bits. Go's conversion of others is undefined; any time that far away is dropped later.
_MOST_SECONDS = (2**63 - 1024) / 1000
_LINE_REST = re.compile(rb" ([^\n]*+)(?:\n|\Z)")
_WITH_EXEMPLARS = (b"_total", b"_bucket")
# That a page without its mark is refused is the business of check_end alone.
_LINE_ENDS = (b"\n", b"")
_TYPES = {kind.value.encode(): kind for kind in MetricType}
UNENDED = "data does not end with # EOF"
BEHIND_THE_END = "unexpected data after # EOF"


def read_entry(body: bytes, start: int) -> tuple[Entry, int]:
    """Read the entry that begins at ``start`` and return it with the place where the next one begins.

    Raises:
        BadSyntaxError: Prometheus refuses it.
    """
    first = body[start : start + 1]
    if first == b"#":
        return _read_comment(body, start)
    if first == b"{":
        return _read_sample(body, start, start, {})
    match = METRIC.match(body, start)
    if match is None:
        raise BadSyntaxError("expected a valid start token" if first else UNENDED)
    return _read_sample(body, start, match.end(), {METRIC_NAME: utf8(match.group(), "metric name")})


def check_end(body: bytes) -> None:
    """Check that a page whose entries were all read ended with its mark.

    Raises:
        BadSyntaxError: it has none.
    """
    if not (body.endswith((b"\n# EOF\n", b"\n# EOF")) or body in (b"# EOF\n", b"# EOF")):
        raise BadSyntaxError(UNENDED)


def _read_comment(body: bytes, start: int) -> tuple[Entry, int]:
    end = _END.match(body, start)
    if end:
        if end.end() < len(body):
            raise BadSyntaxError(BEHIND_THE_END)
        return None, len(body)
    match = _METADATA.match(body, start)
    if match is None:
        raise BadSyntaxError("expected a valid start token")
    about = About(match.group(1).decode())
    name = QUOTED.match(body, match.end()) or METRIC.match(body, match.end())
    if name is None:
        raise BadSyntaxError(f"expected metric name after {about.value}")
    rest = _LINE_REST.match(body, name.end())
    if rest is None:
        raise BadSyntaxError(f"expected text in {about.value}")
    return _metadata(about, metadata_name(name.group()), rest.group(1)), rest.end()


def _metadata(about: About, metric: str, text: bytes) -> MetadataLine:
    if about is About.TYPE:
        if text not in _TYPES:
            raise BadSyntaxError("invalid metric type")
        return MetadataLine(about, metric, "", _TYPES[text])
    if about is About.HELP:
        return MetadataLine(about, metric, unescape(utf8(text, "help text")))
    unit = utf8(text, "unit")
    if unit and not metric.endswith(f"_{unit}"):
        raise BadSyntaxError("the unit is not a suffix of the metric's name")
    return MetadataLine(about, metric, unit)


def _read_sample(body: bytes, start: int, at: int, labels: dict[str, str]) -> tuple[Entry, int]:
    if body[at : at + 1] == b"{":
        at = read_labels(body, at + 1, labels, _LABELS)
    if METRIC_NAME not in labels:
        raise BadSyntaxError("metric name not set")
    series = body[start:at]
    token, value, at = _read_value(body, at, "metric")
    stamp, timestamp, at = _read_timestamp(body, at)
    exemplar = None
    if _EXEMPLAR.match(body, at):
        if not supports_exemplars(labels[METRIC_NAME].encode()):
            raise BadSyntaxError("the metric's name does not support exemplars")
        exemplar, at = read_exemplar(body, at)
    if body[at : at + 1] not in _LINE_ENDS:
        raise BadSyntaxError("expected the end of the line")
    return SampleLine(series, labels, token, value, stamp, timestamp, exemplar), at + 1


def supports_exemplars(metric: bytes) -> bool:
    """Say whether a metric of this name may have exemplars."""
    return metric.endswith(_WITH_EXEMPLARS)


def read_exemplar(body: bytes, at: int) -> tuple[Exemplar, int]:
    """Read the exemplar that begins with the blank at ``at``, and return it with the place behind it.

    Raises:
        BadSyntaxError: Prometheus refuses it.
    """
    labels, at = read_exemplar_labels(body, at + len(MARK), _EXEMPLAR_LABELS)
    _, value, at = _read_value(body, at, "exemplar labels")
    _, timestamp, at = _read_timestamp(body, at)
    return Exemplar(labels, value, timestamp), at


def read_timestamps(tokens: Sequence[bytes]) -> IntArray:
    """Read many timestamps at once, int64[N] of milliseconds.

    Raises:
        ValueError: Prometheus refuses one of them.
    """
    seconds = parse_floats(tokens)
    if not np.isfinite(seconds).all():
        raise ValueError("not a timestamp")
    return (np.clip(seconds, -_MOST_SECONDS, _MOST_SECONDS) * 1000).astype(np.int64)


def _read_value(body: bytes, at: int, behind: str) -> tuple[bytes, float, int]:
    match = _TOKEN.match(body, at)
    if match is None:
        raise BadSyntaxError(f"expected value after {behind}")
    try:
        return match.group(1), parse_float(match.group(1)), match.end()
    except ValueError as error:
        raise BadSyntaxError(f"invalid value after {behind}: {error}") from error


def _read_timestamp(body: bytes, at: int) -> tuple[bytes, int | None, int]:
    if _EXEMPLAR.match(body, at) or not _TOKEN.match(body, at):
        return b"", None, at
    stamp, seconds, end = _read_value(body, at, "value, a timestamp")
    if not math.isfinite(seconds):
        raise BadSyntaxError("invalid timestamp")
    return stamp, int(max(-_MOST_SECONDS, min(seconds, _MOST_SECONDS)) * 1000), end
