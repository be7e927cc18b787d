"""What stands before every handler: the checks of ``Host`` and ``Origin``, the security headers, the trace id.

It wraps the WSGI application, so that it also covers what Flask answers by itself: redirects, 404, 405 and 500.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from flask import request

from dashboard.web.origin import is_allowed_host, is_same_origin

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024
SECURITY_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
# So many hosts that were asked for are remembered: mostly there is one.
_HOSTS = 64
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_TRACE_KEY = "glass_cockpit.trace_id"
# W3C Trace Context, version 00; later versions may add fields behind a dash.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


class Guard:
    """A WSGI application that lets through only what may reach ``application``."""

    def __init__(self, application: WSGIApplication, allowed_hosts: Iterable[str]) -> None:
        self._application = application
        allowed = frozenset(allowed_hosts)
        self._is_allowed = functools.lru_cache(_HOSTS)(lambda host: is_allowed_host(host, allowed))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or hand it on."""
        trace_id = _trace_id_of(environ.get("HTTP_TRACEPARENT", ""))
        environ[_TRACE_KEY] = trace_id
        added = [*SECURITY_HEADERS, ("X-Trace-Id", trace_id)]

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, headers + added, *error)

        refusal = self._refusal(environ)
        if refusal is None:
            return self._application(environ, start)
        return _refuse(*refusal, environ, start)

    def _refusal(self, environ: WSGIEnvironment) -> tuple[str, str] | None:
        host = environ.get("HTTP_HOST", "")
        if not host:
            return "400 Bad Request", "the request names no host"
        if not all(map(self._is_allowed, (host, *_host_of_uri(environ)))):
            return "421 Misdirected Request", "this server is not known by that host; see allowed_hosts in cockpit.yml"
        if environ["REQUEST_METHOD"] not in _SAFE_METHODS and not is_same_origin(
            environ["wsgi.url_scheme"], host, environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
        ):
            return "403 Forbidden", "a page of another origin may not do this"
        return None


def trace_id() -> str:
    """Return the trace id of the request that is being answered: 32 hexadecimal digits."""
    found: str = request.environ[_TRACE_KEY]
    return found


def new_trace_id() -> str:
    """Return a trace id that no other request has. It is no secret: asking the system for one would take longer."""
    return f"{random.getrandbits(128):032x}"


def _trace_id_of(traceparent: str) -> str:
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return match.group(1) if match else new_trace_id()


def _host_of_uri(environ: WSGIEnvironment) -> tuple[str, ...]:
    # A request line may hold an absolute URI, whose host counts beside the header (RFC 9112, section 3.2.2).
    uri = environ.get("REQUEST_URI", "")
    if uri.startswith("/") or "://" not in uri:
        return ()
    try:
        return (urlsplit(uri).netloc,)
    except ValueError:
        return ("",)


def _refuse(status: str, detail: str, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    body = orjson.dumps({"detail": detail})
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
