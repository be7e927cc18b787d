"""What is answered without Flask is answered as Flask would, and what is out of the ordinary goes its way."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.web import Parts, create_app
from dashboard.web.direct import Direct
from dashboard.web.query_api import DIRECT

RANGE = {"query": "queue", "start": "1699999000", "end": "1700000000", "step": "15"}
QUESTIONS = [
    ("/api/v1/query", {"query": "1"}),
    ("/api/v1/query", {"query": "requests_total", "limit": "1"}),
    ("/api/v1/query", {"query": "queue[5m]", "time": "1700000000"}),
    ("/api/v1/query", {"query": "vector(1)[1000s:1s]"}),
    ("/api/v1/query", {"query": "queue +"}),
    ("/api/v1/query", {"query": "queue", "timeout": "x"}),
    ("/api/v1/query_range", RANGE),
    ("/api/v1/query_range", {**RANGE, "step": "0"}),
]


def told(answer: TestResponse) -> tuple[int, bytes, dict[str, str]]:
    return answer.status_code, answer.data, {**answer.headers, "X-Trace-Id": ""}


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize(("path", "asked"), QUESTIONS)
def test_flask_would_answer_the_same(
    client: FlaskClient, path: str, asked: dict[str, str], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers() -> list[tuple[int, bytes, dict[str, str]]]:
        headers = {"Accept-Encoding": encoding}
        by_form = client.post(path, data=asked, headers=headers)
        by_address = client.get(path, query_string=asked, headers=headers)
        return [told(by_form), told(by_address)]

    direct = answers()
    monkeypatch.setattr(Direct, "__call__", lambda self, *request: self._application(*request))
    assert answers() == direct
    assert direct[0] == direct[1]


def test_flask_is_not_asked(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(app, "full_dispatch_request", lambda: asked.append("flask"))
    for path, parameters in (("/api/v1/query", {"query": "1"}), ("/api/v1/query_range", RANGE)):
        assert path in DIRECT
        assert client.post(path, data=parameters).status_code == 200
        assert client.get(path, query_string=parameters).status_code == 200
    assert asked == []


@pytest.mark.parametrize("path", DIRECT)
def test_other_methods_are_left_to_flask(client: FlaskClient, path: str) -> None:
    head = client.head(path, query_string=RANGE)
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == len(client.get(path, query_string=RANGE).data)
    assert client.put(path, data=RANGE).status_code == 405
    assert set(client.options(path).allow) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_form_in_parts_is_read(client: FlaskClient) -> None:
    answer = client.post("/api/v1/query", data={"query": "1"}, content_type="multipart/form-data")
    assert answer.json["data"]["result"][1] == "1"


def test_a_large_answer_by_way_of_flask_is_left_to_the_server(client: FlaskClient) -> None:
    """It is a file, which waitress sends at the pace of the reader, and no thread waits for that."""
    asked = {"query": "vector(1)[120000s:1s]", "time": "1700000000"}
    direct = client.post("/api/v1/query", data=asked)
    flask = client.post("/api/v1/query", data=asked, content_type="multipart/form-data")
    assert flask.data == direct.data
    assert flask.content_length == direct.content_length > 1 << 20
    direct.close()
    flask.close()
    with client.application.test_request_context("/api/v1/query", method="POST", data=asked):
        answer = client.application.view_functions["query_api.query"]()
    assert answer.direct_passthrough
    answer.close()


def test_a_form_may_name_its_encoding(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    monkeypatch.setattr(app, "full_dispatch_request", lambda: pytest.fail("Flask was asked"))
    kind = "Application/x-www-form-urlencoded; charset=UTF-8"
    assert client.post("/api/v1/query", data="query=1", content_type=kind).json["data"]["result"][1] == "1"


def test_a_server_that_is_not_ready_says_so(parts: Parts) -> None:
    answer = create_app(dataclasses.replace(parts, ready=lambda: False)).test_client().get("/api/v1/query?query=1")
    assert (answer.status_code, answer.json["errorType"]) == (503, "unavailable")


def test_what_fails_unexpectedly_is_logged_and_told_under_its_trace_id(
    parts: Parts, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("the secret of the house")

    monkeypatch.setattr(parts.engine, "instant", broken)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/query?query=1")
    assert (answer.status_code, answer.json["errorType"]) == (500, "internal")
    assert answer.headers["X-Trace-Id"] in answer.json["error"]
    assert "secret" not in answer.text
    assert "the secret of the house" in caplog.text
    assert answer.headers["X-Trace-Id"] in caplog.text
