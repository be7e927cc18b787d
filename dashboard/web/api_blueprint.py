"""What all of Prometheus's HTTP API shares (web/api/v1/api.go of Prometheus 3).

A handler reads its parameters, asks a part and returns data or raises; the envelope is written in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response

from dashboard.promql import ParseError, PromqlError, QueryCancelledError, QueryTimeoutError
from dashboard.web.envelope import ApiError, ErrorType, failed, succeeded
from dashboard.web.parameters import invalid, parameters
from dashboard.web.parts import parts

TRUNCATED = "results truncated due to limit"
_KINDS = (
    (QueryTimeoutError, ErrorType.TIMEOUT),
    (QueryCancelledError, ErrorType.CANCELED),
    (PromqlError, ErrorType.EXECUTION),
)
BOTH = ("GET", "POST")
"""The methods of a route that takes its parameters from the address or from a form."""


def api_blueprint(name: str) -> Blueprint:
    """Make a blueprint below ``/api/v1`` whose errors are told in the envelope, and that answers once we are ready."""
    blueprint = Blueprint(name, __name__, url_prefix="/api/v1")
    blueprint.before_request(_refuse_until_ready)
    blueprint.register_error_handler(ApiError, _answer_api_error)
    blueprint.register_error_handler(PromqlError, _answer_promql_error)
    return blueprint


def _refuse_until_ready() -> Response | None:
    """Answer 503 until the store is open."""
    return None if parts().ready() else failed(ErrorType.UNAVAILABLE, "Service Unavailable")


def _answer_api_error(error: ApiError) -> Response:
    """Answer a request that cannot be."""
    return failed(error.kind, str(error))


def _answer_promql_error(error: PromqlError) -> Response:
    """Answer a query that cannot be asked, or an evaluation that failed."""
    if isinstance(error, ParseError):
        return _answer_api_error(invalid("query", error))
    return failed(next(kind for error_type, kind in _KINDS if isinstance(error, error_type)), str(error))


def list_answer(items: Sequence[Any]) -> Response:
    """Answer with a list, or with as much of it as the parameter ``limit`` allows."""
    limit = parameters().limit_of()
    truncated = limit is not None and len(items) > limit
    return succeeded(list(items[:limit]), [TRUNCATED] if truncated else [])
