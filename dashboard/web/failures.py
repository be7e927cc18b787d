"""What is answered when a handler fails: in the envelope of the API that was asked, without our internals."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from dashboard.web import envelope, pages
from dashboard.web.guard import trace_id

log = logging.getLogger(__name__)
_PROMETHEUS = "/api/v1/"
_JSON = ("/api/", "/health", "/ready")


def answer_failures(app: Flask) -> None:
    """Let ``app`` answer every failure as the API does that was asked."""
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_exception)


def _on_http_error(error: HTTPException) -> BaseResponse:
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if error.response is not None:  # A redirect brings its own answer.
        return error.get_response(request.environ)
    reason = None if request.routing_exception is error else error.description
    answer = failure(code, reason or error.name)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _on_exception(error: Exception) -> Response:
    log.error("%s %s failed, trace id %s", request.method, request.path, trace_id(), exc_info=error)
    return failure(HTTPStatus.INTERNAL_SERVER_ERROR, f"internal error; the log has it under trace id {trace_id()}")


def failure(code: int, reason: str) -> Response:
    """Return the answer for a status code, in the form that the path which was asked for has."""
    if request.path.startswith(_PROMETHEUS):
        return envelope.failed(envelope.ErrorType.of_status(code), reason, code)
    if request.path.startswith(_JSON):
        return envelope.json_answer({"detail": reason}, code)
    phrase = HTTPStatus(code).phrase
    if request.accept_mimetypes.best_match(["text/plain", "text/html"]) == "text/html":
        try:
            return pages.error_page(code, phrase, reason)
        except Exception:
            log.exception("the page for error %s cannot be made", code)
    return Response(f"{code} {phrase}\n{reason}\n", code, mimetype="text/plain")
