"""Columns of values and times are written with the same digits as one by one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dashboard.model.samples import ABSENT, STALE
from dashboard.web.go_format import sample_value, timestamp
from dashboard.web.sample_columns import TimeAxis, value_texts

ODD = st.sampled_from([0.0, -0.0, 1.0, 1e-4, 1e15, 9.999e14, 1e16, 1e21, 1e-6, 1e-5, STALE, ABSENT, math.nan, math.inf])
WHOLE = st.integers(-(10**17), 10**17).map(float)
NUMBERS = st.floats() | ODD | WHOLE | st.decimals(-1000, 1000, places=3).map(float)
# Times of our days and others, whole seconds and others, alone and among each other.
TIMES = st.integers(1_000_000_000_000, 9_999_999_999_999) | st.integers(-(2**53), 2**53)
SECONDS = st.integers(1_000_000_000, 9_999_999_999).map(lambda seconds: seconds * 1000)


@given(arrays(np.float64, st.integers(0, 40), elements=NUMBERS) | arrays(np.float64, 25, elements=WHOLE | ODD))
def test_a_column_is_written_as_its_values_one_by_one(values: np.ndarray) -> None:
    assert [text.decode() for text in value_texts(values)] == [sample_value(value) for value in values.tolist()]


def test_a_column_may_be_a_slice_of_a_matrix() -> None:
    matrix = np.arange(6.0).reshape(3, 2)
    assert value_texts(matrix[:, 1]) == [b"1", b"3", b"5"]


def one_by_one(timestamps: np.ndarray, values: np.ndarray, present: np.ndarray) -> bytes:
    there = zip(timestamps[present].tolist(), values[present].tolist(), strict=True)
    return ",".join(f'[{timestamp(time)},"{sample_value(value)}"]' for time, value in there).encode()


@given(st.data())
def test_series_are_written_as_their_samples_one_by_one(data: st.DataObject) -> None:
    shape = data.draw(array_shapes(min_dims=2, max_dims=2, max_side=5))
    timestamps = data.draw(arrays(np.int64, shape[1], elements=data.draw(st.sampled_from([TIMES, SECONDS]))))
    values = data.draw(arrays(np.float64, shape, elements=NUMBERS))
    present = data.draw(arrays(np.bool_, shape))
    present[:, data.draw(st.integers(0, shape[1] - 1))] = True
    axis = TimeAxis(timestamps)
    every = np.ones_like(present)
    assert axis.rows(values) == [one_by_one(timestamps, *row) for row in zip(values, every, strict=True)]
    assert axis.rows(values, present) == [one_by_one(timestamps, *row) for row in zip(values, present, strict=True)]


@pytest.mark.parametrize(
    ("timestamps", "written"),
    [
        ([1_700_000_000_000, 1_700_000_001_500], b'[1700000000,"1"],[1700000001.500,"2.5"]'),
        ([1_700_000_000_001, 1_700_000_001_500], b'[1700000000.001,"1"],[1700000001.500,"2.5"]'),
        ([999_999_999_000, 1_000_000_000_000], b'[999999999,"1"],[1000000000,"2.5"]'),
        ([-500, 0], b'[-0.500,"1"],[0,"2.5"]'),
    ],
)
def test_times_need_not_be_equally_long(timestamps: list[int], written: bytes) -> None:
    assert TimeAxis(np.array(timestamps)).rows(np.array([[1.0, 2.5]])) == [written]
