"""Ways to a server: straight or through a proxy, in the clear or secure."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dashboard.config.http_client import ProxyConfig, TlsConfig
from dashboard.scrape.deadline import Deadline
from dashboard.scrape.errors import FetchError, Layer, fetch_error
from dashboard.scrape.transport.address import Address
from dashboard.scrape.transport.connection import Connection, Request
from dashboard.scrape.transport.dialing import dial
from dashboard.scrape.transport.proxy import Destination, proxy_of
from dashboard.scrape.transport.tls import Tls


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a server: what a connection has to be alike in to serve another request."""

    scheme: str
    host: str
    port: int
    proxy: Address | None
    context: ssl.SSLContext | None

    @property
    def asks_a_proxy(self) -> bool:
        """Whether requests name the whole URL: a proxy hands on what is not secure."""
        return self.proxy is not None and self.context is None


class Network:
    """Finds routes and opens connections as ``tls_config`` and the proxy's keys say. Threads may share it."""

    def __init__(self, tls: TlsConfig, proxy: ProxyConfig) -> None:
        self._tls = Tls(tls)
        self._proxy = proxy

    def route(self, address: Address, deadline: Deadline, *, trusted: bool) -> Route:
        """Return the way to an address; only a trusted server may see the client's certificate.

        Raises:
            FetchError: certificates or the proxy's URL cannot be used.
            TimeoutError: not before the deadline.
        """
        proxy = proxy_of(self._proxy, Destination(address.scheme, address.host, address.port))
        secure = address.scheme == "https"
        context = self._tls.context(deadline, certified=trusted) if secure else None
        return Route(address.scheme, address.host, address.port, _proxy_address(proxy) if proxy else None, context)

    def open(self, route: Route, address: Address, deadline: Deadline) -> Connection:
        """Connect.

        Raises:
            FetchError: a proxy refuses.
            OSError: there is no connection before the deadline.
        """
        with ExitStack() as undo:
            if route.proxy:
                connection = self._open_to_proxy(route.proxy, deadline)
            else:
                connection = Connection(dial(route.host, route.port, deadline))
            undo.callback(connection.close)
            if route.context:
                if route.proxy:
                    self._tunnel(connection, route.proxy, address, deadline)
                sock = connection.socket
                sock.settimeout(deadline.left())
                connection = Connection(self._tls.secure(sock, route.host, route.context))
            undo.pop_all()
            return connection

    def _open_to_proxy(self, proxy: Address, deadline: Deadline) -> Connection:
        with _blaming_the_proxy(deadline), ExitStack() as undo:
            sock = dial(proxy.host, proxy.port, deadline)
            undo.callback(sock.close)
            if proxy.scheme == "https":
                sock.settimeout(deadline.left())
                context = self._tls.context(deadline, certified=False)
                sock = context.wrap_socket(sock, server_hostname=proxy.host)
            undo.pop_all()
            return Connection(sock)

    def _tunnel(self, connection: Connection, proxy: Address, address: Address, deadline: Deadline) -> None:
        given = {
            name: ", ".join(value.reveal() for value in values)
            for name, values in self._proxy.proxy_connect_header.items()
        }
        headers = {"Host": address.host_and_port} | proxy_authorization(proxy) | given
        with _blaming_the_proxy(deadline):
            response = connection.exchange(Request("CONNECT", address.host_and_port, headers), deadline)
            if response.status != 200:
                reason = f"{response.status} {response.reason}".strip()
                raise FetchError(Layer.PROXY, f"it answered CONNECT with HTTP status {reason}")


def proxy_authorization(proxy: Address) -> dict[str, str]:
    """Return the header that lets us use a proxy, if it wants one."""
    return {"Proxy-Authorization": proxy.login} if proxy.login else {}


def _proxy_address(url: str) -> Address:
    try:
        return Address.of(url)
    except FetchError as error:
        raise FetchError(Layer.PROXY, str(error)) from None


@contextmanager
def _blaming_the_proxy(deadline: Deadline) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise
    except (FetchError, OSError, UnicodeError) as error:
        fault = fetch_error(error, deadline.timeout)
        raise fault if fault.layer is Layer.PROXY else FetchError(Layer.PROXY, str(fault)) from error
