"""How a client of HTTP reaches a server (``config/http_config.go`` of prometheus/common)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.config.decoding import INLINED
from dashboard.config.scalars import FilePath
from dashboard.config.secret import NO_SECRET, SecretText, Url


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """The proxy that requests go through; none without a URL, unless the environment names one and may."""

    proxy_url: Url = ""
    no_proxy: str = ""
    proxy_from_environment: bool = False
    proxy_connect_header: Mapping[str, tuple[SecretText, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A user name and a password; each may be in a file that is read at each request."""

    username: str = ""
    username_file: FilePath = ""
    password: SecretText = NO_SECRET
    password_file: FilePath = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An ``Authorization`` header: its type and its credentials, or the file that they are in."""

    type: str = "Bearer"
    credentials: SecretText = NO_SECRET
    credentials_file: FilePath = ""


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
