"""What our own JSON takes and gives, by path: the records that the pages poll."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.web.openapi.operations import Operation, Parameter
from dashboard.web.openapi.schemas import TEXT, WHOLE, Schema, keyed, of_record, record
from dashboard.web.views.alerts import AlertsView
from dashboard.web.views.app import AppView
from dashboard.web.views.charts import Chart
from dashboard.web.views.explore import Answer
from dashboard.web.views.gpu import GpuView
from dashboard.web.views.offers import Offers
from dashboard.web.views.overview import Overview
from dashboard.web.views.status import StatusView
from dashboard.web.views.target import TargetView
from dashboard.web.views.targets import TargetsView

_RANGE = Parameter("range", "How far back the charts look, such as 1h.")
_CHARTS = Parameter("chart", "A panel whose figures are wanted.", repeated=True)
_DRAWING = "path"


def _without(schema: Schema, name: str) -> Schema:
    """Return the schema of a record without one of its properties."""
    properties = {key: value for key, value in schema["properties"].items() if key != name}
    return record(properties)


def _with_charts(kind: type) -> Schema:
    """Return the schema of a record with the figures of its charts, which come without drawings."""
    chart = of_record(Chart)
    series = _without(chart["properties"]["series"]["items"], _DRAWING)
    plain = record({**chart["properties"], "series": {"type": "array", "items": series}})
    whole = of_record(kind)["properties"]
    return record({**whole, "charts": keyed(plain)})


OPERATIONS: Mapping[str, Operation] = {
    "/api/cockpit/overview": Operation(answer=of_record(Overview)),
    "/api/cockpit/count": Operation(answer=record(dict.fromkeys(("firing", "pending", "down"), WHOLE))),
    "/api/cockpit/apps/{job}": Operation((_RANGE, _CHARTS), _with_charts(AppView)),
    "/api/cockpit/gpu": Operation((_RANGE, _CHARTS), _with_charts(GpuView)),
    "/api/cockpit/alerts": Operation(answer=of_record(AlertsView)),
    "/api/cockpit/targets": Operation(
        (Parameter("state", "Which targets are wanted; all if not given."),), of_record(TargetsView)
    ),
    "/api/cockpit/targets/{target_id}": Operation(answer=of_record(TargetView)),
    "/api/cockpit/targets/{target_id}/scrape": Operation(answer=record({"message": TEXT, "health": TEXT})),
    "/api/cockpit/incidents/{job}": Operation(answer=record({"message": TEXT}), body="application/json"),
    "/api/cockpit/status": Operation(answer=of_record(StatusView)),
    "/api/cockpit/exporters": Operation(answer=of_record(Offers)),
    "/api/cockpit/explore": Operation(
        (
            Parameter("expr", "A PromQL expression."),
            Parameter("tab", "Whether a graph or a table is wanted; a table if not given."),
            _RANGE,
            Parameter("end", "When the graph ends or the table is asked for; now if not given."),
        ),
        _with_charts(Answer),
    ),
}


def error_answer() -> dict[str, Any]:
    """Return how a route tells that it failed."""
    schema = record({"detail": TEXT})
    return {"description": "Why there is no answer.", "content": {"application/json": {"schema": schema}}}
