"""How this server stands, as Prometheus's API tells it."""

from __future__ import annotations

from flask import Response

import dashboard
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.envelope import succeeded

API_VERSION = "3.0.0"
"""The version of Prometheus whose API this is; Grafana offers what that version can."""

blueprint = api_blueprint("status_api")


@blueprint.get("/status/buildinfo")
def build_info() -> Response:
    """Tell which version of Prometheus's API this is.

    Without ``features``: Grafana would take us for Mimir.
    """
    return succeeded(
        {
            "version": API_VERSION,
            "revision": f"glass-cockpit {dashboard.__version__}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        }
    )
