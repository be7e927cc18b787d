"""Query results as JSON bytes in pieces, many series at once: ``web/sample_columns.py`` writes their samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from dashboard.model.exemplar import SeriesExemplars
from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray, SeriesBatch
from dashboard.promql import Matrix, Ranges, Scalar, String, Value, Vector
from dashboard.web.go_format import plain_value, sample_value, shortest_timestamp, timestamp
from dashboard.web.sample_columns import TimeAxis, value_texts

# What is written at once: more would take memory, less would take time.
_VECTOR_SLICE = 500
_SAMPLES_SLICE = 12_000


def labels_json(labels: Labels) -> bytes:
    """Write a label set as a JSON object."""
    return orjson.dumps(dict(labels))


def scalar_json(time: int, text: str) -> bytes:
    """Write ``[time, "text"]``, which is a scalar or a string; here alone Go writes a time in its shortest digits."""
    return b"[%b,%b]" % (shortest_timestamp(time).encode(), orjson.dumps(text))


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


@dataclass(frozen=True, slots=True)
class Written:
    """A query's value as JSON in pieces, which are made as they are asked for, with the name of its type."""

    kind: str
    pieces: Iterator[bytes]
    truncated: bool = False
    """Whether series are left out because of a limit."""


def value_json(value: Value, limit: int | None = None) -> Written:
    """Write a query's value, or the first ``limit`` series of it."""
    match value:
        case Scalar():
            return Written("scalar", iter([scalar_json(value.time, plain_value(value.value))]))
        case String():
            return Written("string", iter([scalar_json(value.time, value.value)]))
        case Vector():
            is_more = _is_more(len(value.labels), limit)
            return Written("vector", _listed(_vector_pieces(value, limit)), is_more)
        case Matrix():
            rows = np.flatnonzero(value.present.any(axis=1))
            shown = value if len(rows[:limit]) == len(value.labels) else value.take(rows[:limit])
            return Written("matrix", _listed(_matrix_pieces(shown)), _is_more(len(rows), limit))
        case Ranges():
            count = sum(len(batch.labels) for batch in value.batches)
            return Written("matrix", _listed(_range_pieces(value, limit)), _is_more(count, limit))


def _vector_pieces(vector: Vector, limit: int | None) -> Iterator[bytes]:
    at = timestamp(vector.time).encode()
    labels, values = vector.labels[:limit], vector.values[:limit]
    for first in range(0, len(labels), _VECTOR_SLICE):
        some = slice(first, first + _VECTOR_SLICE)
        yield b"".join(
            b',{"metric":%b,"value":[%b,"%b"]}' % (labels_json(series), at, text)
            for series, text in zip(labels[some], value_texts(values[some]), strict=True)
        )


def _matrix_pieces(matrix: Matrix) -> Iterator[bytes]:
    return _series_pieces(matrix.labels, TimeAxis(matrix.steps), matrix.values, matrix.present)


def _range_pieces(ranges: Ranges, limit: int | None) -> Iterator[bytes]:
    left = limit
    for batch in ranges.batches:
        labels = batch.labels[:left]
        if len(batch.timestamps) > _SAMPLES_SLICE:
            yield from _long_pieces(labels, batch)
        else:
            yield from _series_pieces(labels, TimeAxis(batch.timestamps), batch.values)
        left = None if left is None else left - len(labels)


def _series_pieces(
    labels: Sequence[Labels], axis: TimeAxis, values: FloatArray, present: BoolArray | None = None
) -> Iterator[bytes]:
    """Write as many series as there are labels, some at once."""
    count = max(1, _SAMPLES_SLICE // values.shape[1])
    for first in range(0, len(labels), count):
        some = slice(first, min(first + count, len(labels)))
        rows = axis.rows(values[some], None if present is None else present[some])
        yield from (
            b',{"metric":%b,"values":[%b]}' % (labels_json(series), row)
            for series, row in zip(labels[some], rows, strict=True)
        )


def _long_pieces(labels: Sequence[Labels], batch: SeriesBatch) -> Iterator[bytes]:
    """Write series, each in several pieces."""
    for series, row in zip(labels, batch.values, strict=False):
        yield b',{"metric":%b,"values":[' % labels_json(series)
        for first in range(0, len(row), _SAMPLES_SLICE):
            some = slice(first, first + _SAMPLES_SLICE)
            (samples,) = TimeAxis(batch.timestamps[some]).rows(row[np.newaxis, some])
            yield b",%b" % samples if first else samples
        yield b"]}"


def _listed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Put series, each of which begins with a comma, into a list; the first one loses its comma."""
    yield b"[" + next(pieces, b"")[1:]
    yield from pieces
    yield b"]"


def _is_more(count: int, limit: int | None) -> bool:
    return limit is not None and count > limit
