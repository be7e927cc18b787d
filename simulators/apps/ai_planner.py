"""ai-planner: makes plans by workflows that run elsewhere, behind a circuit breaker."""

from __future__ import annotations

from collections.abc import Sequence, Set

from simulators.breaker import BreakerRules, CircuitBreaker
from simulators.chance import Amount, LogLogistic, split_evenly
from simulators.families import Family, LabelValues, counter
from simulators.guarded import guarded_calls
from simulators.http_flow import HttpFlow, Route
from simulators.incidents import EVERY_APP, IncidentKind
from simulators.model import App, Tick
from simulators.traffic import Profile

NAME = "ai-planner"

_ROUTES = (
    Route("POST", "/api/plans", 0.3, LogLogistic(0.038, 4.2)),
    Route("GET", "/api/plans/{id}", 0.4, LogLogistic(0.011, 3.4)),
    Route("PUT", "/api/plans/{id}", 0.1, LogLogistic(0.02, 3.4)),
    Route("GET", "/api/templates", 0.2, LogLogistic(0.006, 3.2)),
)
_COMPLEXITIES = {"simple": 0.55, "moderate": 0.33, "complex": 0.12}


class PlannerModel:
    """Each plan executes one workflow through the breaker; while that is open, plans come from templates."""

    def __init__(self) -> None:
        self._http = HttpFlow(NAME, _ROUTES)
        self._breaker = CircuitBreaker(BreakerRules())
        self._plans = counter("plans_generated_total", "Plans generated, by complexity.", "app", "complexity")
        self._calls = counter("chimera_workflow_execution_calls_total", "Workflow executions asked for.", "status")
        self._successes = counter("chimera_circuit_breaker_success_total", "Calls that succeeded behind the breaker.")
        self._failures = counter("chimera_circuit_breaker_failure_total", "Calls that failed behind the breaker.")

    @property
    def families(self) -> Sequence[Family]:
        return (*self._http.families, self._plans, self._calls, self._successes, self._failures)

    def tick(self, tick: Tick[Amount]) -> None:
        planned, *_ = self._http.serve(tick, self._http.arrivals(tick))
        for complexity, amount in zip(
            _COMPLEXITIES, split_evenly(tick.chance, planned, tuple(_COMPLEXITIES.values())), strict=True
        ):
            tick.ledger.add(self._plans, (NAME, complexity), amount)
        self._execute(tick, planned)

    def _execute(self, tick: Tick[Amount], planned: Amount) -> None:
        broken = IncidentKind.BREAKER in tick.incidents
        failing = planned if broken else tick.chance.binomial(planned, tick.error_share)
        done = guarded_calls(tick, self._breaker, planned, failing)
        outcomes = {"success": done.successes, "failure": done.failures, "rejected": done.rejections}
        for status, amount in outcomes.items():
            tick.ledger.add(self._calls, (status,), amount)
        tick.ledger.add(self._successes, (), done.successes)
        tick.ledger.add(self._failures, (), done.failures)

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:  # noqa: ARG002
        return ()


APP = App(NAME, 8002, Profile(peak_rate=18, capacity=45), EVERY_APP | {IncidentKind.BREAKER}, PlannerModel)
