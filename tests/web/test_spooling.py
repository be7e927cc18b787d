"""Answers in pieces: whole, compressed or not, from memory or a file; too long ones and unwanted ones are given up."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from dashboard.promql import QueryCancelledError
from dashboard.web import Server, spooling
from dashboard.web.envelope import ApiError
from dashboard.web.spooling import spooled_json

PIECE = b"[" + b'"0123456789abcdef",' * 4096 + b"]"


def pieces(count: int) -> Iterator[bytes]:
    return iter([PIECE] * count)


@pytest.fixture
def asked(app: Flask) -> Iterator[None]:
    """A request that takes gzip."""
    with app.test_request_context(headers={"Accept-Encoding": "gzip"}):
        yield


@pytest.mark.parametrize("count", [0, 1, 40])
def test_all_pieces_are_in_the_answer(app: Flask, count: int) -> None:
    with app.test_request_context():
        answer = spooled_json(pieces(count), lambda: False)
        assert answer.content_encoding is None
        assert answer.content_length == len(PIECE) * count
        assert b"".join(answer.iter_encoded()) == PIECE * count
        answer.close()


@pytest.mark.usefixtures("asked")
def test_long_answers_are_compressed() -> None:
    answer = spooled_json(pieces(40), lambda: False)
    assert answer.content_encoding == "gzip"
    body = b"".join(answer.iter_encoded())
    assert answer.content_length == len(body) < len(PIECE)
    assert gzip.decompress(body) == PIECE * 40
    answer.close()
    short = spooled_json(iter([b"short"]), lambda: False)
    assert (short.content_encoding, b"".join(short.iter_encoded())) == (None, b"short")
    short.close()


@pytest.mark.usefixtures("asked")
def test_an_answer_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "MOST_BYTES", 10 << 20)
    with pytest.raises(ApiError, match="longer than 10 MiB"):
        spooled_json(pieces(1000), lambda: False)


@pytest.mark.usefixtures("asked")
def test_an_answer_that_nobody_waits_for_is_given_up() -> None:
    made = 0

    def counted() -> Iterator[bytes]:
        nonlocal made
        for piece in pieces(1000):
            made += 1
            yield piece

    with pytest.raises(QueryCancelledError):
        spooled_json(counted(), lambda: made > 5)
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
