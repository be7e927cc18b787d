"""OpenMetrics 1.0, one entry at a time (``openmetricslex.l`` and ``openmetricsparse.go`` of Prometheus).

Like Prometheus it is strict about the form of a line and silent about the rest of the specification.
"""

from __future__ import annotations

import math
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

_LABELS = label_grammar(blank=b"", value_sign=rb'[^"\\\n]', loose_commas=False)
_METADATA = re.compile(rb"# (HELP|TYPE|UNIT) ")
_END = re.compile(rb"# EOF\n?")
_TOKEN = re.compile(rb" ([^ \n]++)")
_EXEMPLAR = re.compile(rb" # \{")
_LINE_REST = re.compile(rb" ([^\n]*+)(?:\n|\Z)")
_WITH_EXEMPLARS = ("_total", "_bucket")
# That a page without its mark is refused is the business of check_end alone.
_LINE_ENDS = (b"\n", b"")
_TYPES = {kind.value.encode(): kind for kind in MetricType}
_UNENDED = "data does not end with # EOF"


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
        raise BadSyntaxError("expected a valid start token" if first else _UNENDED)
    return _read_sample(body, start, match.end(), {METRIC_NAME: match.group().decode("ascii")})


def check_end(body: bytes) -> None:
    """Check that a page whose entries were all read ended with its mark.

    Raises:
        BadSyntaxError: it has none.
    """
    if not (body.endswith((b"\n# EOF\n", b"\n# EOF")) or body in (b"# EOF\n", b"# EOF")):
        raise BadSyntaxError(_UNENDED)


def _read_comment(body: bytes, start: int) -> tuple[Entry, int]:
    end = _END.match(body, start)
    if end:
        if end.end() < len(body):
            raise BadSyntaxError("unexpected data after # EOF")
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
    return _metadata(about, name.group(), rest.group(1)), rest.end()


def _metadata(about: About, name: bytes, text: bytes) -> MetadataLine:
    metric = quoted_text(name, "metric name") if name.startswith(b'"') else name.decode("ascii")
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
    timestamp, at = _read_timestamp(body, at)
    end = _read_exemplar(body, at, labels[METRIC_NAME])
    if body[end : end + 1] not in _LINE_ENDS:
        raise BadSyntaxError("expected the end of the line")
    return SampleLine(series, labels, token, value, timestamp), end + 1


def _read_value(body: bytes, at: int, behind: str) -> tuple[bytes, float, int]:
    match = _TOKEN.match(body, at)
    if match is None:
        raise BadSyntaxError(f"expected value after {behind}")
    try:
        return match.group(1), parse_float(match.group(1)), match.end()
    except ValueError as error:
        raise BadSyntaxError(f"invalid value after {behind}: {error}") from error


def _read_timestamp(body: bytes, at: int) -> tuple[int | None, int]:
    if _EXEMPLAR.match(body, at) or not _TOKEN.match(body, at):
        return None, at
    _, seconds, end = _read_value(body, at, "value, a timestamp")
    # Milliseconds must fit 64 bits; Go's conversion of others is undefined.
    if not math.isfinite(seconds) or abs(seconds) >= 2**63 / 1000:
        raise BadSyntaxError("invalid timestamp")
    return int(seconds * 1000), end


def _read_exemplar(body: bytes, at: int, metric: str) -> int:
    """Check an exemplar, where there is one, and return the place behind it."""
    match = _EXEMPLAR.match(body, at)
    if match is None:
        return at
    if not metric.endswith(_WITH_EXEMPLARS):
        raise BadSyntaxError("the metric's name does not support exemplars")
    at = read_labels(body, match.end(), {}, _LABELS, named=False)
    _, _, at = _read_value(body, at, "exemplar labels")
    _, end = _read_timestamp(body, at)
    if _EXEMPLAR.match(body, at):
        raise BadSyntaxError("expected the end of the line behind an exemplar")
    return end
