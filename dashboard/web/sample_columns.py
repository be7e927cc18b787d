"""Columns of values and times as the bytes of JSON, by orjson and numpy: no number is looked at by itself.

orjson writes other digits than Go does for very large and very small numbers, and ``null`` for those that are none;
such places are found by a mask and written over, one by one where they are few.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import orjson

from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.web.go_format import sample_value, timestamp

# Between these sizes orjson and Go agree but for the ".0" of whole numbers.
_SMALLEST = 1e-5
_LARGEST = 1e15
# So many numbers are written one by one in less time.
_FEW = 20
_POINT = ord(".")
_COMMA = ord(",")

_BytesArray = npt.NDArray[np.bytes_]
_Digits = npt.NDArray[np.uint8]


def value_texts(values: FloatArray) -> list[bytes]:
    """Write float64[N] as Prometheus does, each without its quotes."""
    if len(values) <= _FEW:
        return [sample_value(value).encode() for value in values.tolist()]
    return bytes(_values_json(values)[1:-1]).split(b",")


class TimeAxis:
    """Timestamps int64[T] that series share, written once."""

    def __init__(self, timestamps: IntArray) -> None:
        self._texts = _time_texts(timestamps)
        self._is_filled_up = b"\0" in self._texts.tobytes()

    def rows(self, values: FloatArray, present: BoolArray | None = None) -> list[bytes]:
        """Write the samples ``[time,"value"],...`` of each series: float64[S, T], at all times or where bool[S, T]."""
        if present is None or present.all():
            times = np.tile(self._texts, len(values))
            rows = _rows(values.reshape(-1), times, [len(self._texts)] * len(values))
        else:
            times = np.broadcast_to(self._texts, values.shape)[present]
            rows = _rows(values[present], times, present.sum(axis=1).tolist())
        return [row.translate(None, b"\0") for row in rows] if self._is_filled_up else rows


def _rows(values: FloatArray, times: _BytesArray, counts: Sequence[int]) -> list[bytes]:
    """Write the samples of series that lie behind each other; ``counts`` says how many each of them has.

    The values are written at once, the commas between them become what stands between two values, with room for a
    time, and the times are put there.
    """
    between = b'"],[%b,"' % bytes(times.itemsize)
    text = _values_json(values)
    commas = np.flatnonzero(np.frombuffer(text, np.uint8) == _COMMA)
    begins = commas + np.arange(len(commas)) * (len(between) - 1)
    whole = text.replace(b",", between)
    any_place = np.ndarray((len(whole) - times.itemsize + 1,), times.dtype, whole, strides=(1,))
    any_place[begins[:-1] + between.index(b"\0")] = times
    parts = itertools.pairwise(begins[[*itertools.accumulate(counts, initial=0)]].tolist())
    first, last = between.index(b"["), between.index(b"]") + 1
    view = memoryview(whole)
    return [bytes(view[begin + first : end + last]) for begin, end in parts]


def _values_json(values: FloatArray) -> bytearray:
    """Write float64[N] as Prometheus does, without quotes and with a comma before each and after the last."""
    # Some NaNs make comparisons complain.
    with np.errstate(invalid="ignore"):
        strange = np.flatnonzero(_written_otherwise(values))
        integers = values.astype(np.int64)
        # A negative zero has other bits than the integer.
        if not len(strange) and np.array_equal(_bits(integers.astype(np.float64)), _bits(values)):
            return _column(integers)
        text = _column(np.ascontiguousarray(values))
        if (integers == values).any():
            text = text.replace(b".0,", b",")
    if np.isnan(values).any():
        text = text.replace(b"null", b"NaN")
    return _corrected(text, values, strange) if len(strange) else text


def _written_otherwise(values: FloatArray) -> BoolArray:
    """Say which numbers Go writes in other digits, besides NaN."""
    size = np.abs(values)
    found: BoolArray = (size >= _LARGEST) | (size < _SMALLEST) & (size > 0)
    return found


def _corrected(text: bytearray, values: FloatArray, strange: npt.NDArray[np.intp]) -> bytearray:
    texts: list[bytes | bytearray] = [*text.split(b",")]
    for place in strange.tolist():
        texts[place + 1] = sample_value(float(values[place])).encode()
    return bytearray(b",").join(texts)


def _bits(values: FloatArray) -> IntArray:
    return np.ascontiguousarray(values).view(np.int64)


def _column(numbers: FloatArray | IntArray) -> bytearray:
    text = bytearray(orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY))
    text[0] = text[-1] = _COMMA
    return text


def _time_texts(timestamps: IntArray) -> _BytesArray:
    """Write int64[T] as seconds with three decimals where they are not whole; NULs make all equally long."""
    seconds, rest = np.divmod(timestamps, 1000)
    digits = _digits(seconds) if timestamps.min() >= 0 else None
    if digits is None:
        return np.array([timestamp(time).encode() for time in timestamps.tolist()])
    if rest.any():
        digits = np.hstack([digits, _fractions(rest)])
    return digits.view(f"S{digits.shape[1]}")[:, 0]


def _digits(numbers: IntArray) -> _Digits | None:
    """Write int64[N] as uint8[N, W]; ``None`` where some have more digits than others."""
    text = np.frombuffer(_column(numbers), np.uint8)[1:]
    width, over = divmod(len(text), len(numbers))
    table = text.reshape(-1, width) if not over else None
    return table[:, :-1].copy() if table is not None and (table[:, -1] == _COMMA).all() else None


def _fractions(rest: IntArray) -> _Digits:
    """Write milliseconds as the decimals of seconds, uint8[N, 4]; whole seconds have NULs there."""
    digits = _digits(rest + 1000)
    assert digits is not None  # noqa: S101 - all have four.
    digits[:, 0] = _POINT
    digits[rest == 0] = 0
    return digits
