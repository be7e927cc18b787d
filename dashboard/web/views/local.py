"""Which targets are pages of this server itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from dashboard.settings import DEFAULT_PORT

# A target at one of these addresses is this server, whichever port it listens on; see cockpit.py.
_ADDRESSES = (f"localhost:{DEFAULT_PORT}", f"127.0.0.1:{DEFAULT_PORT}")


def is_local(url: str) -> bool:
    """Say whether a target's address means this server."""
    return urlsplit(url).netloc in _ADDRESSES


def own_path(url: str) -> str:
    """Return the path of a page of this server."""
    return urlsplit(url).path
