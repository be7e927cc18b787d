"""The pages that scrapers read: ``/metrics`` about this process, ``/host/metrics`` about this machine."""

from __future__ import annotations

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder

from dashboard.scrape import host_page
from dashboard.web.compression import compressed
from dashboard.web.parts import parts

blueprint = Blueprint("metrics", __name__)
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def metrics_page(registry: CollectorRegistry) -> bytes:
    """Return what ``/metrics`` shows, in the text format."""
    return generate_latest(registry)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Show our own metrics, as text or OpenMetrics, whichever ``Accept`` asks for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    answer = compressed(Response(encode(parts().registry), content_type=content_type))
    answer.vary.add("Accept")
    return answer


@blueprint.get("/host/metrics")
def host_metrics() -> Response:
    """Show the machine's own figures."""
    return compressed(Response(host_page(), content_type=_TEXT))
