"""Which targets are pages of this server itself."""

from __future__ import annotations

from urllib.parse import urlsplit

from dashboard.settings import LOCAL_ADDRESSES


def is_local(url: str) -> bool:
    """Say whether a target's address means this server."""
    return urlsplit(url).netloc in LOCAL_ADDRESSES


def own_path(url: str) -> str:
    """Return the path of a page of this server."""
    return urlsplit(url).path
