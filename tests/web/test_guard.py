"""No request passes that names another host, and no change that comes from another origin."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from dashboard.web.failures import answer_failures
from dashboard.web.guard import SECURITY_HEADERS, Guard, trace_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    app.config["handled"] = 0

    @app.route("/thing", methods=["GET", "POST", "PUT", "DELETE"])
    def thing() -> str:
        app.config["handled"] += 1
        return trace_id()

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("the secret of the house")

    answer_failures(app)
    app.wsgi_app = Guard(app.wsgi_app, ["box.lan"])
    return app


def test_a_foreign_host_is_refused_before_any_handler(app: Flask) -> None:
    answer = app.test_client().get("/thing", headers={"Host": "evil.example"})
    assert (answer.status_code, app.config["handled"]) == (421, 0)
    assert "allowed_hosts" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/thing", "/nowhere", "/broken"])
def test_a_foreign_host_is_told_the_same_for_every_path(app: Flask, path: str) -> None:
    assert app.test_client().get(path, headers={"Host": "evil.example"}).status_code == 421


def test_a_request_without_a_host_is_bad(app: Flask) -> None:
    assert app.test_client().get("/thing", environ_overrides={"HTTP_HOST": ""}).status_code == 400
    assert app.config["handled"] == 0


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("http://localhost/thing", 200),
        ("http://box.lan:5000/thing", 200),
        ("http://evil.example/thing", 421),
        ("HTTP://evil.example/thing", 421),
        ("http://localhost@evil.example/thing", 421),
        ("http://[::1/thing", 421),
        ("/thing?next=http://evil.example/", 200),
    ],
)
def test_the_host_of_an_absolute_uri_counts_too(app: Flask, uri: str, status: int) -> None:
    answer = app.test_client().get("/thing", headers={"Host": "localhost"}, environ_overrides={"REQUEST_URI": uri})
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_change_from_another_origin_is_refused_before_any_handler(app: Flask, method: str) -> None:
    answer = app.test_client().open("/thing", method=method, headers={"Origin": "http://evil.example"})
    assert (answer.status_code, app.config["handled"]) == (403, 0)


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_change_from_a_tool_or_an_own_page_passes(app: Flask, headers: dict[str, str]) -> None:
    assert app.test_client().post("/thing", headers=headers).status_code == 200


def test_an_unknown_method_is_a_change_too(app: Flask) -> None:
    assert app.test_client().open("/thing", method="PURGE", headers={"Origin": "null"}).status_code == 403


def test_reading_from_another_origin_is_left_to_the_browser_which_hides_the_answer(app: Flask) -> None:
    answer = app.test_client().get("/thing", headers={"Origin": "http://evil.example"})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def _answers(app: Flask) -> dict[str, TestResponse]:
    client = app.test_client()
    return {
        "200": client.get("/thing"),
        "403": client.post("/thing", headers={"Origin": "null"}),
        "404": client.get("/nowhere"),
        "405": client.post("/broken"),
        "421": client.get("/thing", headers={"Host": "x"}),
        "500": client.get("/broken"),
    }


@pytest.mark.parametrize("status", ["200", "403", "404", "405", "421", "500"])
def test_every_answer_carries_the_security_headers_once(app: Flask, status: str) -> None:
    answer = _answers(app)[status]
    assert answer.status.startswith(status)
    for name, value in SECURITY_HEADERS:
        assert answer.headers.getlist(name) == [value]
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Trace-Id"])


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline() -> None:
    policy = dict(SECURITY_HEADERS)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert not re.search(r"unsafe|\*|http|data:", policy)


def test_a_request_without_traceparent_gets_a_new_trace_id(app: Flask) -> None:
    ids = {app.test_client().get("/thing").headers["X-Trace-Id"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    ("traceparent", "kept"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", True),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-brings", True),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-00f067aa0ba902b7", False),
        (TRACE, False),
        ("", False),
    ],
)
def test_a_valid_traceparent_gives_the_trace_id(app: Flask, traceparent: str, kept: bool) -> None:
    answer = app.test_client().get("/thing", headers={"traceparent": traceparent})
    assert (answer.headers["X-Trace-Id"] == TRACE) is kept
    assert answer.text == answer.headers["X-Trace-Id"]
