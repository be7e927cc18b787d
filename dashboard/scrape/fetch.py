"""Fetching a target's page over HTTP, from targets that may hang, lie or explode."""

from __future__ import annotations

import http.cookiejar
import logging
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

import dashboard
from dashboard.exposition.errors import show
from dashboard.scrape.deadline import CURRENT, Deadline, DeadlineAdapter
from dashboard.scrape.errors import FetchError, Layer, fetch_error

DEFAULT_BODY_LIMIT = 64 * 1024 * 1024
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"

# As Prometheus 3 asks for its text protocols (scrape/scrape.go, acceptHeader); we do not read protobuf.
ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 64 * 1024
_LENGTH = re.compile(r"[0-9]+")

# Its warnings quote what targets send; the error of a target says what is wrong, once and bounded.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it was served, decompressed."""

    body: bytes
    content_type: str


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
    """A page at a URL. It keeps its connection for the next fetch; durations are in seconds, sizes in bytes."""

    def __init__(self, url: str, timeout: float, body_limit: int = 0) -> None:
        self._url = url
        self._timeout = timeout
        self._body_limit = body_limit or DEFAULT_BODY_LIMIT
        self._session = _new_session(timeout)
        self._kept = False
        self._deadline = Deadline(0)
        self._cancelled = False

    def fetch(self) -> Answer:
        """Get the page, following redirects, within one deadline.

        Raises:
            FetchError: it cannot be had; the message names the layer.
        """
        self._deadline = Deadline(0 if self._cancelled else self._timeout)
        CURRENT.set(self._deadline)
        try:
            return self._fetch_again() if self._kept else self._fetch_once()
        except (FetchError, OSError, UnicodeError, urllib3.exceptions.HTTPError) as error:
            # requests.RequestException is an OSError. After a fault nothing is known about the connections.
            self._renew()
            raise error if isinstance(error, FetchError) else fetch_error(error, self._timeout) from error

    def cancel(self) -> None:
        """End the fetch that runs in another thread, and every later one."""
        self._cancelled = True
        self._deadline.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _renew(self) -> None:
        self._session.close()
        self._session = _new_session(self._timeout)
        self._kept = False

    def _fetch_again(self) -> Answer:
        """Fetch over the connection that was kept, or over a new one where the target has closed it meanwhile."""
        try:
            return self._fetch_once()
        except requests.ConnectionError as error:
            if fetch_error(error, self._timeout).layer not in (Layer.HTTP, Layer.TCP):
                raise
            self._renew()
            return self._fetch_once()

    def _fetch_once(self) -> Answer:
        url = self._url
        for _ in range(_MOST_REDIRECTS + 1):
            with self._send(url) as response:
                if response.status_code not in _REDIRECTS:
                    return self._read(response)
                url = _redirected(url, response)
        raise FetchError(Layer.HTTP, f"stopped after {_MOST_REDIRECTS} redirects")

    def _send(self, url: str) -> requests.Response:
        request = self._session.prepare_request(requests.Request("GET", url))
        timeout = urllib3.Timeout(total=self._deadline.left())
        return self._session.send(request, stream=True, timeout=timeout, allow_redirects=False)  # type: ignore[arg-type]

    def _read(self, response: requests.Response) -> Answer:
        if response.status_code != HTTPStatus.OK:
            raise FetchError(
                Layer.HTTP, f"server returned HTTP status {response.status_code} {response.reason}".strip()
            )
        _check_length(response)
        pieces = []
        size = 0
        for piece in _decoded(response):
            size += len(piece)
            if size > self._body_limit:
                raise FetchError(Layer.BODY, f"body size limit exceeded: more than {self._body_limit} bytes")
            pieces.append(piece)
        self._kept = True
        return Answer(b"".join(pieces), response.headers.get("Content-Type", ""))


class _Session(requests.Session):
    """A session that leaves redirects to us: ``requests`` would read a redirect's body whole, however large."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - the base class names it.
        return None


def _new_session(timeout: float) -> requests.Session:
    session = _Session()
    # Neither proxies nor credentials come from the environment or from ~/.netrc, and nothing is remembered for targets.
    session.trust_env = False
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.headers = requests.structures.CaseInsensitiveDict(
        {
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip",
            "User-Agent": f"glass-cockpit/{dashboard.__version__}",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{timeout:.10g}",
        }
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_connections=1, pool_maxsize=1))
    return session


def _redirected(url: str, response: requests.Response) -> str:
    location = response.headers.get("Location")
    if not location:
        raise FetchError(Layer.HTTP, f"{response.status_code} response missing Location header")
    try:
        target = urljoin(url, location.encode("latin-1").decode("utf-8", "replace"))
        parts = urlsplit(target)
    except ValueError as error:
        raise FetchError(Layer.URL, f'redirect to "{show(location.encode())}": {error}') from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(Layer.URL, f'redirect to "{show(target.encode())}": only http and https are followed')
    return target


def _check_length(response: requests.Response) -> None:
    """Refuse a length that the HTTP library would quietly ignore.

    Raises:
        FetchError: the header is not a length.
    """
    length = response.headers.get("Content-Length")
    if length is not None and not all(_LENGTH.fullmatch(part.strip()) for part in length.split(",")):
        raise FetchError(Layer.HTTP, f'bad Content-Length "{length}"')


def _decoded(response: requests.Response) -> Iterator[bytes]:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return _raw(response)
    if encoding == "gzip":
        return _gunzipped(response)
    raise FetchError(Layer.BODY, f'unsupported Content-Encoding "{encoding}"')


def _raw(response: requests.Response) -> Iterator[bytes]:
    while piece := response.raw.read(_PIECE, decode_content=False):
        yield piece


def _gunzipped(response: requests.Response) -> Iterator[bytes]:
    """Decompress in bounded pieces; several members may follow one another, anything else may not."""
    decoder = zlib.decompressobj(wbits=31)
    try:
        for piece in _raw(response):
            rest, more = piece, False
            while rest or more:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                decoded = decoder.decompress(rest, _PIECE)
                yield decoded
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                # A full piece may leave output within the decoder even though it has taken all input.
                more = len(decoded) == _PIECE and not decoder.eof
    except zlib.error as error:
        raise FetchError(Layer.BODY, f"gzip: {error}") from error
    if not decoder.eof:
        raise FetchError(Layer.BODY, "gzip: unexpected end")
