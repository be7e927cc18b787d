"""Answers what dashboards ask all the time without Flask, whose detours take longer than a small query.

Flask knows the same routes. What is out of the ordinary goes its way: another method, a form in parts, a server that
is not ready, and whatever fails, so that an error is told in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from flask import request

from dashboard.web.api_blueprint import BOTH
from dashboard.web.asked import Asked
from dashboard.web.parameters import Parameters
from dashboard.web.parts import Parts
from dashboard.web.query_places import QueryPlaces
from dashboard.web.spooling import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

View: TypeAlias = Callable[[Asked], Answer]

_KEY = "glass_cockpit.error"


class Direct:
    """A WSGI application that answers the routes of ``views`` by itself, and all else by ``application``."""

    def __init__(
        self, application: WSGIApplication, views: Mapping[str, View], parts: Parts, places: QueryPlaces
    ) -> None:
        self._application = application
        self._views = views
        self._parts = parts
        self._places = places

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        view = self._views.get(environ["PATH_INFO"])
        if view is None or environ["REQUEST_METHOD"] not in BOTH or not self._parts.ready():
            return self._application(environ, start_response)
        return self._answer(view, environ)(environ, start_response)

    def _answer(self, view: View, environ: WSGIEnvironment) -> WSGIApplication:
        try:
            parameters = Parameters.plain(environ)
            if parameters is None:
                return self._application
            return view(Asked(environ, parameters, self._parts, self._places))
        except Exception as error:  # noqa: BLE001 - Flask finds the answer to it, and logs what is unexpected.
            environ[_KEY] = error
            return self._application


def raise_again() -> None:
    """Raise what has failed before Flask was asked."""
    error: Exception | None = request.environ.pop(_KEY, None)
    if error is not None:
        raise error
