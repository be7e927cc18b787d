"""Asks the parts for what the pages show. Everybody who asks within two seconds gets the same answer."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

import dashboard
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.promql import Engine, PromqlError, Vector
from dashboard.rules.alert import AlertState
from dashboard.scrape import UnknownPoolError
from dashboard.scrape.exporters import find_exporters
from dashboard.scrape.status import TargetHealth, TargetStatus
from dashboard.storage.cardinality import Cardinality
from dashboard.web.assets import Assets, load_assets
from dashboard.web.cached import Cached
from dashboard.web.parts import Parts
from dashboard.web.views import text
from dashboard.web.views.alerts import MOST_CHANGES, AlertsView, make_alerts
from dashboard.web.views.app import AppView, Info, app_problems, make_info
from dashboard.web.views.availability import ask_availability
from dashboard.web.views.beats import beats_by_job
from dashboard.web.views.cards import make_card
from dashboard.web.views.charts import Chart, Span, empty_chart, make_chart
from dashboard.web.views.families import Family, Kind, families_of
from dashboard.web.views.figures import ask_figures
from dashboard.web.views.frame import Frame, asset_fields
from dashboard.web.views.gpu import GpuCard, GpuView, ask_cards, gpu_panels
from dashboard.web.views.host import Gauge, ask_host
from dashboard.web.views.incidents import Incident, IncidentError, ask_incidents, order_incident, simulator_address
from dashboard.web.views.local import own_target
from dashboard.web.views.offers import Offers, make_offers, scraped_ports
from dashboard.web.views.overview import (
    Asked,
    Overview,
    app_state,
    app_targets,
    count_alerts,
    count_health,
    make_overview,
)
from dashboard.web.views.panels import PanelSpec, Section, panel_rows, panels_of
from dashboard.web.views.queries import selector
from dashboard.web.views.status import MOST_LISTED, AskedStore, StatusView, make_status
from dashboard.web.views.target import TargetView, find_target, make_target
from dashboard.web.views.targets import AskedTargets, StateFilter, TargetsView, make_targets

_log = logging.getLogger(__name__)
_LIFETIME = 2.0
_QUERIES_AT_ONCE = 4
_SLOW_LIFETIME = 60.0
_FAMILY_LIFETIME = 15.0
_CARDINALITY_LIFETIME = 15.0
_FAMILY_RANGE = 86_400_000
_DEFAULT_INTERVAL = 60_000
# No job has this name, which a job may not have: its charts are those of the graphics cards.
_GPU = ""
MOST_CHARTS = 24
"""How many panels' figures are given at once."""


