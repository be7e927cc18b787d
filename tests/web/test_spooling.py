"""Answers in pieces: whole, compressed or not, from memory or a file; too long ones and unwanted ones are given up."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wsgi import ClosingIterator

from dashboard.promql import QueryCancelledError
from dashboard.web import Server, spooling
from dashboard.web.envelope import ApiError
from dashboard.web.spooling import spooled_json

PIECE = b"[" + b'"0123456789abcdef",' * 4096 + b"]"


ENVIRON = create_environ()


def pieces(count: int) -> Iterator[bytes]:
    return iter([PIECE] * count)


def sent(count: int, encoding: str = "") -> tuple[dict[str, str], bytes]:
    """Return the headers and the body that a client gets who takes an encoding."""
    answer = run_wsgi_app(spooled_json(pieces(count), {"HTTP_ACCEPT_ENCODING": encoding}, lambda: False), ENVIRON)
    body, status, headers = answer
    whole = b"".join(body)
    assert (status, headers["Content-Length"], headers["Vary"]) == ("200 OK", str(len(whole)), "Accept-Encoding")
    if isinstance(body, ClosingIterator):
        body.close()
    return dict(headers), whole


@pytest.mark.parametrize("count", [0, 1, 40])
def test_all_pieces_are_in_the_answer(count: int) -> None:
    headers, body = sent(count)
    assert "Content-Encoding" not in headers
    assert body == PIECE * count


@pytest.mark.parametrize("count", [1, 40])
def test_long_answers_are_compressed(count: int) -> None:
    headers, body = sent(count, "gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert len(body) < len(PIECE)
    assert gzip.decompress(body) == PIECE * count


def test_a_short_answer_is_not_compressed() -> None:
    answer = spooled_json(iter([b"short"]), {"HTTP_ACCEPT_ENCODING": "gzip"}, lambda: False)
    assert (answer.zipped, answer.body) == (False, b"short")


def test_an_answer_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "MOST_BYTES", 10 << 20)
    with pytest.raises(ApiError, match="longer than 10 MiB"):
        spooled_json(pieces(1000), {}, lambda: False)


def test_an_answer_that_nobody_waits_for_is_given_up() -> None:
    made = 0

    def counted() -> Iterator[bytes]:
        nonlocal made
        for piece in pieces(1000):
            made += 1
            yield piece

    with pytest.raises(QueryCancelledError):
        spooled_json(counted(), {"HTTP_ACCEPT_ENCODING": "gzip"}, lambda: made > 5)
    assert made < 10


def test_a_large_answer_is_sent_whole(server: Server, client: FlaskClient) -> None:
    path = "/api/v1/query?query=vector(1)[40000s:1s]&time=1700000000"
    address = f"http://localhost:{server.addresses[0][1]}{path}"
    with client.get(path) as told:
        whole = told.json
    assert len(whole["data"]["result"][0]["values"]) == 40_000
    for encoding in ("gzip", "identity"):
        answer = requests.get(address, headers={"Accept-Encoding": encoding}, timeout=30)
        assert answer.json() == whole
        assert answer.headers.get("Content-Encoding") == ("gzip" if encoding == "gzip" else None)
        assert int(answer.headers["Content-Length"]) > 0
