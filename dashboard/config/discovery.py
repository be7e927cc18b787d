"""Where targets come from: the kinds of discovery that are served here."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from dashboard.config.decoding import INLINED
from dashboard.config.http_client import HttpClientConfig
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, LabelSet, Milliseconds, Reader, read_path, text_of
from dashboard.config.urls import Url, require_http

_FILE_PATTERN = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticConfig:
    """A list of targets that share labels."""

    targets: tuple[str, ...] = ()
    labels: LabelSet = field(default_factory=dict)


def _read_pattern(value: Any, place: Place) -> str:
    text = str(text_of(value))
    if not _FILE_PATTERN.fullmatch(text):
        raise InvalidValueError(f'path name "{text}" is not valid for file discovery')
    return read_path(value, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSdConfig:
    """Files that list targets; ``files`` are absolute patterns."""

    files: tuple[Annotated[str, Reader(_read_pattern)], ...] = ()
    refresh_interval: Milliseconds = 300_000

    def __post_init__(self) -> None:
        if not self.files:
            raise InvalidValueError("file service discovery config must contain at least one path name")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSdConfig:
    """A URL that answers a list of targets."""

    url: Url = ""
    refresh_interval: Milliseconds = 60_000
    http: HttpClientConfig = field(default_factory=HttpClientConfig, metadata=INLINED)

    def __post_init__(self) -> None:
        if not self.url:
            raise InvalidValueError("URL is missing")
        require_http(self.url)


class DnsType(enum.Enum):
    """The kind of DNS record that is asked for."""

    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    NS = "NS"


def _read_dns_type(value: Any, _place: Place) -> DnsType:
    text = str(text_of(value))
    try:
        return DnsType(text.upper())
    except ValueError:
        raise InvalidValueError(f"invalid DNS-SD records type {text}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSdConfig:
    """DNS names whose records are targets; records other than ``SRV`` need a ``port``."""

    names: tuple[str, ...] = ()
    refresh_interval: Milliseconds = 30_000
    type: Annotated[DnsType, Reader(_read_dns_type)] = DnsType.SRV
    port: int = 0

    def __post_init__(self) -> None:
        if not self.names:
            raise InvalidValueError("DNS-SD config must contain at least one SRV record name")
        if self.type is not DnsType.SRV and not self.port:
            raise InvalidValueError("a port is required in DNS-SD configs for all record types except SRV")
