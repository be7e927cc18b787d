"""Parameters are read as Prometheus reads them, and the error names the one that cannot be."""

from collections.abc import Callable

import pytest
from flask import Flask

from dashboard.web.envelope import ApiError
from dashboard.web.parameters import MAX_TIME, MIN_TIME, parameters, parse_time


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("1700000000", 1_700_000_000_000),
        ("1700000000.1234", 1_700_000_000_123),
        ("1700000000.1236", 1_700_000_000_124),
        ("+1.5", 1500),
        ("-1.5", -1500),
        (".5", 500),
        ("1e3", 1_000_000),
        ("1.7e9", 1_700_000_000_000),
        ("2015-07-01T20:10:51.781Z", 1_435_781_451_781),
        ("2015-07-01T20:10:51Z", 1_435_781_451_000),
        ("2015-07-01T22:10:51.78+02:00", 1_435_781_451_780),
        ("2015-07-01T18:10:51.781999999-02:00", 1_435_781_451_781),
        ("1969-12-31T23:59:59.5Z", -500),
        ("-292273086-05-16T16:47:06Z", MIN_TIME),
        ("292277025-08-18T07:12:54.999999999Z", MAX_TIME),
    ],
)
def test_a_time_is_seconds_or_rfc_3339(text: str, milliseconds: int) -> None:
    assert parse_time(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "NaN", "Inf", "1_000", "1e30", "0x10", "1 ", "٣"),
        *("2015-07-01", "2015-07-01T20:10:51", "2015-13-01T00:00:00Z", "2015-07-01 20:10:51Z"),
        *("2015-07-01T20:10:51+99:00", "9999-12-31T23:59:59-24:00"),
    ],
)
def test_other_texts_are_no_time(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("read", "query", "found"),
    [
        (lambda: parameters().time_of("t", 7), "", 7),
        (lambda: parameters().time_of("t"), "t=2", 2000),
        (lambda: parameters().duration_of("d"), "d=1h30m", 5_400_000),
        (lambda: parameters().duration_of("d"), "d=0.0015", 1),
        (lambda: parameters().duration_of("d"), "d=15", 15_000),
        (lambda: parameters().duration_of("d"), "d=-1", -1000),
        (lambda: parameters().optional_duration_of("d"), "", None),
        (lambda: parameters().limit_of(), "", None),
        (lambda: parameters().limit_of(), "limit=0", None),
        (lambda: parameters().limit_of(), "limit=25", 25),
        (lambda: parameters().flag_of("f"), "", False),
        (lambda: parameters().flag_of("f"), "f=true", True),
        (lambda: parameters().flag_of("f"), "f=0", False),
        (lambda: parameters().value_of("v"), "v=a&v=b", "a"),
        (lambda: parameters().values_of("v[]"), "v[]=a&v[]=b", ["a", "b"]),
    ],
)
def test_a_parameter_is_read(read: Callable[[], object], query: str, found: object) -> None:
    with Flask(__name__).test_request_context(f"/?{query}"):
        assert read() == found


@pytest.mark.parametrize(
    ("read", "query", "message"),
    [
        (lambda: parameters().time_of("start"), "", 'invalid parameter "start": cannot parse "" to a valid timestamp'),
        (
            lambda: parameters().time_of("time", 0),
            "time=x",
            'invalid parameter "time": Invalid time value for \'time\': cannot parse "x" to a valid timestamp',
        ),
        (lambda: parameters().duration_of("step"), "", 'invalid parameter "step": cannot parse "" to a valid duration'),
        (lambda: parameters().duration_of("step"), "step=5q", 'invalid parameter "step": cannot parse "5q"'),
        (lambda: parameters().duration_of("step"), "step=1e30", "It overflows int64"),
        (lambda: parameters().limit_of(), "limit=x", 'invalid parameter "limit"'),
        (lambda: parameters().limit_of(), "limit=-1", "limit must be non-negative"),
        (lambda: parameters().flag_of("f"), "f=yes", 'invalid parameter "f"'),
    ],
)
def test_the_error_names_the_parameter(read: Callable[[], object], query: str, message: str) -> None:
    with Flask(__name__).test_request_context(f"/?{query}"), pytest.raises(ApiError) as error:
        read()
    assert message in str(error.value)


def test_form_values_come_before_those_of_the_address() -> None:
    with Flask(__name__).test_request_context("/?query=b", method="POST", data={"query": "a"}):
        assert parameters().values_of("query") == ["a", "b"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "multipart/form-data",
    ],
)
def test_a_form_of_any_kind_is_read(content_type: str) -> None:
    form = {"query": "größe + 1 & 2", "empty": ""}
    with Flask(__name__).test_request_context("/", method="POST", data=form, content_type=content_type):
        assert [parameters().values_of(name) for name in ("query", "empty", "none")] == [["größe + 1 & 2"], [""], []]


def test_a_body_that_is_no_form_has_no_parameters() -> None:
    with Flask(__name__).test_request_context("/?query=b", method="POST", json={"query": "a"}):
        assert parameters().values_of("query") == ["b"]


def test_a_form_that_is_no_utf8_is_read_as_far_as_it_is() -> None:
    body = b"query=%ff\xfe&time=1"
    with Flask(__name__).test_request_context(
        "/", method="POST", data=body, content_type="application/x-www-form-urlencoded"
    ):
        assert parameters().value_of("query") == "\ufffd\ufffd"
        assert parameters().time_of("time") == 1000
