"""Query results as JSON bytes: numbers by the column through orjson, never sample by sample through Python's own.

orjson writes other digits than Go does for very large and very small numbers, and ``null`` for those that are none;
such places are found by a mask and written over one by one, since they are few.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from dashboard.model.exemplar import SeriesExemplars
from dashboard.model.labels import Labels
from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.promql import Matrix, Ranges, Scalar, String, Value, Vector
from dashboard.promql.matrix import IndexArray
from dashboard.web.go_format import plain_value, sample_value, timestamp

# Between these sizes orjson and Go agree but for the ".0" of whole numbers.
_SMALLEST = 1e-5
_LARGEST = 1e15
# What is written at once: more would take memory, less would take time.
_VECTOR_SLICE = 500
_RANGE_SLICE = 20_000


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


def vector_items(labels: Sequence[Labels], time: int, values: FloatArray) -> Iterator[bytes]:
    """Write the series of an instant vector, all of one time, some hundred at once; ``values`` is float64[S]."""
    at = timestamp(time).encode()
    for first in range(0, len(labels), _VECTOR_SLICE):
        some = slice(first, first + _VECTOR_SLICE)
        yield b",".join(
            b'{"metric":%b,"value":[%b,"%b"]}' % (labels_json(series), at, text)
            for series, text in zip(labels[some], value_texts(values[some]), strict=True)
        )


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
        self._latest = (b"", b"")

    def samples_json(self, texts: Sequence[bytes], present: BoolArray | None = None) -> bytes:
        """Write the samples of one series from their values, where bool[T] says that there is one, or everywhere."""
        return (self._whole if present is None else self._template(present)) % tuple(texts)

    def _template(self, present: BoolArray) -> bytes:
        """Return the template of some places. It is often that of the series before, too."""
        key = present.tobytes()
        if key != self._latest[0]:
            self._latest = (key, b",".join(itertools.compress(self._places, present.tolist())))
        return self._latest[1]


def series_json(labels: Labels, samples: bytes) -> bytes:
    """Write one series with samples that :meth:`TimeAxis.samples_json` has written."""
    return b'{"metric":%b,"values":[%b]}' % (labels_json(labels), samples)


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
            items = vector_items(value.labels[:limit], value.time, value.values[:limit])
            return Written("vector", _listed(items), _is_more(len(value.labels), limit))
        case Matrix():
            rows = np.flatnonzero(value.present.any(axis=1))
            return Written("matrix", _listed(_matrix_items(value, rows[:limit])), _is_more(len(rows), limit))
        case Ranges():
            count = sum(len(batch.labels) for batch in value.batches)
            return Written("matrix", _range_pieces(value, limit), _is_more(count, limit))


def _matrix_items(matrix: Matrix, rows: IndexArray) -> Iterator[bytes]:
    axis = TimeAxis(matrix.steps)
    count = max(_RANGE_SLICE // len(matrix.steps), 1)
    for first in range(0, len(rows), count):
        some = rows[first : first + count]
        present = matrix.present[some]
        texts = value_texts(matrix.values[some][present])
        begin = 0
        for row, there, end in zip(some.tolist(), present, present.sum(axis=1).cumsum().tolist(), strict=True):
            yield series_json(matrix.labels[row], axis.samples_json(texts[begin:end], there))
            begin = end


def _range_pieces(ranges: Ranges, limit: int | None) -> Iterator[bytes]:
    every = (
        (labels, batch.timestamps, values)
        for batch in ranges.batches
        for labels, values in zip(batch.labels, batch.values, strict=True)
    )
    axes: tuple[IntArray | None, list[TimeAxis]] = (None, [])
    yield b"["
    for number, (labels, timestamps, values) in enumerate(itertools.islice(every, limit)):
        if axes[0] is not timestamps:
            axes = (timestamps, [TimeAxis(timestamps)] if len(timestamps) <= _RANGE_SLICE else [])
        yield b'%b{"metric":%b,"values":[' % (b"," if number else b"", labels_json(labels))
        for first in range(0, len(timestamps), _RANGE_SLICE):
            some = slice(first, first + _RANGE_SLICE)
            axis = axes[1][0] if axes[1] else TimeAxis(timestamps[some])
            yield (b"," if first else b"") + axis.samples_json(value_texts(values[some]))
        yield b"]}"
    yield b"]"


def _listed(items: Iterator[bytes]) -> Iterator[bytes]:
    """Write items as a list."""
    yield b"["
    for number, item in enumerate(items):
        yield b"," + item if number else item
    yield b"]"


def _is_more(count: int, limit: int | None) -> bool:
    return limit is not None and count > limit
