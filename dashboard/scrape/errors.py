"""The errors of scraping.

- ``ScrapeError``
    - ``FetchError``: a target's page could not be had; it names the layer that failed.
    - ``UnknownTargetError``: no target has the given id.
"""

from __future__ import annotations

import enum
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import requests
import urllib3

from dashboard.exposition.errors import show


class Layer(enum.Enum):
    """Where a fetch failed; the value begins the message that people read."""

    URL = "URL"
    DNS = "DNS"
    TCP = "TCP"
    TLS = "TLS"
    HTTP = "HTTP"
    BODY = "body"
    DEADLINE = "context deadline exceeded"
    PAGE = "page"
    """The page of this server itself could not be made."""


class ScrapeError(Exception):
    """Scraping went wrong."""


class FetchError(ScrapeError):
    """A target's page could not be had."""

    def __init__(self, layer: Layer, reason: str) -> None:
        # What a hostile target sends may be part of the reason.
        super().__init__(f"{layer.value}: {show(reason.encode('utf-8', 'backslashreplace'))}")
        self.layer = layer


class UnknownTargetError(ScrapeError):
    """No target has the given id."""

    def __init__(self, target_id: str) -> None:
        super().__init__(f'no target has the id "{show(target_id.encode())}"')


def fetch_error(error: Exception, timeout: float) -> FetchError:
    """Turn an error of the HTTP libraries into ours, with the layer at its root; ``timeout`` is in seconds."""
    for cause in _causes(error):
        if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)):
            return FetchError(Layer.DEADLINE, f"no whole answer within {timeout:g}s")
        for kinds, layer, reason in _KNOWN:
            if isinstance(cause, kinds):
                return FetchError(layer, reason(cause))
        # The errors of requests descend from OSError too, but have no number.
        if isinstance(cause, OSError) and cause.errno is not None:
            return FetchError(Layer.TCP, (cause.strerror or str(cause)).lower())
    return FetchError(Layer.HTTP, str(error) or type(error).__name__)


def _tls_reason(error: Any) -> str:
    return str(getattr(error, "verify_message", "") or error.reason or error)


# The more special kinds stand before those that they descend from.
_KNOWN: tuple[tuple[tuple[type[BaseException], ...], Layer, Callable[[Any], str]], ...] = (
    ((socket.gaierror,), Layer.DNS, lambda error: f"the name cannot be resolved: {error.strerror}"),
    ((ssl.SSLError,), Layer.TLS, _tls_reason),
    ((http.client.RemoteDisconnected,), Layer.HTTP, lambda _: "the connection was closed without an answer"),
    ((ConnectionResetError,), Layer.TCP, lambda _: "connection reset by peer"),
    ((ConnectionRefusedError,), Layer.TCP, lambda _: "connection refused"),
    ((http.client.IncompleteRead,), Layer.BODY, lambda _: "unexpected end: shorter than announced, or a broken chunk"),
    ((http.client.HTTPException,), Layer.HTTP, lambda error: f"malformed answer: {type(error).__name__}: {error}"),
    ((UnicodeError, requests.exceptions.InvalidURL, urllib3.exceptions.LocationParseError), Layer.URL, str),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what lies beneath an error, the deepest first: libraries wrap in ``args``, ``reason`` and the context."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        cause = waiting.pop()
        if cause not in seen:
            seen.append(cause)
            beneath = [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
            waiting += [each for each in beneath if isinstance(each, BaseException)]
    yield from reversed(seen)
