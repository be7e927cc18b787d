"""Prometheus's HTTP API, ``/api/v1/*`` (web/api/v1/api.go of Prometheus 3)."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("prometheus_api", __name__, url_prefix="/api/v1")
