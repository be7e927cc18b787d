"""Results are written by the column, with the same digits as one by one."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard.model.labels import Labels
from dashboard.model.samples import ABSENT, STALE
from dashboard.web.go_format import sample_value
from dashboard.web.samples_json import TimeAxis, matrix_json, scalar_json, value_texts, vector_json

ODD = st.sampled_from([0.0, -0.0, 1.0, 1e-4, 1e15, 9.999e14, 1e16, 1e21, 1e-6, 1e-5, STALE, ABSENT, math.nan, math.inf])
NUMBERS = st.floats() | ODD | st.integers(-(10**17), 10**17).map(float) | st.decimals(-1000, 1000, places=3).map(float)


@given(arrays(np.float64, st.integers(0, 40), elements=NUMBERS))
def test_a_column_is_written_as_its_values_one_by_one(values: np.ndarray) -> None:
    assert [text.decode() for text in value_texts(values)] == [sample_value(value) for value in values.tolist()]


def test_a_column_may_be_a_slice_of_a_matrix() -> None:
    matrix = np.arange(6.0).reshape(3, 2)
    assert value_texts(matrix[:, 1]) == [b"1", b"3", b"5"]


def test_a_vector_is_written_as_prometheus_does() -> None:
    labels = [Labels.of({"__name__": "up", "job": 'a"b'}), Labels.of({})]
    written = vector_json(labels, 1_700_000_000_120, np.array([1.0, math.nan]))
    assert written == (
        b'[{"metric":{"__name__":"up","job":"a\\"b"},"value":[1700000000.120,"1"]},'
        b'{"metric":{},"value":[1700000000.120,"NaN"]}]'
    )


def test_an_empty_vector_is_an_empty_list() -> None:
    assert vector_json([], 0, np.array([])) == b"[]"


def test_a_series_is_written_at_its_places_of_the_axis() -> None:
    axis = TimeAxis(np.array([0, 1500, 3000], dtype=np.int64))
    labels = Labels.of({"a": "100%b"})
    whole = axis.series_json(labels, np.array([1.0, 2.5, math.inf]))
    part = axis.series_json(labels, np.array([7.0, 8.0]), np.array([0, 2]))
    assert whole == b'{"metric":{"a":"100%b"},"values":[[0,"1"],[1.500,"2.5"],[3,"+Inf"]]}'
    assert part == b'{"metric":{"a":"100%b"},"values":[[0,"7"],[3,"8"]]}'
    assert json.loads(matrix_json([whole, part])) == [json.loads(whole), json.loads(part)]


@pytest.mark.parametrize(
    ("time", "text", "written"),
    [(1000, "NaN", b'[1,"NaN"]'), (120, 'a"\n', b'[0.12,"a\\"\\n"]'), (10_000, "1", b'[10,"1"]')],
)
def test_a_scalar_or_string_is_one_pair(time: int, text: str, written: bytes) -> None:
    assert scalar_json(time, text) == written
