"""Web addresses as they are asked for."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from dashboard.exposition.errors import show
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.transport.credentials import basic

_PORTS = {"http": 80, "https": 443}
_UNFIT_FOR_A_HOST = re.compile(r"[\x00-\x20\x7f\"<>\\^`{|}%]")
_LEFT_AS_IT_IS = "!\"$%&'()*+,/:;<=>?@[\\]^`{|}~"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL taken apart. ``authority`` is the host, with the port where the URL has one; ``target`` path and query."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str
    login: str
    """The value of an ``Authorization`` header that a name and a password before the host make, else empty."""

    @classmethod
    @functools.lru_cache(maxsize=1024)
    def of(cls, url: str) -> Address:
        """Take a URL apart.

        Raises:
            FetchError: it is not one of HTTP, or malformed.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise FetchError(Layer.URL, str(error)) from None
        if parts.scheme not in _PORTS:
            raise FetchError(Layer.URL, f'only http and https can be asked for, not "{show(parts.scheme.encode())}"')
        if not host or _UNFIT_FOR_A_HOST.search(host):
            raise FetchError(Layer.URL, f'"{show(host.encode())}" is not a host')
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or _PORTS[parts.scheme],
            authority=_ascii(parts.netloc.rpartition("@")[2]),
            target=_quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else ""),
            login=_login(parts.username, parts.password),
        )

    def redirected(self, location: str) -> Address:
        """Return where a ``Location`` header leads to.

        Raises:
            FetchError: nowhere that may be followed.
        """
        try:
            return Address.of(urljoin(self.url, location.encode("latin-1").decode("utf-8", "replace")))
        except ValueError as error:
            raise FetchError(Layer.URL, f"redirect: {error}") from None
        except FetchError as error:
            raise FetchError(Layer.URL, f"redirect: {error}".replace("URL: ", "")) from None

    @property
    def url(self) -> str:
        """The URL again, without name and password."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def host_and_port(self) -> str:
        """How a proxy is told where to connect to."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def may_share_secrets_with(self, other: Address) -> bool:
        """Say whether a redirect to the other address may take along what was meant for this one.

        Prometheus looks at the name alone (and lets names below it have the secrets too); another port is another
        server, and from TLS there is no way back. Only the step from plain HTTP up to TLS on the usual ports is free.
        """
        if self.host != other.host:
            return False
        upgraded = (self.scheme, self.port, other.scheme, other.port) == ("http", 80, "https", 443)
        return upgraded or (self.scheme, self.port) == (other.scheme, other.port)


def _quoted(text: str) -> str:
    return quote(text, safe=_LEFT_AS_IT_IS)


def _ascii(authority: str) -> str:
    return authority if authority.isascii() else authority.encode("idna").decode("ascii")


def _login(name: str | None, password: str | None) -> str:
    return basic(unquote(name or ""), unquote(password or "")) if name is not None else ""
