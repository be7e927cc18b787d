"""A page that repeats the last one gives what it would give by itself, and is recognised."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.exposition.errors import ExpositionError
from dashboard.exposition.reader import DROPPED, PageReader, Reading
from dashboard.exposition.repetition import LastPage
from dashboard.exposition.values import parse_floats
from dashboard.exposition.walk import Memory
from dashboard.model.labels import Labels

SERIES = [b"up", b'a{b="c"}', b'a{b="d"}', b'dropped{x="1"}', b"z_total"]
VALUES = [b"0", b"-0", b"1", b"1.5", b"NaN", b"+Inf", b"1e400", b"0x1p3", b"", b"1 1000", b"one", b"2 # {}", b" 3"]
ODDITIES = [b"# HELP a text", b"# TYPE a gauge", b"# a comment", b"", b"new 1", b"up 5", b'a{b="c', b'"} 1', b"{"]


class Numbers:
    """Gives each label set a number; one metric is dropped."""

    def __init__(self) -> None:
        self.known: dict[Labels, int] = {}

    def __call__(self, labels: Mapping[str, str]) -> int:
        return self.known.setdefault(Labels.of(labels), len(self.known)) if keeps(labels) else DROPPED


def keeps(labels: Mapping[str, str]) -> bool:
    return labels["__name__"] != "dropped"


def told(reading: Reading) -> tuple[object, ...]:
    stamped = reading.stamped
    arrays = (reading.series, reading.values, stamped.series, stamped.timestamps, stamped.values)
    return (
        *(array.tobytes() for array in arrays),
        reading.metadata,
        (reading.samples, reading.kept, reading.duplicates),
        list(reading.exemplars),
    )


def read(reader: PageReader, body: bytes, content_type: str) -> object:
    try:
        return told(reader.read(body, content_type, sample_limit=4))
    except ExpositionError as error:
        return str(error)


lines = st.one_of(
    st.tuples(st.sampled_from(SERIES), st.sampled_from(VALUES[:8])).map(b" ".join),
    st.sampled_from(ODDITIES),
)
changes = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([*VALUES[:8], *VALUES[:8], *VALUES, *ODDITIES])), max_size=1
)


@given(
    page=st.one_of(st.just([b"# TYPE a gauge", *(name + b" 1" for name in SERIES)]), st.lists(lines, min_size=1)),
    turns=st.lists(changes, min_size=3, max_size=8),
    form=st.sampled_from(["text/plain", "application/openmetrics-text; version=1.0.0"]),
)
def test_a_reader_with_a_past_reads_every_page_as_one_without(
    page: list[bytes], turns: list[list[tuple[int, bytes]]], form: str
) -> None:
    numbers = Numbers()
    reader = PageReader(numbers, keeps=keeps)
    for turn in turns:
        changed = list(page)
        for place, text in turn:
            index = place % len(page)
            series = changed[index].rpartition(b" ")[0]
            changed[index] = text if text in ODDITIES else series + b" " + text
        body = b"\n".join([*changed, b"# EOF\n" if "openmetrics" in form else b""])
        expected = read(PageReader(numbers, keeps=keeps), body, form)
        assert read(reader, body, form) == expected


def page_of(values: list[bytes]) -> bytes:
    return b"# TYPE a gauge\n" + b"".join(b" ".join(line) + b"\n" for line in zip(SERIES, values, strict=True))


@pytest.fixture
def last() -> LastPage:
    """Know a page of which one series is dropped."""
    numbers = dict(zip(SERIES, [10, 11, 12, DROPPED, 14], strict=True))
    last, body = LastPage(), page_of([b"1"] * 5)
    for _ in range(2):
        last.learn(body, Memory(series=numbers), np.array([10, 11, 12, 14]), np.ones(4))
    return last


def test_values_that_changed_are_read_and_all_others_stay(last: LastPage) -> None:
    values = last.values(page_of([b"1", b"2", b"1", b"7", b"NaN"]))
    assert values is not None
    assert values.tobytes() == parse_floats([b"1", b"2", b"1", b"NaN"]).tobytes()
    again = last.values(page_of([b"-0", b"2", b"1", b"1", b"NaN"]))
    assert again is not None
    assert again.tobytes() == parse_floats([b"-0", b"2", b"1", b"NaN"]).tobytes()


@pytest.mark.parametrize(
    "body",
    [
        page_of([b"1"] * 5) + b"more 1\n",
        page_of([b"1"] * 5).replace(b"up", b"down"),
        page_of([b"1"] * 5).replace(b"gauge", b"counter"),
        page_of([b"1", b"one", b"1", b"1", b"1"]),
        page_of([b"1", b"1", b"1", b"one", b"1"]),
        page_of([b"1", b"1 1000", b"1", b"1", b"1"]),
    ],
    ids=["line", "series", "type", "value", "dropped value", "timestamp"],
)
def test_a_page_that_differs_in_more_is_left_to_others(last: LastPage, body: bytes) -> None:
    assert last.values(body) is None


def test_a_page_that_was_read_once_is_not_remembered() -> None:
    last = LastPage()
    last.learn(b"up 1\n", Memory(series={b"up": 1}), np.array([1]), np.ones(1))
    assert last.values(b"up 1\n") is None
