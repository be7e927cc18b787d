"""Prometheus's HTTP API, ``/api/v1/*`` and ``/federate``: one module an area, each with its blueprint."""

from __future__ import annotations

from dashboard.web import admin_api, federation, query_api, remote_read, rules_api, series_api, status_api, targets_api

BLUEPRINTS = (
    *(
        area.blueprint
        for area in (
            query_api,
            series_api,
            targets_api,
            rules_api,
            status_api,
            federation,
            remote_read,
            admin_api,
        )
    ),
    status_api.before_ready,
)
