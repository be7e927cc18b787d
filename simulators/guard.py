"""Which requests are let in: a page elsewhere in the same browser is hostile, and so is a name that resolves to us."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

# A host with an optional port; an IPv6 address is in brackets.
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?", re.ASCII)

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def host_name(host: str) -> str | None:
    """Return the host part of a ``Host`` header in lower case, brackets kept; None when it is not well formed."""
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else None


def host_allowed(host: str) -> bool:
    """Whether a ``Host`` header names us: ``localhost`` or any IP literal. The port is not compared."""
    name = host_name(host)
    return name is not None and (name == "localhost" or _is_address(name.strip("[]")))


def origin_allowed(origin: str | None, fetch_site: str | None, host: str) -> bool:
    """Whether a change may come from there: from a tool (no ``Origin``), the same host, or a page on loopback."""
    if origin is None:
        return fetch_site in {None, "same-origin", "none"}
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    name = host_name(parts.netloc) if parts.scheme in {"http", "https"} else None
    return name is not None and (name in _LOOPBACK_HOSTS or name == host_name(host))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
