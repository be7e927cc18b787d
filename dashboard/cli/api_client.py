"""Asks Prometheus's API, and judges answers as Go's client of it does (``api/prometheus/v1`` of client_golang)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import requests

from dashboard.remote.errors import UnreachableError
from dashboard.remote.http import send

_TIMEOUT = 120.0
_IN_ENVELOPE = (400, 422)
"""The statuses of errors that the body tells of; with others, whoever stands before the server may have answered."""

Data = TypeVar("Data")


class QueryError(Exception):
    """A query was not answered; the message is the one of promtool."""


class _Envelope(msgspec.Struct, rename="camel"):
    """What is around the data of every answer."""

    status: str = ""
    data: msgspec.Raw = msgspec.Raw()
    error_type: str = ""
    error: str = ""
    warnings: list[str] = []


def ask(
    server: str,
    route: str,
    asked: Mapping[str, Any],
    kind: type[Data],
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
) -> tuple[Data, list[str]]:
    """Ask a route below ``/api/v1/`` and return the data of the answer, which are of a kind, and its warnings.

    Raises:
        QueryError: there is no answer, or it is an error, or its data are of another kind.
    """
    form = method == "POST"
    try:
        answer = send(
            method,
            f"{server.rstrip('/')}/api/v1/{route}",
            params=None if form else asked,
            data=asked if form else None,
            headers=headers or {},
            timeout=_TIMEOUT,
        )
    except UnreachableError as error:
        raise QueryError(str(error)) from error
    return _opened(answer, kind)


def _opened(answer: requests.Response, kind: type[Data]) -> tuple[Data, list[str]]:
    status = answer.status_code
    if not 200 <= status < 300 and status not in _IN_ENVELOPE:
        raise QueryError(_status_error(status, answer.text.strip()))
    try:
        envelope = msgspec.json.decode(answer.content, type=_Envelope)
        if envelope.status == "error":
            raise QueryError(f"{envelope.error_type}: {envelope.error}")
        if status in _IN_ENVELOPE:
            raise QueryError("bad_response: inconsistent body for response code")
        return msgspec.json.decode(envelope.data, type=kind), envelope.warnings
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise QueryError(f"bad_response: {error}") from error


def _status_error(status: int, body: str) -> str:
    kinds = {4: "client_error: client error: ", 5: "server_error: server error: "}
    told = kinds.get(status // 100, "bad_response: bad response code ")
    return f"{told}{status} (detail: {body})" if body else f"{told}{status}"
