"""The notation of series and values, as Prometheus's parser reads it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.model.samples import is_absent, is_stale
from dashboard.promql import ParseError
from dashboard.rules.unit_tests import parse_metric, parse_series, parse_values


def shown(text: str) -> list[float | str]:
    values = parse_values(text)
    kinds = zip(values.tolist(), is_absent(values), is_stale(values), strict=True)
    return ["_" if absent else "stale" if stale else value for value, absent, stale in kinds]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("1 -2 +3.5 .5 1e3", [1, -2, 3.5, 0.5, 1000]),
        ("1+2x2", [1, 3, 5]),
        ("5-1x1", [5, 4]),
        ("-2-3x2", [-2, -5, -8]),
        ("7x2", [7, 7, 7]),
        ("0x10", [0] * 11),
        ("1x0", [1]),
        ("_ _x2 4", ["_", "_", "_", 4]),
        ("1  stale\t_", [1, "stale", "_"]),
        ("Inf -inf", [math.inf, -math.inf]),
        ("010", [10]),
    ],
)
def test_values_expand_as_in_promtool(text: str, expected: list[float | str]) -> None:
    """Each form gives the values that Prometheus's parser gives."""
    assert shown(text) == expected


def test_nan_is_a_value_and_no_staleness_marker() -> None:
    """``NaN`` stands for an ordinary NaN."""
    values = parse_values("NaN")
    assert math.isnan(values[0])
    assert not is_stale(values).any()
    assert not is_absent(values).any()


def test_steps_are_added_one_by_one() -> None:
    """Rounding adds up as it does in Prometheus."""
    assert parse_values("0+0.1x10")[-1] == sum([0.1] * 10) != 1.0


@pytest.mark.parametrize("text", ["1+x2", "stalex2", "1x", "x2", "1+1", "abc", "1x-2", "NaNx3", "1..2"])
def test_what_is_no_value_is_refused_with_its_place(text: str) -> None:
    """The error names line and column."""
    with pytest.raises(ParseError, match=r"^1:3: parse error: "):
        parse_series(f"m {text}")


def test_native_histograms_are_refused_by_name() -> None:
    """No wrong number comes of a histogram."""
    with pytest.raises(ParseError, match="native histograms are not supported"):
        parse_series("m {{schema:0 count:1}}")


def test_endless_series_are_refused() -> None:
    """A count that would fill the memory is an error."""
    with pytest.raises(ParseError, match="more than"):
        parse_values("1x99999999999")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("{}", {}),
        ("up", {"__name__": "up"}),
        ("job:up:sum", {"__name__": "job:up:sum"}),
        ("up{job=\"a b\", instance='x:1',}", {"__name__": "up", "job": "a b", "instance": "x:1"}),
        ('{"http.requests", "status.code"="200"}', {"__name__": "http.requests", "status.code": "200"}),
        ('{__name__="sum", by="x"}', {"__name__": "sum", "by": "x"}),
        ("sum", {"__name__": "sum"}),
        ('x{gone=""}', {"__name__": "x"}),
    ],
)
def test_label_sets(text: str, expected: dict[str, str]) -> None:
    """A label set is read with its name, its quoted names and without empty labels."""
    assert parse_metric(text) == Labels.of(expected)


@pytest.mark.parametrize("text", ["up{", "up{job}", 'up{job=~"a"}', 'up{job="a" x', "up 1", "up{job=1}", "1", "-"])
def test_what_is_no_label_set_is_refused(text: str) -> None:
    """A selector that is none, and anything behind the labels, is an error."""
    with pytest.raises(ParseError):
        parse_metric(text)


def test_a_brace_behind_a_blank_belongs_to_the_values() -> None:
    """As in Prometheus, labels stand directly behind the name."""
    with pytest.raises(ParseError, match="series values"):
        parse_series('up {job="a"} 1')


@given(st.text(alphabet="{}=\"'`,_x+-.0123456789aseltN \\", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a ParseError comes of any text."""
    try:
        found = parse_series(text)
    except ParseError:
        return
    assert found.values.dtype == np.float64
