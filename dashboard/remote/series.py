"""Series and samples in the messages of Prometheus (``prompb/types.proto``)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dashboard.model.labels import Labels
from dashboard.model.samples import FloatArray, IntArray
from dashboard.remote.protobuf import WireType, bytes_field, tag, varint

_LABELS, _SAMPLES = 1, 2
_SAMPLE_TAG = tag(_SAMPLES, WireType.BYTES)
_VALUE_TAG = tag(1, WireType.FIXED64)
_TIME_TAG = tag(2, WireType.VARINT)
# Behind the sample's tag, its length of one byte, and the value's tag.
_VALUE = slice(3, 11)

Bytes = npt.NDArray[np.uint8]


class SampleWriter:
    """Writes the field ``samples`` of series that share their timestamps, int64[T] and ascending, by the column.

    What is the same for all of the series is written once: then only values are put in.
    """

    def __init__(self, timestamps: IntArray) -> None:
        self._runs = [(run, _rows(timestamps[run])) for run in _runs(timestamps)]

    def write(self, values: FloatArray) -> bytes:
        """Write one ``Sample`` for each of the values, float64[T]."""
        written = np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(-1, 8)
        for run, rows in self._runs:
            rows[:, _VALUE] = written[run]
        return b"".join(rows.tobytes() for _, rows in self._runs)


def time_series(labels: Labels, samples: bytes) -> bytes:
    """Write one ``TimeSeries`` of samples that a :class:`SampleWriter` wrote."""
    written = (
        bytes_field(_LABELS, bytes_field(1, name.encode()) + bytes_field(2, value.encode())) for name, value in labels
    )
    return b"".join([*written, samples])


def _runs(timestamps: IntArray) -> Iterator[slice]:
    """Split at the places where varints become longer or shorter."""
    if not len(timestamps):
        return
    unsigned = timestamps.astype(np.uint64)
    lengths = np.ones(len(unsigned), dtype=np.int64)
    for bits in range(7, 64, 7):
        lengths += unsigned >= np.uint64(1 << bits)
    ends = [*(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]
    yield from (slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True))


def _rows(timestamps: IntArray) -> Bytes:
    """Write samples without values, whose timestamps take equally many bytes: each is a row of a matrix of bytes."""
    times = _varints(timestamps)
    body = len(_VALUE_TAG) + 8 + len(_TIME_TAG) + times.shape[1]
    head = _SAMPLE_TAG + varint(body) + _VALUE_TAG + bytes(8) + _TIME_TAG
    rows = np.empty((len(times), len(head) + times.shape[1]), dtype=np.uint8)
    rows[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    rows[:, len(head) :] = times
    return rows


def _varints(numbers: IntArray) -> Bytes:
    """Return varints of one length, uint8[N, length]."""
    unsigned = numbers.astype(np.uint64)
    length = len(varint(int(numbers[0])))
    shifts = np.arange(0, 7 * length, 7, dtype=np.uint64)
    parts = (unsigned[:, np.newaxis] >> shifts & np.uint64(0x7F)).astype(np.uint8)
    parts[:, :-1] |= 0x80
    return parts
