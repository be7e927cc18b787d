"""Where targets come from: the kinds of discovery that are served here."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.config.decoding import INLINED
from dashboard.config.http_client import HttpClientConfig
from dashboard.config.scalars import FilePath, InvalidValueError, Milliseconds
from dashboard.config.secret import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticConfig:
    """A list of targets that share labels."""

    targets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.labels:
            if not name:
                raise InvalidValueError(f'"{name}" is not a valid label name', "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSdConfig:
    """Files that list targets; ``files`` are absolute patterns."""

    files: tuple[FilePath, ...] = ()
    refresh_interval: Milliseconds = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSdConfig:
    """A URL that answers a list of targets."""

    url: Url = ""
    refresh_interval: Milliseconds = 60_000
    http: HttpClientConfig = field(default_factory=HttpClientConfig, metadata=INLINED)


class DnsType(enum.Enum):
    """The kind of DNS record that is asked for."""

    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    NS = "NS"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSdConfig:
    """DNS names whose records are targets; records other than ``SRV`` need a ``port``."""

    names: tuple[str, ...] = ()
    refresh_interval: Milliseconds = 30_000
    type: DnsType = DnsType.SRV
    port: int = 0
