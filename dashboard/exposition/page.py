"""What a page holds: samples, and what it says of its metrics."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.exposition.errors import UnsupportedFormatError, show
from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import Labels

# As Go's mime.ParseMediaType: a type whose parameters are malformed does not count.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of HTTP's grammar.
_MEDIA_TYPE = re.compile(rf'\s*({_TOKEN}/{_TOKEN})\s*(?:;\s*{_TOKEN}\s*=\s*(?:{_TOKEN}|"[^"]*")\s*)*;?\s*')


class Format(enum.Enum):
    """How a page is written."""

    TEXT = "text/plain"
    OPENMETRICS = "application/openmetrics-text"


class MetricType(enum.Enum):
    """What a metric's TYPE line says of it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    GAUGE_HISTOGRAM = "gaugehistogram"
    SUMMARY = "summary"
    INFO = "info"
    STATESET = "stateset"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says of one metric; what it does not say is empty."""

    type: MetricType = MetricType.UNKNOWN
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample; ``timestamp`` (milliseconds) and ``exemplar`` are ``None`` where the page gives none."""

    labels: Labels
    value: float
    timestamp: int | None
    exemplar: Exemplar | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page, in the order in which it was written."""

    samples: Sequence[Sample]
    metadata: Mapping[str, Metadata]


def format_of(content_type: str) -> Format:
    """Choose the parser by the header ``Content-Type``, as Prometheus 2.x: what is not OpenMetrics is read as text.

    Raises:
        UnsupportedFormatError: the page is in protobuf.
    """
    match = _MEDIA_TYPE.fullmatch(content_type)
    media_type = match.group(1).lower() if match else ""
    if media_type == "application/vnd.google.protobuf":
        raise UnsupportedFormatError(f'unsupported Content-Type "{show(content_type.encode())}"')
    return Format.OPENMETRICS if media_type == Format.OPENMETRICS.value else Format.TEXT
