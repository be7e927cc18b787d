"""Our own JSON: what the pages poll, and the few things that they can ask for."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from flask import Blueprint, Response, request

from dashboard.scrape import UnknownTargetError
from dashboard.web import urls
from dashboard.web.envelope import json_answer
from dashboard.web.pages import views
from dashboard.web.parts import parts
from dashboard.web.views.charts import Chart, Span
from dashboard.web.views.incidents import IncidentError
from dashboard.web.views.targets import StateFilter
from dashboard.web.views.views import MOST_CHARTS

blueprint = Blueprint("cockpit_api", __name__)


@blueprint.before_request
def refuse_until_ready() -> Response | None:
    """Answer nothing before the store is open."""
    return None if parts().ready() else failure(503, "the server is starting")


@blueprint.get(urls.OVERVIEW_API)
def overview() -> Response:
    """Tell what the overview shows."""
    return answer(views().overview())


@blueprint.get(urls.COUNT_API)
def count() -> Response:
    """Tell how many alerts fire and are pending, and how many targets are down."""
    return answer(views().count())


@blueprint.get("/api/cockpit/apps/<path:job>")
def app(job: str) -> Response:
    """Tell what the page of an app shows; ``charts`` names the panels whose figures are wanted."""
    live = views().app(job)
    if live is None:
        return failure(404, f'there is no app "{job}"')
    span = Span.named(request.args.get("range", ""))
    wanted = request.args.getlist("chart")[:MOST_CHARTS]
    charts = {name: without_drawings(chart) for name, chart in views().charts(job, span, wanted).items()}
    return answer({**shallow(live), "charts": charts})


@blueprint.get(urls.GPU_API)
def gpu() -> Response:
    """Tell what the page of the graphics cards shows; ``chart`` names the panels whose figures are wanted."""
    span = Span.named(request.args.get("range", ""), Span.HOUR)
    charts = views().gpu_charts(span, request.args.getlist("chart"))
    drawn = {name: without_drawings(chart) for name, chart in charts.items()}
    return answer({**shallow(views().gpu()), "charts": drawn})


@blueprint.post("/api/cockpit/incidents/<path:job>")
def incident(job: str) -> Response:
    """Provoke an incident in an app of the demo."""
    if not views().simulator(job):
        return failure(404, f'"{job}" is not simulated')
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        return failure(400, "the body must be a JSON object with kind and seconds")
    kind, seconds = asked.get("kind"), asked.get("seconds")
    if not isinstance(kind, str) or isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return failure(400, "kind must be a string and seconds a number")
    try:
        views().order(job, kind, seconds)
    except IncidentError as error:
        return failure(400 if error.refused else 502, str(error))
    return answer({"message": f"{job} has an incident of the kind “{kind}” for {seconds:g} s."})


@blueprint.get(urls.ALERTS_API)
def alerts() -> Response:
    """Tell what the page of the alerts shows."""
    return answer(views().alerts())


@blueprint.get(urls.TARGETS_API)
def targets() -> Response:
    """Tell what the page of the targets shows, of all targets or of those in one ``state``."""
    return answer(views().targets(StateFilter.named(request.args.get("state", ""))))


@blueprint.get("/api/cockpit/targets/<target_id>")
def target(target_id: str) -> Response:
    """Tell what the page of one target shows."""
    live = views().target(target_id)
    return failure(404, "there is no such target any more") if live is None else answer(live)


@blueprint.get(urls.STATUS_API)
def status() -> Response:
    """Tell what the page of the store shows."""
    return answer(views().status())


@blueprint.post(urls.EXPORTERS_API)
def exporters() -> Response:
    """Look for exporters on this machine that nobody scrapes, by connecting to their well-known ports."""
    return answer(views().look_for_exporters())


@blueprint.post("/api/cockpit/targets/<target_id>/scrape")
def scrape(target_id: str) -> Response:
    """Scrape a target at once."""
    try:
        status = views().scrape_now(target_id)
    except UnknownTargetError as error:
        return failure(404, str(error))
    outcome = f"failed: {status.last_error}" if status.last_error else f"gave {status.samples:,} samples"
    return answer({"message": f"The scrape of {status.url} {outcome}.", "health": status.health.value})


def failure(code: int, reason: str) -> Response:
    """Say why there is no answer."""
    return answer({"detail": reason}, code)


def shallow(record: Any) -> dict[str, Any]:
    """Return the fields of a record by name."""
    return {item.name: getattr(record, item.name) for item in fields(record)}


def without_drawings(chart: Chart) -> dict[str, Any]:
    """Return a chart without the drawings that only a page without scripts needs."""
    series = [{name: value for name, value in shallow(line).items() if name != "path"} for line in chart.series]
    return {**shallow(chart), "series": series}


def answer(record: Any, code: int = 200) -> Response:
    """Write a record as JSON that nobody keeps."""
    made = json_answer(record, code)
    made.cache_control.no_store = True
    return made
