"""What each template is given: one record a page, with its frame beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.web.views.alerts import AlertsView
from dashboard.web.views.app import AppView
from dashboard.web.views.cards import Card
from dashboard.web.views.charts import Chart
from dashboard.web.views.overview import Overview
from dashboard.web.views.targets import TargetsView
from dashboard.web.views.told import told


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The page ``/``."""

    live: Overview = told("What the page also polls.")
    filter_text: str = told("What the reader looks for.")
    shown_cards: tuple[Card, ...] = told("The cards that fit the filter.")


@dataclass(frozen=True, slots=True)
class RangeChoice:
    """One choice of how far back the charts look."""

    label: str = told("The name of the choice.")
    url: str = told("The page with this choice.")
    chosen: bool = told("Whether it is the present one.")


@dataclass(frozen=True, slots=True)
class AppPage:
    """The page ``/apps/<app>``."""

    live: AppView = told("What the page also polls.")
    charts: Mapping[str, Chart] = told("The figures of the first panels, drawn as they are served.")
    ranges: tuple[RangeChoice, ...] = told("How far back the charts may look.")
    incident_url: str = told("Where an incident is ordered.")
    simulated: bool = told("Whether a simulator plays the app.")


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """The page ``/alerts``."""

    live: AlertsView = told("What the page also polls.")
    filter_text: str = told("What the reader looks for.")


@dataclass(frozen=True, slots=True)
class TargetsPage:
    """The page ``/targets``."""

    live: TargetsView = told("What the page also polls.")
    filter_text: str = told("What the reader looks for.")


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A page that says why there is no other."""

    code: int = told("The HTTP status.")
    headline: str = told("What happened, in a few words.")
    detail: str = told("What happened, in a sentence.")


def fits(search: str, filter_text: str) -> bool:
    """Say whether a text has every word of a filter, as ``lib/filter.ts`` does."""
    return all(word in search for word in filter_text.lower().split())
