"""Answers have Prometheus's envelope, its status codes, and are compressed where that pays."""

import gzip
import json

import pytest
from flask import Flask

from dashboard.web import envelope
from dashboard.web.envelope import ErrorType


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("bad_data", 400),
        ("execution", 422),
        ("canceled", 499),
        ("timeout", 503),
        ("unavailable", 503),
        ("internal", 500),
        ("not_found", 404),
        ("not_acceptable", 406),
    ],
)
def test_each_kind_of_error_has_its_code(word: str, code: int) -> None:
    kind = next(kind for kind in ErrorType if kind.word == word)
    with Flask(__name__).test_request_context("/"):
        answer = envelope.failed(kind, "why")
    assert (answer.status_code, answer.json) == (code, {"status": "error", "errorType": word, "error": "why"})


def test_every_kind_is_in_the_table_above() -> None:
    assert len(ErrorType) == 8


@pytest.mark.parametrize(
    ("code", "word"), [(404, "not_found"), (413, "bad_data"), (405, "bad_data"), (502, "internal")]
)
def test_a_status_code_has_a_kind(code: int, word: str) -> None:
    assert ErrorType.of_status(code).word == word


def test_warnings_and_infos_stand_in_the_envelope_only_where_there_are_some() -> None:
    with Flask(__name__).test_request_context("/"):
        plain = envelope.succeeded([])
        noted = envelope.succeeded([], ["w"], ("i",))
    assert plain.json == {"status": "success", "data": []}
    assert noted.json == {"status": "success", "data": [], "warnings": ["w"], "infos": ["i"]}


@pytest.mark.parametrize(
    ("accepted", "length", "compressed"),
    [("gzip", 5000, True), ("gzip, br", 5000, True), ("gzip;q=0", 5000, False), ("", 5000, False), ("gzip", 10, False)],
)
def test_a_long_answer_is_compressed_for_who_accepts_it(accepted: str, length: int, compressed: bool) -> None:
    with Flask(__name__).test_request_context("/", headers={"Accept-Encoding": accepted}):
        answer = envelope.succeeded("x" * length)
    body = answer.get_data()
    assert (answer.content_encoding == "gzip") is compressed
    assert answer.content_length == len(body)
    assert json.loads(gzip.decompress(body) if compressed else body)["data"] == "x" * length
    assert answer.headers["Vary"] == "Accept-Encoding"
