"""Which targets are pages of this server itself."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from dashboard.scrape.status import TargetStatus
from dashboard.settings import LOCAL_ADDRESSES


def is_local(url: str) -> bool:
    """Say whether a target's address means this server."""
    return urlsplit(url).netloc in LOCAL_ADDRESSES


def own_path(url: str) -> str:
    """Return the path of a page of this server."""
    return urlsplit(url).path


def own_target(targets: Iterable[TargetStatus], path: str) -> TargetStatus | None:
    """Return the target that is a page of this server, or ``None`` where that is not scraped."""
    return next((target for target in targets if is_local(target.url) and own_path(target.url) == path), None)
