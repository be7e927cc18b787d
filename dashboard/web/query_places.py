"""How many queries may be asked for at once: some handler threads stay free for pages, whatever queries do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from flask import current_app, request

from dashboard.web.envelope import ApiError, ErrorType
from dashboard.web.server import THREADS

QUERY_PLACES = THREADS - 8
"""The queries that run or wait. The engine decides which of them run; eight threads answer all else."""

_KEY = "glass-cockpit-query-places"


@contextmanager
def query_place() -> Iterator[ExitStack]:
    """Take a place for the query of the request; the stack is closed once its answer is made.

    Raises:
        ApiError: so many queries wait already that another one could only wait longer.
    """
    # Setting a default is atomic: all threads see one semaphore.
    places: threading.Semaphore = current_app.extensions.setdefault(_KEY, threading.BoundedSemaphore(QUERY_PLACES))
    if not places.acquire(blocking=False):
        raise ApiError(ErrorType.TIMEOUT, f"{QUERY_PLACES} queries run or wait already; ask again later")
    with ExitStack() as held:
        held.callback(places.release)
        yield held


def asker_gone() -> Callable[[], bool]:
    """Return the question whether whoever sent the request has closed the connection."""
    asked: Callable[[], bool] | None = request.environ.get("waitress.client_disconnected")
    return asked or _never


def _never() -> bool:
    return False
