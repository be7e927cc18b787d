"""What each template is given: one record a page, with its frame beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from dashboard.web.views.alerts import AlertsView
from dashboard.web.views.app import AppView
from dashboard.web.views.cards import Card
from dashboard.web.views.charts import Chart
from dashboard.web.views.explore import Answer, Question
from dashboard.web.views.gpu import GpuView
from dashboard.web.views.overview import Overview
from dashboard.web.views.status import StatusView
from dashboard.web.views.target import TargetView
from dashboard.web.views.targets import TargetsView


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """The page ``/``."""

    live: Annotated[Overview, "What the page also polls."]
    filter_text: Annotated[str, "What the reader looks for."]
    shown_cards: Annotated[tuple[Card, ...], "The cards that fit the filter."]


@dataclass(frozen=True, slots=True)
class RangeChoice:
    """One choice of how far back the charts look."""

    label: Annotated[str, "The name of the choice."]
    url: Annotated[str, "The page with this choice."]
    chosen: Annotated[bool, "Whether it is the present one."]


@dataclass(frozen=True, slots=True)
class AppPage:
    """The page ``/apps/<app>``."""

    live: Annotated[AppView, "What the page also polls."]
    charts: Annotated[Mapping[str, Chart], "The figures of the first panels, drawn as they are served."]
    ranges: Annotated[tuple[RangeChoice, ...], "How far back the charts may look."]
    default_range: Annotated[str, "How far back they look where the address does not say."]
    incident_url: Annotated[str, "Where an incident is ordered."]
    simulated: Annotated[bool, "Whether a simulator plays the app."]


@dataclass(frozen=True, slots=True)
class GpuPage:
    """The page ``/gpu``."""

    live: Annotated[GpuView, "What the page also polls."]
    charts: Annotated[Mapping[str, Chart], "The figures of the panels, drawn as they are served."]
    ranges: Annotated[tuple[RangeChoice, ...], "How far back the charts may look."]
    default_range: Annotated[str, "How far back they look where the address does not say."]


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """The page ``/alerts``."""

    live: Annotated[AlertsView, "What the page also polls."]
    filter_text: Annotated[str, "What the reader looks for."]


@dataclass(frozen=True, slots=True)
class StateChoice:
    """One choice of which targets are shown."""

    field: Annotated[str, "The field of the view that says how many there are."]
    level: Annotated[str, "The level that such targets have."]
    name: Annotated[str, "What such targets are called."]
    url: Annotated[str, "The page that shows them alone, or all again."]
    chosen: Annotated[bool, "Whether they are shown alone now."]


@dataclass(frozen=True, slots=True)
class TargetsPage:
    """The page ``/targets``."""

    live: Annotated[TargetsView, "What the page also polls."]
    filter_text: Annotated[str, "What the reader looks for."]
    state: Annotated[str, "Which targets are shown, as the address says it; nothing for all."]
    choices: Annotated[tuple[StateChoice, ...], "Which others may be."]
    unfolded: Annotated[bool, "Whether all pools are unfolded: few targets are there, or the reader looks for some."]


@dataclass(frozen=True, slots=True)
class TargetPage:
    """The page ``/targets/<target>``."""

    live: Annotated[TargetView, "What the page also polls."]


@dataclass(frozen=True, slots=True)
class StatusPage:
    """The page ``/status``."""

    live: Annotated[StatusView, "What the page also polls."]


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a list."""

    label: Annotated[str, "Its name, as it stands in addresses."]
    chosen: Annotated[bool, "Whether it is the present one."]


@dataclass(frozen=True, slots=True)
class ExplorePage:
    """The page ``/explore``."""

    live: Annotated[Answer, "What the page also polls."]
    question: Annotated[Question, "What the address asks for."]
    ranges: Annotated[tuple[Choice, ...], "How far back the graph may reach."]
    refreshes: Annotated[tuple[Choice, ...], "How often the query may be asked anew."]
    table_url: Annotated[str, "The same query as a table."]
    graph_url: Annotated[str, "The same query as a graph."]


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A page that says why there is no other."""

    code: Annotated[int, "The HTTP status."]
    headline: Annotated[str, "What happened, in a few words."]
    detail: Annotated[str, "What happened, in a sentence."]


def fits(search: str, filter_text: str) -> bool:
    """Say whether a text has every word of a filter, as ``lib/filter.ts`` does."""
    return all(word in search for word in filter_text.lower().split())
