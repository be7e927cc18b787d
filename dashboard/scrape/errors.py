"""The errors of scraping.

- ``ScrapeError``
    - ``FetchError``: a target's page could not be had; it names the layer that failed.
        - ``BodyLimitError``: the page is larger than its job allows.
    - ``UnknownTargetError``: no target has the given id.
    - ``UnknownPoolError``: no job has the given name.
    - ``DiscoveryError``: targets cannot be looked up.
    - ``TargetError``: what was looked up makes no target.
    - ``TargetLimitError``: a job has more targets than it allows.

Beside them stand two kinds of ``RefusedSeriesError``, which tell how much of a page was read before:
``InvalidSeriesError`` (a page has a series with a name that none may have) and ``LabelLimitError`` (a page has a series
with more or longer labels than its job allows).
"""

from __future__ import annotations

import enum
import socket
import ssl
from collections.abc import Callable
from typing import Any

from dashboard.exposition.errors import RefusedSeriesError, show


class Layer(enum.Enum):
    """Where a fetch failed; the value begins the message that people read."""

    URL = "URL"
    CREDENTIALS = "credentials"
    """A secret that the request needs could not be read or sent."""
    OAUTH2 = "OAuth2"
    DNS = "DNS"
    PROXY = "proxy"
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


class BodyLimitError(FetchError):
    """A page is larger than its job allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(Layer.BODY, f"body size limit exceeded: {limit} bytes or more")


class UnknownTargetError(ScrapeError):
    """No target has the given id."""

    def __init__(self, target_id: str) -> None:
        super().__init__(f'no target has the id "{show(target_id.encode())}"')


class UnknownPoolError(ScrapeError):
    """No job has the given name."""

    def __init__(self, name: str) -> None:
        super().__init__(f'no scrape pool has the name "{show(name.encode())}"')


class DiscoveryError(ScrapeError):
    """Targets cannot be looked up; what was found before stays."""


class TargetError(ScrapeError):
    """The labels of a target are not such that it can be scraped."""


class TargetLimitError(ScrapeError):
    """A job has more targets than it allows, so that none of them is scraped."""

    def __init__(self, targets: int, limit: int) -> None:
        super().__init__(f"target_limit exceeded (number of targets: {targets}, limit: {limit})")


class InvalidSeriesError(RefusedSeriesError):
    """A page has a series with a name that none may have; nothing of the page is stored."""


class LabelLimitError(RefusedSeriesError):
    """A page has a series with more or longer labels than its job allows; nothing of the page is stored."""


def fetch_error(error: Exception, timeout: float) -> FetchError:
    """Turn what sockets raise into an error of ours that names the layer; ``timeout`` is in seconds."""
    if isinstance(error, FetchError):
        return error
    if isinstance(error, TimeoutError):
        return FetchError(Layer.DEADLINE, f"no whole answer within {timeout:g}s")
    for kind, layer, reason in _KNOWN:
        if isinstance(error, kind):
            return FetchError(layer, reason(error))
    return FetchError(Layer.TCP, str(getattr(error, "strerror", "") or error).lower())


def _tls_reason(error: Any) -> str:
    return str(getattr(error, "verify_message", "") or error.reason or error)


# The more special kinds stand before those that they descend from.
_KNOWN: tuple[tuple[type[Exception], Layer, Callable[[Any], str]], ...] = (
    (socket.gaierror, Layer.DNS, lambda error: f"the name cannot be resolved: {error.strerror}"),
    (ssl.SSLError, Layer.TLS, _tls_reason),
    (ConnectionResetError, Layer.TCP, lambda _: "connection reset by peer"),
    (ConnectionRefusedError, Layer.TCP, lambda _: "connection refused"),
    (UnicodeError, Layer.URL, lambda error: f"the host is not a name: {error}"),
)
