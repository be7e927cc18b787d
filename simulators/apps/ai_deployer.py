"""ai-deployer: rolls out releases and keeps its records in SQLite."""

from __future__ import annotations

from collections.abc import Sequence, Set

from simulators.chance import Amount, LogLogistic, split_evenly
from simulators.families import Family, Grid, LabelValues, counter, histogram
from simulators.http_flow import HttpFlow, Route
from simulators.incidents import EVERY_APP, IncidentKind
from simulators.model import App, Tick
from simulators.traffic import Profile

NAME = "ai-deployer"

_ROUTES = (
    Route("POST", "/api/deployments", 0.08, LogLogistic(0.042, 4.0)),
    Route("GET", "/api/deployments", 0.42, LogLogistic(0.01, 3.4)),
    Route("GET", "/api/deployments/{id}/log", 0.4, LogLogistic(0.016, 3.4)),
    Route("GET", "/api/environments", 0.1, LogLogistic(0.004, 3.2)),
)
_STRATEGIES = {"rolling": 0.58, "canary": 0.22, "blue_green": 0.14, "recreate": 0.06}
_SQLITE_GRID = Grid.of((0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0), cuts=2)
_SQLITE = LogLogistic(0.0012, 2.6)
_STATEMENTS_A_REQUEST = 3


class DeployerModel:
    """Each answered request runs some statements on SQLite, and the posted ones deploy."""

    def __init__(self) -> None:
        self._http = HttpFlow(NAME, _ROUTES)
        self._deployments = counter("deployments_total", "Deployments, by strategy.", "app", "strategy")
        self._durations = histogram("adapter_sqlite_duration_seconds", "Duration of SQLite statements.", _SQLITE_GRID)
        self._calls = counter("adapter_sqlite_calls_total", "SQLite statements.")
        self._errors = counter("adapter_sqlite_errors_total", "SQLite statements that failed.")

    @property
    def families(self) -> Sequence[Family]:
        return (*self._http.families, self._deployments, self._durations, self._calls, self._errors)

    def tick(self, tick: Tick[Amount]) -> None:
        answered = self._http.serve(tick, self._http.arrivals(tick))
        for strategy, amount in zip(
            _STRATEGIES, split_evenly(tick.chance, answered[0], tuple(_STRATEGIES.values())), strict=True
        ):
            tick.ledger.add(self._deployments, (NAME, strategy), amount)
        statements = answered[0]
        for amount in answered[1:]:
            statements = statements + amount
        self._query(tick, statements * _STATEMENTS_A_REQUEST)

    def _query(self, tick: Tick[Amount], statements: Amount) -> None:
        # Most statements that fail are retried inside of the request, so few of them fail.
        failed = tick.chance.binomial(statements, tick.error_share * 0.2)
        tick.ledger.add(self._calls, (), statements)
        tick.ledger.add(self._errors, (), failed)
        cells = tick.chance.spread(statements, _SQLITE, tick.slowdown, _SQLITE_GRID)
        tick.ledger.observe(self._durations, (), cells)

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:  # noqa: ARG002
        return ()


APP = App(NAME, 8003, Profile(peak_rate=15, capacity=40), EVERY_APP, DeployerModel)
