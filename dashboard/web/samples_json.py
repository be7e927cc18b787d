"""Query results as JSON bytes: numbers by the column through orjson, never sample by sample through Python's own.

orjson writes other digits than Go does for very large and very small numbers, and ``null`` for those that are none;
such places are found by a mask and written over one by one, since they are few.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from dashboard.model.exemplar import SeriesExemplars
from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.promql import Matrix, Ranges, Scalar, String, Value, Vector
from dashboard.web.go_format import plain_value, sample_value, timestamp

# Between these sizes orjson and Go agree but for the ".0" of whole numbers.
_SMALLEST = 1e-5
_LARGEST = 1e15


def value_texts(values: FloatArray) -> list[bytes]:
    """Write float64[N] as Prometheus does, each without its quotes."""
    if not len(values):
        return []
    body = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    texts = body.replace(b".0,", b",").removesuffix(b".0").split(b",")
    for place in np.flatnonzero(_written_otherwise(values)):
        texts[place] = sample_value(float(values[place])).encode()
    return texts


def _written_otherwise(values: FloatArray) -> BoolArray:
    size = np.abs(values)
    # Some NaNs make comparisons complain.
    with np.errstate(invalid="ignore"):
        as_go_does: BoolArray = (size < _LARGEST) & (size >= _SMALLEST) | (size == 0)
    return ~as_go_does


def labels_json(labels: Labels) -> bytes:
    """Write a label set as a JSON object."""
    return orjson.dumps(dict(labels))


def scalar_json(time: int, text: str) -> bytes:
    """Write ``[time, "text"]``, which is a scalar or a string; here alone Go writes a time in its shortest digits."""
    at = timestamp(time)
    return b"[%b,%b]" % ((at.rstrip("0") if "." in at else at).encode(), orjson.dumps(text))


def vector_json(labels: Sequence[Labels], time: int, values: FloatArray) -> bytes:
    """Write an instant vector: ``values`` is float64[S], all of one time."""
    at = timestamp(time).encode()
    rows = (
        b'{"metric":%b,"value":[%b,"%b"]}' % (labels_json(series), at, text)
        for series, text in zip(labels, value_texts(values), strict=True)
    )
    return b"[%b]" % b",".join(rows)


def exemplars_json(found: SeriesExemplars) -> dict[str, Any]:
    """Return the exemplars of one series."""
    return {
        "seriesLabels": dict(found.series),
        "exemplars": [
            {
                "labels": dict(exemplar.labels),
                "value": sample_value(exemplar.value),
                "timestamp": orjson.Fragment(timestamp(exemplar.timestamp or 0)),
            }
            for exemplar in found.exemplars
        ],
    }


class TimeAxis:
    """Timestamps int64[T] that many series share, written once: a template takes the values of each series."""

    def __init__(self, timestamps: IntArray) -> None:
        self._places = [b'[%b,"%%b"]' % timestamp(time).encode() for time in timestamps.tolist()]
        self._whole = b",".join(self._places)

    def series_json(self, labels: Labels, values: FloatArray, places: IntArray | None = None) -> bytes:
        """Write one series: ``values`` float64[N] at the ``places`` of the axis, or at all of them."""
        template = self._whole if places is None else b",".join([self._places[place] for place in places.tolist()])
        samples = template % tuple(value_texts(values))
        return b'{"metric":%b,"values":[%b]}' % (labels_json(labels), samples)


def matrix_json(series: Iterable[bytes]) -> bytes:
    """Join series that :meth:`TimeAxis.series_json` has written."""
    return b"[%b]" % b",".join(series)


@dataclass(frozen=True, slots=True)
class Written:
    """A query's value as JSON, with the name of its type."""

    kind: str
    body: bytes
    truncated: bool = False
    """Whether series were left out because of a limit."""


def value_json(value: Value, limit: int | None = None) -> Written:
    """Write a query's value, or the first ``limit`` series of it."""
    match value:
        case Scalar():
            return Written("scalar", scalar_json(value.time, plain_value(value.value)))
        case String():
            return Written("string", scalar_json(value.time, value.value))
        case Vector():
            body = vector_json(value.labels[:limit], value.time, value.values[:limit])
            return Written("vector", body, _is_more(len(value.labels), limit))
        case Matrix():
            return _joined(_matrix_series(value), limit)
        case Ranges():
            return _joined(_range_series(value), limit)


def _matrix_series(matrix: Matrix) -> Iterator[bytes]:
    axis = TimeAxis(matrix.steps)
    whole = np.atleast_1d(matrix.present.all(axis=1))
    for row in np.flatnonzero(matrix.present.any(axis=1)).tolist():
        if whole[row]:
            yield axis.series_json(matrix.labels[row], matrix.values[row])
        else:
            places = np.flatnonzero(matrix.present[row])
            yield axis.series_json(matrix.labels[row], matrix.values[row, places], places)


def _range_series(ranges: Ranges) -> Iterator[bytes]:
    for batch in ranges.batches:
        axis = TimeAxis(batch.timestamps)
        for labels, values in zip(batch.labels, batch.values, strict=True):
            yield axis.series_json(labels, values)


def _joined(series: Iterator[bytes], limit: int | None) -> Written:
    taken = list(itertools.islice(series, limit))
    return Written("matrix", matrix_json(taken), limit is not None and next(series, None) is not None)


def _is_more(count: int, limit: int | None) -> bool:
    return limit is not None and count > limit
