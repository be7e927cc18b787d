"""``/-/reload``: the files are read anew, as Prometheus does when its lifecycle routes are enabled (web/web.go)."""

from __future__ import annotations

from flask import Blueprint, Response

from dashboard.web.parts import parts

blueprint = Blueprint("lifecycle", __name__)


@blueprint.route("/-/reload", methods=["POST", "PUT"])
def reload() -> Response:
    """Read all files, and say what is wrong with them where they cannot come into force."""
    status = parts().reloader.reload()
    if status.successful:
        return Response(mimetype="text/plain")
    return Response(f"failed to reload config: {status.error}\n", 500, mimetype="text/plain")
