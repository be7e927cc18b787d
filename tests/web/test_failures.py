"""A failure is answered in the form of the API that was asked, and tells nothing of our inside."""

import logging

import pytest
from flask import Flask, abort, redirect
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from dashboard.web.failures import answer_failures
from dashboard.web.guard import Guard


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)

    def broken() -> str:
        raise ValueError("the secret of the house")

    for number, path in enumerate(("/broken", "/api/broken", "/api/v1/broken")):
        app.add_url_rule(path, f"broken{number}", broken)
    app.add_url_rule("/api/missing", "missing", lambda: abort(404, "there is no app of that name"))

    @app.get("/away")
    def away() -> Response:
        return redirect("/broken", 303)

    answer_failures(app)
    app.wsgi_app = Guard(app.wsgi_app, ())
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/nowhere", {"status": "error", "errorType": "not_found", "error": "Not Found"}),
        ("/api/nowhere", {"detail": "Not Found"}),
    ],
)
def test_an_unknown_route_of_an_api_is_told_as_json(client: FlaskClient, path: str, body: dict[str, str]) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json) == (404, body)


def test_an_unknown_page_is_told_as_text(client: FlaskClient) -> None:
    answer = client.get("/<script>")
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert "script" not in answer.text


def test_a_browser_is_told_as_text_where_the_page_cannot_be_made(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_the_reason_that_a_handler_gave_is_told(client: FlaskClient) -> None:
    assert client.get("/api/missing").json == {"detail": "there is no app of that name"}


def test_a_wrong_method_is_told_with_those_that_are_right(client: FlaskClient) -> None:
    answer = client.post("/api/v1/broken")
    assert (answer.status_code, answer.json["errorType"]) == (405, "bad_data")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/broken", "/api/broken", "/api/v1/broken"])
def test_an_exception_is_logged_under_the_trace_id_and_not_shown(
    client: FlaskClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get(path)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["X-Trace-Id"] in answer.text
    assert answer.headers["X-Trace-Id"] in caplog.text
    assert "the secret of the house" in caplog.text


def test_a_redirect_stays_a_redirect(client: FlaskClient) -> None:
    answer = client.get("/away")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/broken")
