"""What a query is answered from, whether Flask has looked at the request or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from dashboard.web.parameters import Parameters, parameters
from dashboard.web.parts import Parts, parts
from dashboard.web.query_places import QueryPlaces, query_places

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its parameters, and what the server has to answer it."""

    environ: WSGIEnvironment
    parameters: Parameters
    parts: Parts
    places: QueryPlaces

    @property
    def gone(self) -> Callable[[], bool]:
        """The question whether whoever sent the request has closed the connection."""
        found: Callable[[], bool] = self.environ.get("waitress.client_disconnected", _never)
        return found


def asked() -> Asked:
    """Return what Flask answers now."""
    return Asked(request.environ, parameters(), parts(), query_places())


def _never() -> bool:
    return False
