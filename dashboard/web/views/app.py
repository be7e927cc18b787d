"""The page of one app, which is one scrape job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.rules.alert import Alert
from dashboard.scrape.status import TargetStatus
from dashboard.web import urls
from dashboard.web.views.cards import Card
from dashboard.web.views.incidents import Incident
from dashboard.web.views.overview import concerns
from dashboard.web.views.panels import Panel
from dashboard.web.views.problems import Problem, alert_key, problems_of
from dashboard.web.views.targets import Label

_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class InfoRow:
    """One series of an info family, which says something by its labels."""

    id: Annotated[str, "Names the row among its sisters."]
    labels: Annotated[tuple[Label, ...], "The labels."]


@dataclass(frozen=True, slots=True)
class Info:
    """One info family."""

    id: Annotated[str, "The family's name."]
    query_url: Annotated[str, "The page of its query."]
    help: Annotated[str, "What the app says of the family."]
    rows: Annotated[tuple[InfoRow, ...], "Its series."]


@dataclass(frozen=True, slots=True)
class AppView:
    """What the page of an app shows and polls, but for the charts' figures."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire, of all apps."]
    card: Annotated[Card, "The same as on the overview."]
    problems: Annotated[tuple[Problem, ...], "What is wrong with this app."]
    notice: Annotated[str, "Why figures are missing, or nothing."]
    incidents: Annotated[tuple[Incident, ...], "The incidents that can be provoked; empty outside the demo."]
    incident_note: Annotated[str, "Why incidents cannot be provoked now, or nothing."]
    no_figures: Annotated[str, "That there is no panel yet, or nothing."]
    main: Annotated[tuple[Panel, ...], "The panels of requests, errors and latency."]
    further: Annotated[tuple[Panel, ...], "A panel for each further family."]
    infos: Annotated[tuple[Info, ...], "Families that say something by their labels."]
    common: Annotated[tuple[Panel, ...], "Panels of families that every process exposes."]


def app_problems(job: str, alerts: Iterable[Alert], targets: Sequence[TargetStatus], now: int) -> tuple[Problem, ...]:
    """Return what is wrong with one app; ``targets`` are its own."""
    return tuple(problems_of([alert for alert in alerts if concerns(alert, job)], targets, now))


def make_info(name: str, query: str, help_text: str, series: Iterable[Labels]) -> Info:
    """Return an info family as a table; what each app's series carry anyway is left out."""
    rows = []
    for labels in series:
        said = labels.drop((METRIC_NAME, "job", "instance", "app"))
        rows.append(InfoRow(alert_key(labels), tuple(Label(label, value) for label, value in said)))
    return Info(name, urls.query(query), help_text, tuple(rows[:_MOST_ROWS]))
