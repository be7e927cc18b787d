"""``/api/v1/openapi.yaml``."""

from __future__ import annotations

import yaml
from flask import Blueprint, Response, current_app

from dashboard.web.compression import compressed
from dashboard.web.openapi.document import describe

_KEY = "glass-cockpit-openapi"

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/api/v1/openapi.yaml")
def openapi() -> Response:
    """Describe the whole API in OpenAPI 3.1."""
    extensions = current_app.extensions
    if _KEY not in extensions:
        extensions[_KEY] = yaml.dump(describe(current_app), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return compressed(Response(extensions[_KEY], mimetype="application/yaml"))


class _Dumper(yaml.SafeDumper):
    """Writes a schema that is used at several places at each of them."""

    def ignore_aliases(self, _: object) -> bool:
        return True
