"""JSON answers: the envelope of Prometheus's API, and its kinds of errors (web/api/v1/api.go)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from flask import Response

from dashboard.web.compression import compressed


class ErrorType(enum.Enum):
    """Prometheus's kinds of errors, each with its status code."""

    BAD_DATA = "bad_data", 400
    EXECUTION = "execution", 422
    CANCELED = "canceled", 499
    TIMEOUT = "timeout", 503
    UNAVAILABLE = "unavailable", 503
    INTERNAL = "internal", 500
    NOT_FOUND = "not_found", 404
    NOT_ACCEPTABLE = "not_acceptable", 406

    def __init__(self, word: str, code: int) -> None:
        self.word = word
        self.code = code

    @classmethod
    def of_status(cls, code: int) -> ErrorType:
        """Return the kind that a status code stands for; an unnamed code is the asker's fault below 500."""
        for kind in cls:
            if kind.code == code:
                return kind
        return cls.BAD_DATA if code < 500 else cls.INTERNAL


class ApiError(Exception):
    """A request cannot be answered; the message tells the asker why."""

    def __init__(self, kind: ErrorType, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def succeeded(data: Any, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> Response:
    """Return an answer with ``data``, which may hold ``orjson.Fragment`` where JSON is written already."""
    content: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        content["warnings"] = list(warnings)
    if infos:
        content["infos"] = list(infos)
    return json_answer(content)


def success_pieces(data: Iterable[bytes], warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield an answer whose ``data`` is JSON in pieces already."""
    yield b'{"status":"success","data":'
    yield from data
    for name, remarks in (("warnings", warnings), ("infos", infos)):
        if remarks:
            yield b',"%b":%b' % (name.encode(), orjson.dumps(list(remarks)))
    yield b"}"


def failed(kind: ErrorType, reason: str, code: int | None = None) -> Response:
    """Return an error; ``code`` is the kind's own where none is given."""
    return json_answer({"status": "error", "errorType": kind.word, "error": reason}, code or kind.code)


def json_answer(content: Any, code: int = 200) -> Response:
    """Return a mapping or a record as JSON, compressed where it is long and the asker accepts that."""
    return compressed(Response(orjson.dumps(content), code, mimetype="application/json"))
