"""The page of one app, which is one scrape job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.rules.alert import Alert
from dashboard.scrape.status import TargetStatus
from dashboard.web.views.cards import Card
from dashboard.web.views.incidents import Incident
from dashboard.web.views.overview import concerns
from dashboard.web.views.panels import Panel
from dashboard.web.views.problems import Problem, alert_key, problems_of
from dashboard.web.views.targets import Label
from dashboard.web.views.told import told

_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class InfoRow:
    """One series of an info family, which says something by its labels."""

    id: str = told("Names the row among its sisters.")
    labels: tuple[Label, ...] = told("The labels.")


@dataclass(frozen=True, slots=True)
class Info:
    """One info family."""

    id: str = told("The family's name.")
    help: str = told("What the app says of the family.")
    rows: tuple[InfoRow, ...] = told("Its series.")


@dataclass(frozen=True, slots=True)
class AppView:
    """What the page of an app shows and polls, but for the charts' figures."""

    at: int = told("When this was worked out, in milliseconds since 1970.")
    firing: int = told("How many alerts fire, of all apps.")
    card: Card = told("The same as on the overview.")
    problems: tuple[Problem, ...] = told("What is wrong with this app.")
    notice: str = told("Why figures are missing, or nothing.")
    incidents: tuple[Incident, ...] = told("The incidents that can be provoked; empty outside the demo.")
    incident_note: str = told("Why incidents cannot be provoked now, or nothing.")
    main: tuple[Panel, ...] = told("The panels of requests, errors and latency.")
    further: tuple[Panel, ...] = told("A panel for each further family.")
    infos: tuple[Info, ...] = told("Families that say something by their labels.")
    common: tuple[Panel, ...] = told("Panels of families that every process exposes.")


def app_problems(job: str, alerts: Iterable[Alert], targets: Sequence[TargetStatus], now: int) -> tuple[Problem, ...]:
    """Return what is wrong with one app; ``targets`` are its own."""
    return tuple(problems_of([alert for alert in alerts if concerns(alert, job)], targets, now))


def make_info(name: str, help_text: str, series: Iterable[Labels]) -> Info:
    """Return an info family as a table; what each app's series carry anyway is left out."""
    rows = []
    for labels in series:
        said = labels.drop((METRIC_NAME, "job", "instance", "app"))
        rows.append(InfoRow(alert_key(labels), tuple(Label(label, value) for label, value in said)))
    return Info(name, help_text, tuple(rows[:_MOST_ROWS]))
