"""Who asks, and for which host: the rules behind :mod:`dashboard.web.guard`.

A page elsewhere in the same browser is hostile. It can reach us under a name of its own that points to this machine
(DNS rebinding), so the name asked for must be one of ours; and it can send forms here, so whoever changes something
must come from a page of ours, or be no browser.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_name(host: str) -> str | None:
    """Return the name of a ``Host`` header in lower case, without port, brackets and final dot.

    ``None`` stands for a header that is no host at all.
    """
    if host.startswith("["):
        inner, closed, port = host[1:].partition("]")
        if not closed or not _is_port(port) or not _is_ip(inner):
            return None
        return inner.lower()
    name, colon, port = host.partition(":")
    if not name or not _is_port(colon + port):
        return None
    return name.lower().removesuffix(".")


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Say whether a ``Host`` header names this server: ``localhost``, an IP address, or one of ``allowed``.

    The port is not compared, so that forwarded ports work. An address cannot be rebound, as it is not looked up.
    """
    name = host_name(host)
    if name is None:
        return False
    return name == "localhost" or _is_ip(name) or name in {entry.lower() for entry in allowed}


def is_same_origin(scheme: str, host: str, origin: str | None, fetch_site: str | None) -> bool:
    """Say whether a change may come from there: from a page of this very origin, or from no browser at all."""
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    return _place(origin) == _place(f"{scheme}://{host}") is not None


def _place(origin: str) -> tuple[str, str, int] | None:
    try:
        parsed = urlsplit(origin)
        port = parsed.port
    except ValueError:
        return None
    name = host_name(parsed.netloc)
    if name is None or parsed.scheme not in _DEFAULT_PORTS or parsed.path or parsed.query or parsed.fragment:
        return None
    return parsed.scheme, name, port or _DEFAULT_PORTS[parsed.scheme]


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isascii() and (text[1:].isdigit() or text == ":"))
