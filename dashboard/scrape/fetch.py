"""Where the pages of targets come from: over HTTP, or out of this server itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from dashboard.config.scrape import NameEscaping, ScrapeConfig, ScrapeProtocol
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.http_client import client_for
from dashboard.scrape.schedule import time_allowed
from dashboard.scrape.target import Target

DEFAULT_BODY_LIMIT = 64 * 1024 * 1024
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"

_MEDIA_TYPES = {
    ScrapeProtocol.TEXT_0_0_4: "text/plain;version=0.0.4",
    ScrapeProtocol.TEXT_1_0_0: "text/plain;version=1.0.0",
    ScrapeProtocol.OPENMETRICS_0_0_1: "application/openmetrics-text;version=0.0.1",
    ScrapeProtocol.OPENMETRICS_1_0_0: "application/openmetrics-text;version=1.0.0",
}
"""What we read; protobuf is not asked for."""

_ESCAPING = frozenset({ScrapeProtocol.TEXT_1_0_0, ScrapeProtocol.OPENMETRICS_1_0_0})
_KNOWN = frozenset({"text/plain", "application/openmetrics-text", "application/vnd.google.protobuf"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it was served, decompressed.

    ``content_type`` is the one to read it by. Where the target sent another, ``remark`` says so; it belongs into the
    error of a page that cannot be read. ``share`` is a context to read the page in; once it is left, others may have
    the memory.
    """

    body: bytes
    content_type: str
    remark: str = ""
    share: AbstractContextManager[object] = field(default_factory=nullcontext)


class Source(Protocol):
    """Where the pages of a target come from."""

    def fetch(self) -> Answer:
        """Get the page.

        Raises:
            FetchError: it cannot be had.
        """
        ...

    def cancel(self) -> None:
        """End a fetch that runs in another thread."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...


class LocalSource:
    """A page of this server, read in process."""

    def __init__(self, page: Callable[[], bytes]) -> None:
        self._page = page

    def fetch(self) -> Answer:
        """Make the page.

        Raises:
            FetchError: it cannot be made.
        """
        try:
            return Answer(self._page(), TEXT_FORMAT)
        except Exception as error:  # The page runs code of any part; here it is one target among others.
            raise FetchError(Layer.PAGE, f"{type(error).__name__}: {error}") from error

    def cancel(self) -> None:
        """Do nothing: the page is made at once."""

    def close(self) -> None:
        """Do nothing: there is no connection."""


class HttpSource:
    """A page at a URL, fetched as its job says within so many seconds. It keeps its connection for the next fetch."""

    def __init__(self, url: str, timeout: float, job: ScrapeConfig) -> None:
        self._url = url
        self._timeout = timeout
        self._body_limit = job.body_size_limit or DEFAULT_BODY_LIMIT
        self._session = client_for(job.http).session()
        self._headers = scrape_headers(job, timeout)
        self._fallback = job.fallback_scrape_protocol

    def fetch(self) -> Answer:
        """Get the page, following redirects, within one deadline.

        Raises:
            FetchError: it cannot be had; the message names the layer.
        """
        answer = self._session.get(self._url, self._headers, timeout=self._timeout, body_limit=self._body_limit)
        content_type, remark = _typed(answer.headers.get("content-type", ""), self._fallback)
        return Answer(answer.body, content_type, remark, answer.share)

    def cancel(self) -> None:
        """End the fetch that runs in another thread, and every later one."""
        self._session.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def source_for(target: Target) -> Source:
    """Return where the pages of a target come from."""
    return HttpSource(target.url, time_allowed(target) / 1000, target.config)


def scrape_headers(job: ScrapeConfig, timeout: float) -> dict[str, str]:
    """Return the headers that a job's targets are asked with; ``timeout`` is in seconds."""
    return {
        "Accept": accept(job.scrape_protocols, job.metric_name_escaping_scheme),
        "Accept-Encoding": "gzip, zstd" if job.enable_compression else "identity",
        "X-Prometheus-Scrape-Timeout-Seconds": f"{timeout:.10g}",
    }


def accept(protocols: tuple[ScrapeProtocol, ...], escaping: NameEscaping) -> str:
    """Return an ``Accept`` header that asks for protocols, the first first (``scrape/scrape.go``, acceptHeader)."""
    wanted = []
    for protocol in protocols:
        if protocol in _MEDIA_TYPES:
            scheme = f";escaping={escaping.value}" if protocol in _ESCAPING else ""
            wanted.append(_MEDIA_TYPES[protocol] + scheme)
    weights = range(len(ScrapeProtocol) + 1, 0, -1)
    return ",".join(f"{each};q=0.{weight}" for each, weight in zip([*wanted, "*/*"], weights, strict=False))


def _typed(content_type: str, fallback: ScrapeProtocol | None) -> tuple[str, str]:
    """Settle how a page is read, and what to say of that.

    Where its type is none that we know, it is read as the job's fallback says, else as text. So did Prometheus 2;
    Prometheus 3 refuses such a page where the job has no fallback, and with it many small exporters that call their
    pages ``text/html``.
    """
    if content_type.partition(";")[0].strip().lower() in _KNOWN:
        return content_type, ""
    protocol = fallback if fallback and fallback in _MEDIA_TYPES else ScrapeProtocol.TEXT_0_0_4
    sent = f'Content-Type "{content_type}"' if content_type else "no Content-Type"
    return _MEDIA_TYPES[protocol], f"the target sent {sent}, so the page was read as {protocol.value}"
