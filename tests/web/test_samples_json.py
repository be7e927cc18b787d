"""Results are written by the column, with the same digits as one by one."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard.model.labels import Labels
from dashboard.model.samples import ABSENT, STALE, SeriesBatch
from dashboard.promql import Matrix, Ranges, Value, Vector
from dashboard.web.go_format import sample_value
from dashboard.web.samples_json import TimeAxis, scalar_json, series_json, value_json, value_texts

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
    written = value_json(Vector(labels, 1_700_000_000_120, np.array([1.0, math.nan])))
    assert (written.kind, written.truncated) == ("vector", False)
    assert b"".join(written.pieces) == (
        b'[{"metric":{"__name__":"up","job":"a\\"b"},"value":[1700000000.120,"1"]},'
        b'{"metric":{},"value":[1700000000.120,"NaN"]}]'
    )


def test_an_empty_vector_is_an_empty_list() -> None:
    assert whole(Vector([], 0, np.array([]))) == []
    assert whole(Matrix([], np.array([0]), np.empty((0, 1)), np.empty((0, 1), dtype=bool))) == []
    assert whole(Ranges([])) == []


def whole(value: Value, limit: int | None = None) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(b"".join(value_json(value, limit).pieces))
    return found


def many(count: int) -> list[Labels]:
    return [Labels.of({"i": str(number)}) for number in range(count)]


@pytest.mark.parametrize("limit", [None, 1, 499, 1201, 5000])
def test_a_long_vector_is_written_in_pieces(limit: int | None) -> None:
    vector = Vector(many(1201), 1000, np.arange(1201.0))
    written = whole(vector, limit)
    assert written == [{"metric": {"i": str(i)}, "value": [1, str(i)]} for i in range(1201)][:limit]
    assert value_json(vector, limit).truncated is (limit in (1, 499))


def test_a_matrix_leaves_out_rows_and_places_without_samples() -> None:
    present = np.array([[True, False], [False, False], [True, True]])
    matrix = Matrix(many(3), np.array([0, 1000]), np.arange(6.0).reshape(3, 2), present)
    assert whole(matrix) == [
        {"metric": {"i": "0"}, "values": [[0, "0"]]},
        {"metric": {"i": "2"}, "values": [[0, "4"], [1, "5"]]},
    ]
    assert whole(matrix, 1) == whole(matrix)[:1]
    assert [value_json(matrix, limit).truncated for limit in (1, 2)] == [True, False]


@pytest.mark.parametrize("limit", [None, 1, 4999])
def test_a_matrix_of_many_series_is_written_in_slices(limit: int | None) -> None:
    steps = np.arange(9, dtype=np.int64) * 1000
    values = np.arange(45_000.0).reshape(5000, 9)
    present = (values * 7 % 11 > values * 3 % 5) | (values > 30_000)
    written = whole(Matrix(many(5000), steps, values, present), limit)
    assert (
        written
        == [
            {
                "metric": {"i": str(row)},
                "values": [[step, str(9 * row + step)] for step in np.flatnonzero(there).tolist()],
            }
            for row, there in enumerate(present)
            if there.any()
        ][:limit]
    )


def test_long_ranges_are_written_in_pieces() -> None:
    times = np.arange(45_000, dtype=np.int64) * 1000
    short = SeriesBatch(many(2), times[:2], np.array([[1.0, 2.0], [3.0, 4.0]]))
    ranges = Ranges([short, SeriesBatch([Labels.of({"long": "1"})], times, times[np.newaxis] / 1000.0)])
    written = whole(ranges)
    assert written[1] == {"metric": {"i": "1"}, "values": [[0, "3"], [1, "4"]]}
    assert written[2]["values"] == [[number, str(number)] for number in range(45_000)]
    assert max(map(len, value_json(ranges).pieces)) < 1_000_000
    assert whole(ranges, 2) == written[:2]
    assert value_json(ranges, 2).truncated


def test_a_series_is_written_at_its_places_of_the_axis() -> None:
    axis = TimeAxis(np.array([0, 1500, 3000], dtype=np.int64))
    labels = Labels.of({"a": "100%b"})
    every = series_json(labels, axis.samples_json([b"1", b"2.5", b"+Inf"]))
    part = series_json(labels, axis.samples_json([b"7", b"8"], np.array([True, False, True])))
    assert every == b'{"metric":{"a":"100%b"},"values":[[0,"1"],[1.500,"2.5"],[3,"+Inf"]]}'
    assert part == b'{"metric":{"a":"100%b"},"values":[[0,"7"],[3,"8"]]}'


@pytest.mark.parametrize(
    ("time", "text", "written"),
    [(1000, "NaN", b'[1,"NaN"]'), (120, 'a"\n', b'[0.12,"a\\"\\n"]'), (10_000, "1", b'[10,"1"]')],
)
def test_a_scalar_or_string_is_one_pair(time: int, text: str, written: bytes) -> None:
    assert scalar_json(time, text) == written