class Views:
    """What the pages of one running server show."""

    def __init__(self, parts: Parts, assets: Assets | None = None) -> None:
        self._parts = parts
        self.assets = assets or load_assets()
        self._started = parts.clock()
        self._overview: Cached[Overview] = Cached(_LIFETIME)
        self._availability: Cached[dict[str, float]] = Cached(_SLOW_LIFETIME)
        self._apps: Cached[AppView] = Cached(_LIFETIME)
        self._alerts: Cached[AlertsView] = Cached(_LIFETIME)
        self._gpu: Cached[GpuView] = Cached(_LIFETIME)
        self._targets: Cached[TargetsView] = Cached(_LIFETIME)
        self._status: Cached[StatusView] = Cached(_LIFETIME)
        self._cardinality: Cached[Cardinality] = Cached(_CARDINALITY_LIFETIME)
        self._family_lists: Cached[list[Family]] = Cached(_FAMILY_LIFETIME)
        # A chart takes up to 100 kB, and stays until newer ones push it out.
        self._charts: Cached[Chart] = Cached(_LIFETIME, size=5 * MOST_CHARTS)

    @cached_property
    def _engine(self) -> Engine:
        """The engine's lane for pages: whatever queries people ask, these need not wait for them."""
        return self._parts.engine.lane(_QUERIES_AT_ONCE)

    def frame(self, title: str, *, section: str = "", live_url: str = "", entry: str = "page") -> Frame:
        """Return what stands around a page."""
        now = self._parts.clock()
        # The page that says why there is no other is made before the store is open, too.
        ready = self._parts.ready()
        found: dict[str, Any] = asset_fields(self.assets, entry)
        return Frame(
            title=title,
            section=section,
            firing=self.firing() if ready else 0,
            at=now,
            version=dashboard.__version__,
            started=text.moment(self._started),
            store=text.count(self._parts.storage.stats().series, "series", "series") if ready else "",
            live_url=live_url,
            gpus=bool(self.gpu().cards) if ready else False,
            **found,
        )

    def firing(self) -> int:
        """Return how many alerts fire."""
        return count_alerts(self._parts.rules.alerts(), AlertState.FIRING)

    def count(self) -> dict[str, int]:
        """Return what a hidden tab asks for."""
        alerts = self._parts.rules.alerts()
        return {
            "firing": count_alerts(alerts, AlertState.FIRING),
            "pending": count_alerts(alerts, AlertState.PENDING),
            "down": count_health(self._parts.scrape.targets(), TargetHealth.DOWN),
        }

    def overview(self) -> Overview:
        """Return the overview."""
        return self._overview.get("overview", self._ask_overview)

    def _ask_overview(self) -> Overview:
        now = self._parts.clock()
        targets, alerts = self._parts.scrape.targets(), self._parts.rules.alerts()
        intervals = job_intervals(app_targets(targets))
        longest = max(intervals.values(), default=_DEFAULT_INTERVAL)
        engine = self._engine
        try:
            asked = Asked(
                targets,
                alerts,
                figures=ask_figures(engine, longest, now),
                availability=self._availability.get("24h", lambda: ask_availability(self._parts.storage, now)),
                beats=beats_by_job(self._parts.storage, intervals, now),
                host=_host(engine, targets, now),
            )
        except PromqlError as error:
            # A card without figures must not look like an idle app, so the page says what is missing.
            _log.warning("the overview has no figures: %s", error)
            asked = Asked(targets, alerts, notice=f"Figures are missing: {error}")
        return make_overview(asked, now)

    def app(self, job: str) -> AppView | None:
        """Return the page of an app, or ``None`` where there is no such job."""
        if not self._targets_of(job):
            return None
        return self._apps.get(job, lambda: self._ask_app(job))

    def charts(self, job: str, span: Span, panels: Collection[str]) -> dict[str, Chart]:
        """Return the figures of some panels of an app, by panel; unknown panels are left out."""
        specs = [spec for spec in self._specs(job) if spec.panel.id in panels]
        return {spec.panel.id: self._chart(job, spec, span) for spec in specs[:MOST_CHARTS]}

    def _chart(self, job: str, spec: PanelSpec, span: Span) -> Chart:
        return self._charts.get((job, span, spec.panel.id), lambda: self._ask_chart(job, spec, span))

    def _targets_of(self, job: str) -> list[TargetStatus]:
        return [target for target in self._parts.scrape.targets() if target.labels.get("job") == job]

    def _ask_app(self, job: str) -> AppView:
        now, overview = self._parts.clock(), self.overview()
        targets = self._targets_of(job)
        incidents, incident_note = self._incidents(job, targets)
        specs = self._specs(job)
        card = next((card for card in overview.cards if card.id == job), None)
        return AppView(
            at=now,
            firing=overview.firing,
            card=card or make_card(app_state(job, Asked(targets, self._parts.rules.alerts()))),
            problems=app_problems(job, self._parts.rules.alerts(), targets, now),
            notice=overview.notice,
            incidents=incidents,
            incident_note=incident_note,
            no_figures="" if specs else "This app has exposed no figures yet.",
            main=panel_rows(specs, Section.MAIN),
            further=panel_rows(specs, Section.FURTHER),
            infos=self._infos(job, now),
            common=panel_rows(specs, Section.COMMON),
        )

    def _families(self, job: str) -> list[Family]:
        return self._family_lists.get(job, lambda: self._ask_families(job))

    def _ask_families(self, job: str) -> list[Family]:
        now = self._parts.clock()
        metadata = [item for item in self._parts.scrape.metadata() if item.labels.get("job") == job]
        own = [[Matcher(MatchKind.EQUAL, "job", job)]]
        present = self._parts.storage.label_values(METRIC_NAME, own, now - _FAMILY_RANGE, now)
        return families_of(metadata, frozenset(present))

    def _specs(self, job: str) -> list[PanelSpec]:
        return panels_of(job, self._families(job))

    def _infos(self, job: str, now: int) -> tuple[Info, ...]:
        infos = [family for family in self._families(job) if family.kind is Kind.INFO and not family.common]
        queries = (selector([(METRIC_NAME, family.metric), ("job", job)]) for family in infos)
        return tuple(
            make_info(family.title, query, family.help, self._series_now(query, now))
            for family, query in zip(infos, queries, strict=True)
        )

    def _series_now(self, query: str, now: int) -> Sequence[Labels]:
        try:
            vector = self._engine.instant(query, now).value
        except PromqlError as error:
            _log.warning("the info family %s cannot be shown: %s", query, error)
            return ()
        return vector.labels if isinstance(vector, Vector) else ()

    def _ask_chart(self, job: str, spec: PanelSpec, span: Span) -> Chart:
        now = self._parts.clock()
        interval = max((target.interval for target in self._targets_of(job)), default=_DEFAULT_INTERVAL)
        try:
            return make_chart(self._engine, spec, span, interval, now)
        except PromqlError as error:
            return empty_chart(spec.panel.id, f"These figures could not be worked out: {error}")

    def simulator(self, job: str) -> str:
        """Return the address of the simulator that plays a job, or nothing where none does."""
        return simulator_address(self._targets_of(job)) if job in self._parts.settings.simulated else ""

    def _incidents(self, job: str, targets: Sequence[TargetStatus]) -> tuple[tuple[Incident, ...], str]:
        if job not in self._parts.settings.simulated:
            return (), ""
        try:
            return ask_incidents(simulator_address(targets)), ""
        except IncidentError as error:
            return (), str(error)

    def order(self, job: str, kind: str, seconds: float) -> None:
        """Start an incident in a simulated app; the next answer shows it.

        Raises:
            IncidentError: the simulator cannot be asked, or refuses.
        """
        order_incident(self.simulator(job), kind, seconds)
        self._apps.forget()

    def alerts(self) -> AlertsView:
        """Return the page of the alerts."""
        return self._alerts.get("alerts", self._ask_alerts)

    def _ask_alerts(self) -> AlertsView:
        rules = self._parts.rules
        return make_alerts(rules.groups(), rules.changes(MOST_CHANGES), self._parts.clock())

    def gpu(self) -> GpuView:
        """Return the page of the graphics cards."""
        return self._gpu.get("gpu", self._ask_gpu)

    def _ask_gpu(self) -> GpuView:
        now = self._parts.clock()
        cards: tuple[GpuCard, ...] = ()
        notice = ""
        try:
            cards = ask_cards(self._engine, now)
        except PromqlError as error:
            _log.warning("the page of the graphics cards has no figures: %s", error)
            notice = f"Figures are missing: {error}"
        panels = tuple(spec.linked for spec in gpu_panels(cards))
        return GpuView(now, self.firing(), text.count(len(cards), "card"), notice, cards, panels)

    def gpu_charts(self, span: Span, panels: Collection[str]) -> dict[str, Chart]:
        """Return the figures of some panels of the graphics cards, by panel."""
        specs = [spec for spec in gpu_panels(self.gpu().cards) if spec.panel.id in panels]
        return {spec.panel.id: self._chart(_GPU, spec, span) for spec in specs}

    def targets(self, state: StateFilter = StateFilter.ALL) -> TargetsView:
        """Return the page of the targets, or of those in one state."""
        return self._targets.get(state, lambda: self._ask_targets(state))

    def _ask_targets(self, state: StateFilter) -> TargetsView:
        reloader = self._parts.reloader
        asked = AskedTargets(
            self._parts.scrape.pools(),
            reloader.loaded.config,
            reloader.status,
            self.firing(),
            self._parts.storage.last_error or "",
        )
        return make_targets(asked, state, self._parts.clock())

    def target(self, target_id: str) -> TargetView | None:
        """Return the page of one target, or ``None`` where there is none of that name any more."""
        scrape = self._parts.scrape
        found = find_target(scrape.pools(), target_id)
        if found is None:
            return None
        try:
            steps = scrape.relabel_steps(found.pool, found.discovered)
        except UnknownPoolError:
            # A reload has just taken the job away.
            return None
        return make_target(target_id, found, steps, self.firing(), self._parts.clock())

    def status(self) -> StatusView:
        """Return the page of the store.

        Raises:
            DatabaseError: the database cannot be asked.
        """
        return self._status.get("status", self._ask_status)

    def _ask_status(self) -> StatusView:
        now, storage = self._parts.clock(), self._parts.storage
        own = own_target(self._parts.scrape.targets(), "/metrics")
        asked = AskedStore(
            stats=storage.stats(),
            forecast=storage.forecast(now),
            retention=storage.retention,
            cardinality=self._cardinality.get("cardinality", lambda: storage.cardinality(MOST_LISTED)),
            blocks=storage.stored(),
            damaged=storage.damaged,
            schema=self._parts.database.schema_status(),
            last_error=storage.last_error,
            own=own.labels if own else None,
            firing=self.firing(),
        )
        return make_status(asked, now)

    def look_for_exporters(self) -> Offers:
        """Return the exporters of this machine that nobody scrapes; nothing is asked of them."""
        targets = self._parts.scrape.targets()
        known = scraped_ports((target.url for target in targets), self._parts.settings.port)
        return make_offers(find_exporters(known), {pool.name for pool in self._parts.scrape.pools()})

    def scrape_now(self, target_id: str) -> TargetStatus:
        """Scrape a target at once and return what became of it.

        Raises:
            UnknownTargetError: there is no such target.
        """
        status = self._parts.scrape.scrape_now(target_id)
        self._overview.forget()
        self._targets.forget()
        return status


def job_intervals(targets: Sequence[TargetStatus]) -> dict[str, int]:
    """Return the longest scrape interval among each job's targets, in milliseconds."""
    found: dict[str, int] = {}
    for target in targets:
        job = target.labels.get("job")
        found[job] = max(found.get(job, 0), target.interval)
    return found


def _host(engine: Engine, targets: Sequence[TargetStatus], now: int) -> tuple[Gauge, ...]:
    target = own_target(targets, "/host/metrics")
    return ask_host(engine, Labels(target.labels), target.interval, now) if target else ()
