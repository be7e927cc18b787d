"""How many queries may be asked for at once: some handler threads stay free for pages, whatever queries do."""

from __future__ import annotations

import threading

from flask import current_app

from dashboard.web.envelope import ApiError, ErrorType
from dashboard.web.server import THREADS

QUERY_PLACES = THREADS - 8
"""The queries that run or wait. The engine decides which of them run; eight threads answer all else."""

_KEY = "glass-cockpit-query-places"


class QueryPlaces:
    """The places for queries, of which each takes one with a ``with``.

    Raises:
        ApiError: so many queries wait already that another one could only wait longer.
    """

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(QUERY_PLACES)

    def __enter__(self) -> None:
        if not self._free.acquire(blocking=False):
            raise ApiError(ErrorType.TIMEOUT, f"{QUERY_PLACES} queries run or wait already; ask again later")

    def __exit__(self, *error: object) -> None:
        self._free.release()


def query_places() -> QueryPlaces:
    """Return the places of the running application."""
    found: QueryPlaces = current_app.extensions[_KEY]
    return found


def keep_query_places(extensions: dict[str, object], places: QueryPlaces) -> None:
    """Remember the places where :func:`query_places` finds them."""
    extensions[_KEY] = places
