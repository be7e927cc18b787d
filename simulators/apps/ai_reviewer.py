"""ai-reviewer: reviews code with a language model behind an adapter."""

from __future__ import annotations

from collections.abc import Sequence, Set

from simulators.chance import Amount, LogLogistic, split_evenly
from simulators.families import Family, Grid, LabelValues, counter, histogram
from simulators.http_flow import HttpFlow, Route
from simulators.incidents import EVERY_APP, IncidentKind
from simulators.model import App, Tick
from simulators.traffic import Profile

NAME = "ai-reviewer"

_ROUTES = (
    Route("POST", "/api/reviews", 0.35, LogLogistic(0.034, 3.6)),
    Route("GET", "/api/reviews", 0.3, LogLogistic(0.012, 3.4)),
    Route("GET", "/api/reviews/{id}", 0.25, LogLogistic(0.009, 3.4)),
    Route("GET", "/api/rules", 0.1, LogLogistic(0.005, 3.2)),
)
_DECISIONS = {"approve": 0.62, "request_changes": 0.27, "comment": 0.11}
_CLAUDE_GRID = Grid.of((0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0), cuts=2)
_CLAUDE = LogLogistic(1.7, 3.5)


class ReviewerModel:
    """A review is posted, the adapter asks the language model about it, and a decision comes back."""

    def __init__(self) -> None:
        self._http = HttpFlow(NAME, _ROUTES)
        self._reviews = counter("reviews_completed_total", "Reviews completed, by decision.", "app", "decision")
        self._durations = histogram(
            "adapter_claude_ai_duration_seconds", "Duration of calls to the language model.", _CLAUDE_GRID
        )
        self._calls = counter("adapter_claude_ai_calls_total", "Calls to the language model.")
        self._errors = counter("adapter_claude_ai_errors_total", "Calls to the language model that failed.")

    @property
    def families(self) -> Sequence[Family]:
        return (*self._http.families, self._reviews, self._durations, self._calls, self._errors)

    def tick(self, tick: Tick[Amount]) -> None:
        reviewed, *_ = self._http.serve(tick, self._http.arrivals(tick))
        for decision, amount in zip(
            _DECISIONS, split_evenly(tick.chance, reviewed, tuple(_DECISIONS.values())), strict=True
        ):
            tick.ledger.add(self._reviews, (NAME, decision), amount)
        failed = tick.chance.binomial(reviewed, tick.error_share)
        # The adapter tries a failed call once more, so that the review is completed all the same.
        calls = reviewed + failed
        tick.ledger.add(self._calls, (), calls)
        tick.ledger.add(self._errors, (), failed)
        tick.ledger.observe(self._durations, (), tick.chance.spread(calls, _CLAUDE, tick.slowdown, _CLAUDE_GRID))

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:  # noqa: ARG002
        return ()


APP = App(NAME, 8001, Profile(peak_rate=24, capacity=60), EVERY_APP, ReviewerModel)
