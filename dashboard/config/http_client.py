"""How a client of HTTP reaches a server (``config/http_config.go`` of prometheus/common)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from dashboard.config.decoding import INLINED
from dashboard.config.place import Place
from dashboard.config.scalars import FilePath, InvalidValueError, Reader, text_of
from dashboard.config.secret import NO_SECRET, SecretText
from dashboard.config.urls import Url

RESERVED_HEADERS = frozenset(
    (
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "user-agent",
        "www-authenticate",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-prometheus-remote-read-version",
        "x-prometheus-remote-write-version",
        "x-prometheus-scrape-timeout-seconds",
    )
)
"""Headers that a connection or this program sets itself, and that no file may set."""


class TlsVersion(enum.Enum):
    """A version of TLS, under Prometheus's name for it."""

    TLS10 = "TLS10"
    TLS11 = "TLS11"
    TLS12 = "TLS12"
    TLS13 = "TLS13"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """Certificates and checks of a TLS connection; ``*_file`` are absolute paths, read at each connection."""

    ca: str = ""
    ca_file: FilePath = ""
    cert: str = ""
    cert_file: FilePath = ""
    key: SecretText = NO_SECRET
    key_file: FilePath = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: TlsVersion | None = None
    max_version: TlsVersion | None = None

    def __post_init__(self) -> None:
        at_most_one(ca=self.ca, ca_file=self.ca_file)
        at_most_one(cert=self.cert, cert_file=self.cert_file)
        at_most_one(key=self.key, key_file=self.key_file)
        certificate, key = self.cert or self.cert_file, self.key or self.key_file
        if certificate and not key:
            raise InvalidValueError(
                "one of key and key_file must be configured when a client certificate is configured"
            )
        if key and not certificate:
            raise InvalidValueError("one of cert and cert_file must be configured when a client key is configured")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """The proxy that requests go through; none without a URL, unless the environment names one and may."""

    proxy_url: Url = ""
    no_proxy: str = ""
    proxy_from_environment: bool = False
    proxy_connect_header: Mapping[str, tuple[SecretText, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.proxy_connect_header and not (self.proxy_url or self.proxy_from_environment):
            raise InvalidValueError(
                "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured"
            )
        if self.proxy_from_environment and self.proxy_url:
            raise InvalidValueError("if proxy_from_environment is configured, proxy_url must not be configured")
        if self.proxy_from_environment and self.no_proxy:
            raise InvalidValueError("if proxy_from_environment is configured, no_proxy must not be configured")
        if self.no_proxy and not self.proxy_url:
            raise InvalidValueError("if no_proxy is configured, proxy_url must also be configured")


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A user name and a password; each may be in a file that is read at each request."""

    username: str = ""
    username_file: FilePath = ""
    password: SecretText = NO_SECRET
    password_file: FilePath = ""

    def __post_init__(self) -> None:
        at_most_one(username=self.username, username_file=self.username_file)
        at_most_one(password=self.password, password_file=self.password_file)


def _read_type(value: Any, _place: Place) -> str:
    return text_of(value).strip() or "Bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An ``Authorization`` header: its type and its credentials, or the file that they are in."""

    type: Annotated[str, Reader(_read_type)] = "Bearer"
    credentials: SecretText = NO_SECRET
    credentials_file: FilePath = ""

    def __post_init__(self) -> None:
        at_most_one(credentials=self.credentials, credentials_file=self.credentials_file)
        if self.type.lower() == "basic":
            raise InvalidValueError('authorization type cannot be set to "basic", use "basic_auth" instead', "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """Client credentials that are exchanged for a token at ``token_url``."""

    client_id: str = ""
    client_secret: SecretText = NO_SECRET
    client_secret_file: FilePath = ""
    scopes: tuple[str, ...] = ()
    token_url: str = ""
    endpoint_params: Mapping[str, str] = field(default_factory=dict)
    tls_config: TlsConfig = field(default_factory=TlsConfig)
    proxy: ProxyConfig = field(default_factory=ProxyConfig, metadata=INLINED)

    def __post_init__(self) -> None:
        if not self.client_id:
            raise InvalidValueError("oauth2 client_id must be configured")
        if not self.token_url:
            raise InvalidValueError("oauth2 token_url must be configured")
        at_most_one(client_secret=self.client_secret, client_secret_file=self.client_secret_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The values that a header is sent with: written out, secret, or in files that are read at each request."""

    values: tuple[str, ...] = ()
    secrets: tuple[SecretText, ...] = ()
    files: tuple[FilePath, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpClientConfig:
    """Everything that a request is sent with. HTTP/2 is read, and not used.

    The old ``bearer_token`` and ``bearer_token_file`` become an ``authorization``.
    """

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    oauth2: OAuth2 | None = None
    bearer_token: SecretText = NO_SECRET
    bearer_token_file: FilePath = ""
    tls_config: TlsConfig = field(default_factory=TlsConfig)
    follow_redirects: bool = True
    enable_http2: bool = True
    proxy: ProxyConfig = field(default_factory=ProxyConfig, metadata=INLINED)
    http_headers: Mapping[str, Header] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at_most_one(bearer_token=self.bearer_token, bearer_token_file=self.bearer_token_file)
        bearer = self.bearer_token or self.bearer_token_file
        at_most_one(basic_auth=self.basic_auth, oauth2=self.oauth2, authorization=self.authorization or bearer)
        if self.authorization and bearer:
            raise InvalidValueError("authorization is not compatible with bearer_token and bearer_token_file")
        for name in self.http_headers:
            if name.lower() in RESERVED_HEADERS:
                raise InvalidValueError(f'setting header "{name}" is not allowed', "http_headers")
        if bearer:
            # The record is frozen; the rest of the program shall know one way to say this.
            self._set(
                "authorization", Authorization(credentials=self.bearer_token, credentials_file=self.bearer_token_file)
            )
            self._set("bearer_token", NO_SECRET)
            self._set("bearer_token_file", "")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def at_most_one(**given: object) -> None:
    """Check that no two of several keys have a value.

    Raises:
        InvalidValueError: more than one has; the message names them all.
    """
    if sum(1 for value in given.values() if value) > 1:
        raise InvalidValueError(f"at most one of {', '.join(given)} must be configured")
