"""The panels of an app's page: which there are, and what is asked for each."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from dashboard.model.labels import quote
from dashboard.web import urls
from dashboard.web.views.families import Family, Kind

REQUEST_FAMILIES = ("http_requests_total", "flask_http_request_total", "flask_http_request_duration_seconds_count")
LATENCY_FAMILIES = ("http_request_duration_seconds", "flask_http_request_duration_seconds")
# What a chart's step decides is fixed in a query that a reader takes over.
_WINDOW = "5m"
_QUANTILES = (0.5, 0.95, 0.99)
_TIMES = ("_timestamp_seconds", "_start_time_seconds")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel, without its figures."""

    id: Annotated[str, "Names the panel, and its figures."]
    title: Annotated[str, "What is drawn."]
    help: Annotated[str, "What the app says of the family, or how the figure is made."]
    unit: Annotated[str, "seconds, bytes, bytes/s, ratio, celsius, watts, per second or none."]
    query_url: Annotated[str, "The page of its first query."] = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One query of a panel; ``{window}`` in it is replaced, and ``prefix`` begins the names of its series."""

    query: str
    prefix: str = ""


class Section(enum.Enum):
    """Where on the page a panel stands."""

    MAIN = enum.auto()
    """Requests, errors and latency."""
    FURTHER = enum.auto()
    """What this app exposes beside."""
    COMMON = enum.auto()
    """What every process exposes."""


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """A panel and what is asked for it."""

    panel: Panel
    lines: tuple[Line, ...]
    section: Section = Section.MAIN
    summable: bool = False
    """Whether the series that are too many to draw can be added up."""
    most: int = 10
    """How many series of each query are drawn."""

    @property
    def linked(self) -> Panel:
        """The panel with the page of its query."""
        query = self.lines[0].query.replace("{window}", _WINDOW)
        return replace(self.panel, query_url=urls.explore({"expr": query, "tab": "graph"}))


def main_panels(job: str, families: Iterable[Family]) -> list[PanelSpec]:
    """Return the panels of requests, errors and latency, as far as the app exposes what they need."""
    metrics = {family.metric for family in families}
    own = f"job={quote(job)}"
    found: list[PanelSpec] = []
    counter = next((name for name in REQUEST_FAMILIES if name in metrics or _counted(name, metrics)), None)
    if counter:
        found += _request_panels(counter, own)
    buckets = next((name for name in LATENCY_FAMILIES if f"{name}_bucket" in metrics), None)
    if buckets:
        found.append(_latency_panel(buckets, own))
    return found


def _counted(name: str, metrics: set[str]) -> bool:
    # A histogram's count is no family of its own.
    return name.endswith("_count") and f"{name.removesuffix('_count')}_bucket" in metrics


def _request_panels(counter: str, own: str) -> list[PanelSpec]:
    rates = Line(f"sum by (status, code) (rate({counter}{{{own}}}[{{window}}]))")
    total = f"sum(rate({counter}{{{own}}}[{{window}}]))"
    failed = " or ".join(
        f'sum(rate({counter}{{{own},{label}=~"5.."}}[{{window}}])) / {total}' for label in ("status", "code")
    )
    requests = Panel("requests", "Requests", "By status, a second.", "per second")
    errors = Panel("errors", "Errors", "The share of the requests answered with 5xx.", "ratio")
    return [
        PanelSpec(requests, (rates,), summable=True),
        PanelSpec(errors, (Line(f"{failed} or {total} * 0", "errors"),)),
    ]


def _latency_panel(name: str, own: str) -> PanelSpec:
    sums = f"sum by (le) (rate({name}_bucket{{{own}}}[{{window}}]))"
    panel = Panel("latency", "Latency", "How long half, 95 % and 99 % of the requests take at most.", "seconds")
    return PanelSpec(panel, tuple(_quantile_line(quantile, sums) for quantile in _QUANTILES))


def _quantile_line(quantile: float, sums: str) -> Line:
    return Line(f"histogram_quantile({quantile}, {sums})", f"p{quantile * 100:g}")


def further_panels(job: str, families: Iterable[Family]) -> list[PanelSpec]:
    """Return a panel for each family that the main panels do not draw; info families have none."""
    drawn = {*REQUEST_FAMILIES, *LATENCY_FAMILIES}
    return [
        _family_panel(family, job)
        for family in families
        if family.kind is not Kind.INFO and family.name not in drawn and family.metric not in drawn
    ]


def _family_panel(family: Family, job: str) -> PanelSpec:
    own = f"{{{_name_matcher(family.metric)},job={quote(job)}}}"
    panel = Panel(f"family:{family.name}", family.title, family.help, unit_of(family))
    section = Section.COMMON if family.common else Section.FURTHER
    if family.kind is Kind.COUNTER:
        return PanelSpec(panel, (Line(f"rate({own}[{{window}}])"),), section, summable=True)
    if family.kind is Kind.HISTOGRAM:
        sums = f"sum without (instance) (rate({own}[{{window}}]))"
        return PanelSpec(panel, tuple(_quantile_line(quantile, sums) for quantile in _QUANTILES[:2]), section, most=5)
    if tells_time(family):
        # A time that is not known yet is zero by convention, and has no age.
        return PanelSpec(replace(panel, title=f"{panel.title}, as age"), (Line(f"time() - ({own} > 0)"),), section)
    return PanelSpec(panel, (Line(own),), section)


def tells_time(family: Family) -> bool:
    """Say whether a family's values are times since 1970, of which people want to know how long ago they were."""
    return family.kind is Kind.GAUGE and family.metric.endswith(_TIMES)


def _name_matcher(name: str) -> str:
    # Metric names may hold any character since Prometheus 3; a matcher takes them all.
    return f"__name__={quote(name)}"


def unit_of(family: Family) -> str:
    """Return the unit of what is drawn, from the family's unit or the end of its name."""
    name = family.metric.removesuffix("_bucket").removesuffix("_total")
    unit = family.unit or name.rsplit("_", 1)[-1]
    if family.kind is Kind.COUNTER:
        return "bytes/s" if unit == "bytes" else "per second"
    return {"seconds": "seconds", "bytes": "bytes", "ratio": "ratio"}.get(unit, "none")


def panels_of(job: str, families: Sequence[Family]) -> list[PanelSpec]:
    """Return every panel of an app, in the order of the page."""
    return [*main_panels(job, families), *sorted(further_panels(job, families), key=lambda spec: spec.section.value)]


def panel_rows(specs: Sequence[PanelSpec], section: Section) -> tuple[Panel, ...]:
    """Return the panels of one section, without what is asked for them."""
    return tuple(spec.linked for spec in specs if spec.section is section)
