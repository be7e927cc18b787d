"""The card of an app on the overview, and what makes one app worse than another."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.duration import format_duration
from dashboard.model.labels import METRIC_NAME
from dashboard.web import urls
from dashboard.web.views import svg, text
from dashboard.web.views.availability import availability_query
from dashboard.web.views.beats import BEATS, Beat, beats_text
from dashboard.web.views.figures import Figures
from dashboard.web.views.queries import selector

_ERRORS_WARN = 0.01
_ERRORS_BAD = 0.05


class Level(enum.Enum):
    """How much a thing asks for attention; style sheets know these words."""

    BAD = "bad"
    WARN = "warn"
    UNKNOWN = "unknown"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class AppState:
    """What is known of an app, before it is put into words."""

    job: str
    up: int
    down: int
    unknown: int
    firing: int
    pending: int
    figures: Figures
    availability: float | None
    beats: str
    instances: tuple[str, ...] = ()
    interval: int = 0
    """The longest scrape interval of its targets, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Card:
    """One app on the overview."""

    id: Annotated[str, "The job, which names the card among its sisters."]
    url: Annotated[str, "The page of this app."]
    level: Annotated[str, "How much the app asks for attention: bad, warn, unknown or ok."]
    state: Annotated[str, "up, 2 of 3 up, down, or waiting for its first scrape."]
    version: Annotated[str, "The version that the app tells, or nothing."]
    alerts: Annotated[str, "How many alerts of this app fire or are pending, in words, or nothing."]
    alert_level: Annotated[str, "bad where alerts fire, warn where they are only pending."]
    rate: Annotated[str, "Requests a second."]
    rate_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    rate_unit: Annotated[str, "/s beside a rate, or nothing beside a dash."]
    errors: Annotated[str, "The share of requests that failed with 5xx."]
    errors_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    error_level: Annotated[str, "bad from 5 % on, warn from 1 % on, else ok."]
    p50: Annotated[str, "The median latency."]
    p50_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    p95: Annotated[str, "The latency that 95 % of the requests stay under."]
    p95_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    availability: Annotated[str, "The share of the last 24 hours in which the targets answered."]
    availability_url: Annotated[str, "The page of its query, or nothing beside a dash."]
    beats: Annotated[str, "The last 50 scrapes, oldest first, a letter each: u up, p part, d down, n none."]
    beats_url: Annotated[str, "The page that shows the same as a graph."]
    beats_text: Annotated[str, "The beats in words, and what gaps mean."]
    beats_up: Annotated[str, "The path of the beats at which every target answered."]
    beats_part: Annotated[str, "The path of the beats at which some targets answered."]
    beats_down: Annotated[str, "The path of the beats at which no target answered."]
    beats_none: Annotated[str, "The path of the beats at which nothing was scraped."]
    line: Annotated[str, "The path of the sparkline: requests a second in the last 15 minutes."]
    area: Annotated[str, "The path of the area beneath the sparkline."]
    line_text: Annotated[str, "The sparkline in words."]
    search: Annotated[str, "Lower-case text that the filter looks through."]


def worst_first(app: AppState) -> tuple[int, str]:
    """Return a sort key that stays the same while an app's figures merely move."""
    ranks = (
        app.down > 0 and app.up == 0,
        app.firing > 0,
        app.down > 0,
        (app.figures.errors or 0.0) >= _ERRORS_BAD,
        app.pending > 0,
        app.up == 0,
    )
    return next((rank for rank, wrong in enumerate(ranks) if wrong), len(ranks)), app.job


def make_card(app: AppState) -> Card:
    """Put what is known of an app into words."""
    figures = app.figures
    peak = svg.highest(figures.spark)
    state = state_text(app)
    return Card(
        id=app.job,
        url=urls.app(app.job),
        level=level_of(app).value,
        state=state,
        version=figures.version,
        alerts=alerts_text(app.firing, app.pending),
        alert_level=(Level.BAD if app.firing else Level.WARN if app.pending else Level.OK).value,
        rate=text.number(figures.requests),
        rate_url=_query_url(figures, "requests"),
        rate_unit="" if figures.requests is None else "/s",
        errors=text.percent(figures.errors),
        errors_url=_query_url(figures, "errors"),
        error_level=_error_level(figures.errors).value,
        p50=text.seconds(figures.p50),
        p50_url=_query_url(figures, "p50"),
        p95=text.seconds(figures.p95),
        p95_url=_query_url(figures, "p95"),
        availability=text.percent(app.availability),
        availability_url=_availability_url(app),
        beats_url=_beats_url(app),
        **beat_fields(app.beats),
        line=svg.line_path(figures.spark, top=peak * 1.1),
        area=svg.area_path(figures.spark, top=peak * 1.1),
        line_text=_line_text(peak),
        search=" ".join((app.job, state, figures.version, *app.instances)).lower(),
    )


def _query_url(figures: Figures, name: str) -> str:
    return urls.query(figures.queries[name]) if name in figures.queries else ""


def _availability_url(app: AppState) -> str:
    if app.availability is None or not app.interval:
        return ""
    return urls.query(availability_query(app.job, app.interval, app.up + app.down + app.unknown))


def _beats_url(app: AppState) -> str:
    ups = selector([(METRIC_NAME, "up"), ("job", app.job)])
    return urls.explore({"expr": ups, "tab": "graph", "range": format_duration(BEATS * app.interval)})


def beat_fields(beats: str) -> dict[str, str]:
    """Return the fields of a record that draw an app's beats. A bad beat is taller as well as of another colour."""
    full = beats.rjust(BEATS, Beat.NONE.value)
    return {
        "beats": full,
        "beats_text": f"{beats_text(beats)}; a gap means no scrape",
        "beats_up": svg.beat_path(full, Beat.UP.value, top=4, height=10),
        "beats_part": svg.beat_path(full, Beat.PART.value, top=2, height=12),
        "beats_down": svg.beat_path(full, Beat.DOWN.value, top=0, height=14),
        "beats_none": svg.beat_path(full, Beat.NONE.value, top=12, height=2),
    }


def level_of(app: AppState) -> Level:
    """Say how much an app asks for attention."""
    if app.firing or app.down:
        return Level.BAD
    if app.pending or (app.figures.errors or 0.0) >= _ERRORS_BAD:
        return Level.WARN
    return Level.OK if app.up else Level.UNKNOWN


def state_text(app: AppState) -> str:
    """Say whether an app is up."""
    known = app.up + app.down
    if not known:
        return "waiting"
    if known == 1 or not app.up or not app.down:
        return "up" if app.up else "down"
    return f"{app.up} of {known} up"


def alerts_text(firing: int, pending: int) -> str:
    """Say how many alerts there are, or nothing."""
    parts: Sequence[str] = [
        f"{amount} {state}" for amount, state in ((firing, "firing"), (pending, "pending")) if amount
    ]
    return ", ".join(parts)


def _line_text(peak: float) -> str:
    if not peak:
        return "no requests in the last 15 minutes"
    return f"requests in the last 15 minutes, at most {text.number(peak)} a second"


def _error_level(errors: float | None) -> Level:
    if errors is None or errors < _ERRORS_WARN:
        return Level.OK
    return Level.BAD if errors >= _ERRORS_BAD else Level.WARN
