"""HTTP as a configuration says: credentials, TLS, proxies, redirects (``config/http_config.go`` of prometheus/common).

Nothing comes from the environment or from files of the user unless the configuration asks for it, and nothing is
remembered of a server but a token and one connection.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlencode
from weakref import WeakSet

import dashboard
from dashboard.config.http_client import HttpClientConfig, OAuth2
from dashboard.scrape.deadline import Deadline
from dashboard.scrape.errors import BodyLimitError, FetchError, Layer, fetch_error
from dashboard.scrape.transport.address import Address
from dashboard.scrape.transport.connection import Connection, NoAnswerError, Request, Response
from dashboard.scrape.transport.credentials import Credentials, TokenAnswer
from dashboard.scrape.transport.decoding import decoded
from dashboard.scrape.transport.memory import BODIES, Share
from dashboard.scrape.transport.network import Network, Route, proxy_authorization

_AGENT = {"User-Agent": f"glass-cockpit/{dashboard.__version__}"}
_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LARGEST_TOKEN = 1 << 20


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer with status 200: its headers, their names in lower case, and its body, decoded.

    Its ``share`` of the memory is a context to read the body in; once it is left, others may have that memory.
    """

    headers: Mapping[str, str]
    body: bytes
    share: Share


class HttpClient:
    """Knows how servers are asked. Threads may share it, and then share its tokens and certificates."""

    def __init__(self, config: HttpClientConfig) -> None:
        self.config = config
        self.network = Network(config.tls_config, config.proxy)
        self.credentials = Credentials(config, _TokenEndpoint(config.oauth2).ask if config.oauth2 else None)

    def session(self) -> HttpSession:
        """Return a way to ask that keeps its connection."""
        return HttpSession(self)


_CLIENTS: WeakSet[HttpClient] = WeakSet()
_CLIENTS_LOCK = threading.Lock()


def client_for(config: HttpClientConfig) -> HttpClient:
    """Return a client that all with an equal configuration share, for as long as one of them needs it."""
    with _CLIENTS_LOCK:
        for client in _CLIENTS:
            if client.config is config or client.config == config:
                return client
        client = HttpClient(config)
        _CLIENTS.add(client)
        return client


