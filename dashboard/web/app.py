"""Makes the Flask application: one blueprint an area, behind one guard.

Handlers are functions of module-level blueprints and ask :func:`dashboard.web.parts.parts` for what they need.
"""

from __future__ import annotations

from flask import Flask

from dashboard.web import cockpit_api, explore, health, lifecycle, metrics, openapi, pages, prometheus_api, query_api
from dashboard.web.direct import Direct
from dashboard.web.failures import answer_failures
from dashboard.web.guard import MAX_BODY_BYTES, Guard
from dashboard.web.parts import Parts, keep_parts
from dashboard.web.query_places import QueryPlaces, keep_query_places

_AREAS = (health, lifecycle, metrics, cockpit_api, pages, explore, openapi)


def create_app(parts: Parts) -> Flask:
    """Make the application that answers for ``parts``."""
    app = Flask("dashboard.web", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    places = QueryPlaces()
    keep_parts(app.extensions, parts)
    keep_query_places(app.extensions, places)
    answer_failures(app)
    for blueprint in (*prometheus_api.BLUEPRINTS, *(area.blueprint for area in _AREAS)):
        app.register_blueprint(blueprint)
    direct = Direct(app.wsgi_app, query_api.DIRECT, parts, places)
    app.wsgi_app = Guard(direct, parts.settings.allowed_hosts)  # type: ignore[method-assign]
    return app
