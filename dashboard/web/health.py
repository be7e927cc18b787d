"""What load balancers and supervisors ask: ``/-/healthy``, ``/-/ready``, ``/health`` and ``/ready``."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

import psutil
from flask import Blueprint, Response

import dashboard
from dashboard.scrape import gpu_names
from dashboard.web.envelope import json_answer
from dashboard.web.parts import Parts, parts

SERVICE = "glass-cockpit"

blueprint = Blueprint("health", __name__)
log = logging.getLogger(__name__)
_STARTED = psutil.Process().create_time()
_MOST_DAMAGED = 20
"""How many damaged places are named."""
_CAPABILITIES = ("scrape", "promql", "rules", "host_metrics")

Answer = TypeVar("Answer")


@blueprint.get("/-/healthy")
def healthy() -> Response:
    """Say that the process answers."""
    return Response("Glass Cockpit is Healthy.\n", mimetype="text/plain")


@blueprint.get("/-/ready")
def prometheus_ready() -> Response:
    """Say whether queries are served, with the words and the header of Prometheus (web/web.go)."""
    if parts().ready():
        return Response("Glass Cockpit is Ready.\n", mimetype="text/plain")
    answer = Response("Service Unavailable\n", 503, mimetype="text/plain")
    answer.headers["X-Prometheus-Stopping"] = "false"
    return answer


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether the store is open."""
    if parts().ready():
        return json_answer({"status": "ready"})
    return json_answer({"status": "starting"}, 503)


@blueprint.get("/health")
def health() -> Response:
    """Tell how the process is; it answers 200 even when a part fails, which then makes it ``degraded``."""
    return json_answer(_report(parts()))


def _report(asked: Parts) -> dict[str, Any]:
    db_ok = _tried("database", asked.database.ping, otherwise=False)
    gpus = _tried("graphics cards", gpu_names, otherwise=None)
    storing = _tried("store", lambda: asked.ready() and asked.storage.healthy, otherwise=False)
    schema_ok = _tried("schema", lambda: asked.database.schema_status().as_expected, otherwise=False)
    damaged = _tried("damage", lambda: asked.storage.damaged, otherwise=dict[str, str]())
    config_ok = asked.reloader.status.successful
    return {
        "service": SERVICE,
        "status": "ok" if db_ok and storing and schema_ok and config_ok and gpus is not None else "degraded",
        "db_ok": db_ok,
        "storing": storing,
        "schema_ok": schema_ok,
        "config_ok": config_ok,
        "damaged": dict(itertools.islice(damaged.items(), _MOST_DAMAGED)),
        "capabilities": [*_CAPABILITIES, *(["gpu"] if gpus else [])],
        "gpu": {"available": bool(gpus), "names": gpus or []},
        "version": dashboard.__version__,
        "pid": os.getpid(),
        "uptime_seconds": max(0.0, round(asked.clock() / 1000 - _STARTED, 3)),
    }


def _tried(part: str, ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    try:
        return ask()
    except Exception:  # Whatever fails there, this page must still answer.
        log.exception("the health page cannot ask the %s", part)
        return otherwise