class HttpSession:
    """Asks one server after the other, and keeps the connection to the last; for one thread at a time."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._route: Route | None = None
        self._connection: Connection | None = None
        self._deadline = Deadline(0)
        self._cancelled = False

    def get(self, url: str, headers: Mapping[str, str], *, timeout: float, body_limit: int) -> HttpAnswer:
        """Ask for a page, following redirects, within so many seconds; the limit is one of decoded bytes.

        Raises:
            FetchError: it cannot be had, or its status is not 200; the message names the layer.
        """
        deadline = self._deadline = Deadline(0 if self._cancelled else timeout)
        try:
            response = self._follow(Address.of(url), headers, deadline)
            if response.status != 200:
                reason = f"{response.status} {response.reason}".strip()
                raise FetchError(Layer.HTTP, f"server returned HTTP status {reason}")
            share = BODIES.share(deadline)
            return HttpAnswer(response.headers, _body(response, body_limit, share), share)
        except (FetchError, OSError, UnicodeError) as error:
            # After a fault nothing is known about the connection.
            self.close()
            if isinstance(error, FetchError):
                raise
            raise fetch_error(error, timeout) from error

    def cancel(self) -> None:
        """End a request that runs in another thread, and every later one."""
        self._cancelled = True
        self._deadline.cancel()

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _follow(self, address: Address, headers: Mapping[str, str], deadline: Deadline) -> Response:
        trusted = True
        for _ in range(_MOST_REDIRECTS + 1):
            response = self._ask(address, headers, deadline, trusted=trusted)
            if response.status not in _REDIRECTS or not self._client.config.follow_redirects:
                return response
            location = response.headers.get("location")
            if not location:
                raise FetchError(Layer.HTTP, f"{response.status} response missing Location header")
            following = address.redirected(location)
            # Who has been left once is not trusted again, wherever the others lead to.
            trusted = trusted and address.may_share_secrets_with(following)
            address = following
        raise FetchError(Layer.HTTP, f"stopped after {_MOST_REDIRECTS} redirects")

    def _ask(self, address: Address, headers: Mapping[str, str], deadline: Deadline, *, trusted: bool) -> Response:
        route = self._client.network.route(address, deadline, trusted=trusted)
        secrets = self._secrets(address, deadline) if trusted else {}
        request = _request(address, route, {**headers, **secrets})
        response = self._ask_again(route, request, deadline) or self._ask_anew(route, address, request, deadline)
        if response.status == 401 and secrets:
            self._client.credentials.were_refused()
        return response

    def _secrets(self, address: Address, deadline: Deadline) -> dict[str, str]:
        login = {"Authorization": address.login} if address.login else {}
        return login | self._client.credentials.headers(deadline)

    def _ask_again(self, route: Route, request: Request, deadline: Deadline) -> Response | None:
        """Ask over the connection that was kept, unless the server has closed it meanwhile."""
        if self._connection is None or self._route != route or not self._connection.is_reusable():
            return None
        try:
            return self._connection.exchange(request, deadline)
        except (NoAnswerError, ConnectionError):
            return None

    def _ask_anew(self, route: Route, address: Address, request: Request, deadline: Deadline) -> Response:
        self.close()
        self._connection = self._client.network.open(route, address, deadline)
        self._route = route
        return self._connection.exchange(request, deadline)


class _TokenEndpoint:
    """Where client credentials are exchanged for a token, over connections of its own."""

    def __init__(self, config: OAuth2) -> None:
        self._url = config.token_url
        self._network = Network(config.tls_config, config.proxy)

    def ask(self, form: Mapping[str, str], authorization: str, deadline: Deadline) -> TokenAnswer:
        """Send a form; redirects are not followed, since a secret may be in it.

        Raises:
            FetchError: there is no answer.
            TimeoutError: there is none before the deadline.
        """
        try:
            return self._post(Address.of(self._url), urlencode(form).encode("ascii"), authorization, deadline)
        except TimeoutError:
            raise
        except (FetchError, OSError, UnicodeError) as error:
            raise FetchError(Layer.OAUTH2, f"the token endpoint: {fetch_error(error, deadline.timeout)}") from error

    def _post(self, address: Address, form: bytes, authorization: str, deadline: Deadline) -> TokenAnswer:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(form)),
            "Accept": "application/json",
        }
        if authorization or address.login:
            headers["Authorization"] = authorization or address.login
        route = self._network.route(address, deadline, trusted=True)
        connection = self._network.open(route, address, deadline)
        try:
            response = connection.exchange(_request(address, route, headers, "POST", form), deadline)
            with BODIES.share(deadline) as share:
                return TokenAnswer(response.status, _body(response, _LARGEST_TOKEN, share))
        finally:
            connection.close()


def _request(
    address: Address, route: Route, headers: Mapping[str, str], method: str = "GET", body: bytes = b""
) -> Request:
    proxied = route.proxy if route.asks_a_proxy else None
    wanted = proxy_authorization(proxied) if proxied else {}
    target = address.url if proxied else address.target
    return Request(method, target, {"Host": address.authority, **_AGENT, **headers, **wanted}, body)


def _body(response: Response, limit: int, share: Share) -> bytes:
    """Read a body, counting its bytes both as they are sent and decoded; whoever gets it holds its share."""
    sent = _limited(response.pieces, limit)
    with ExitStack() as undo:
        undo.push(share)
        # Pieces that are joined in the end would be there twice.
        body, size = BytesIO(), 0
        for piece in _limited(decoded(sent, response.headers.get("content-encoding", "")), limit):
            size += len(piece)
            share.hold(size)
            body.write(piece)
        undo.pop_all()
        return body.getvalue()


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        # As in Prometheus, a body of exactly the limit is over it.
        if size >= limit:
            raise BodyLimitError(limit)
        yield piece
