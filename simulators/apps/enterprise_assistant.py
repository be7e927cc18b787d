"""enterprise-assistant: answers questions of departments by retrieval and language models."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from simulators.chance import Amount, LogLogistic, split, split_evenly
from simulators.families import Family, Grid, LabelValues, counter, gauge, histogram
from simulators.http_flow import HttpFlow, Route
from simulators.incidents import EVERY_APP, IncidentKind
from simulators.model import App, Tick
from simulators.traffic import Profile

NAME = "enterprise-assistant"

_ROUTES = (
    Route("POST", "/api/query", 0.18, LogLogistic(0.04, 4.4)),
    Route("GET", "/api/documents/{id}", 0.5, LogLogistic(0.013, 3.4)),
    Route("GET", "/api/sessions", 0.32, LogLogistic(0.006, 3.2)),
)
_DEPARTMENTS = {"engineering": 0.42, "support": 0.34, "finance": 0.24}
_CATEGORIES = {"policy": 0.3, "product": 0.45, "it_help": 0.25}


@dataclass(frozen=True, slots=True)
class _Model:
    """A language model: its share of the calls, and its prices in USD for a million tokens."""

    name: str
    provider: str
    share: float
    prompt_price: float
    completion_price: float


_MODELS = (
    _Model("claude-sonnet-4", "anthropic", 0.25, 3.0, 15.0),
    _Model("gpt-4o", "openai", 0.2, 2.5, 10.0),
    _Model("gpt-4o-mini", "openai", 0.55, 0.15, 0.6),
)
# Tokens a call, and by what a runaway agent with an ever longer context multiplies prompts and calls.
_PROMPT, _COMPLETION = 700.0, 150.0
_LONG_CONTEXT, _RUNAWAY = 16.0, 3.0

_RESPONSE_HITS, _EMBEDDING_HITS = 0.3, 0.55
_LLM_GRID = Grid.of((0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0), cuts=2)
_LLM = LogLogistic(1.4, 3.4)
_RAG_GRID = Grid.of((0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5), cuts=2)
_RAG_STAGES = {"embed": LogLogistic(0.024, 3.6), "db": LogLogistic(0.031, 3.2), "total": LogLogistic(0.06, 3.4)}
_POOLS = {"documents": 20.0, "sessions": 10.0}
_SESSIONS_A_REQUEST = 6.0


class AssistantModel:
    """A query is looked up in the response cache; a miss searches documents and asks a language model."""

    def __init__(self) -> None:
        self._http = HttpFlow(NAME, _ROUTES)
        self._llm_families()
        self._rag = histogram("rag_search_duration_seconds", "Duration of retrieval.", _RAG_GRID, "stage")
        self._cache = counter("cache_requests_total", "Cache lookups.", "cache", "result")
        self._pool = gauge("db_pool_connections", "Connections of the database pools.", "pool", "state")
        self._sessions = gauge("websocket_sessions", "Open WebSocket sessions.")
        self._queries = counter("queries_total", "Queries answered.", "category", "department")
        self._frustration = counter("query_frustration_total", "Queries asked again in other words.")

    def _llm_families(self) -> None:
        self._calls = counter(
            "llm_calls_total", "Calls to language models.", "model", "provider", "department", "success"
        )
        self._tokens = counter("llm_tokens_total", "Tokens sent and received.", "model", "kind")
        self._cost = counter("llm_cost_usd_total", "Cost of the calls in USD.", "model", "department")
        self._llm = histogram("llm_call_duration_seconds", "Duration of calls to language models.", _LLM_GRID)

    @property
    def families(self) -> Sequence[Family]:
        llm = (self._calls, self._tokens, self._cost, self._llm)
        queries = (self._queries, self._frustration)
        return (*self._http.families, *llm, self._rag, self._cache, self._pool, self._sessions, *queries)

    def tick(self, tick: Tick[Amount]) -> None:
        queries, *_ = self._http.serve(tick, self._http.arrivals(tick))
        self._count_queries(tick, queries)
        embedded = self._look_up(tick, "response", queries, _RESPONSE_HITS)
        self._look_up(tick, "embedding", embedded, _EMBEDDING_HITS)
        for stage, law in _RAG_STAGES.items():
            cells = tick.chance.spread(embedded, law, tick.slowdown, _RAG_GRID)
            tick.ledger.observe(self._rag, (stage,), cells)
        self._ask_models(tick, embedded)
        self._connections(tick)

    def _count_queries(self, tick: Tick[Amount], queries: Amount) -> None:
        names = [(category, department) for category in _CATEGORIES for department in _DEPARTMENTS]
        weights = [_CATEGORIES[category] * _DEPARTMENTS[department] for category, department in names]
        for labels, amount in zip(names, split_evenly(tick.chance, queries, weights), strict=True):
            tick.ledger.add(self._queries, labels, amount)
        impatience = tick.chance.at_most(tick.slowdown * 0.015, 0.3)
        tick.ledger.add(self._frustration, (), tick.chance.binomial(queries, impatience))

    def _look_up(self, tick: Tick[Amount], cache: str, asked: Amount, share: float) -> Amount:
        hits, misses = split(tick.chance, asked, [tick.chance.constant(share)])
        tick.ledger.add(self._cache, (cache, "hit"), hits)
        tick.ledger.add(self._cache, (cache, "miss"), misses)
        return misses

    def _ask_models(self, tick: Tick[Amount], calls: Amount) -> None:
        if IncidentKind.COST in tick.incidents:
            # Even when nobody asks, the runaway agent does.
            calls = calls * _RUNAWAY + tick.chance.poisson(tick.chance.constant(tick.seconds * 2))
        tick.ledger.observe(self._llm, (), tick.chance.spread(calls, _LLM, tick.slowdown, _LLM_GRID))
        by_model = split_evenly(tick.chance, calls, [model.share for model in _MODELS])
        for model, asked in zip(_MODELS, by_model, strict=True):
            by_department = split_evenly(tick.chance, asked, tuple(_DEPARTMENTS.values()))
            for department, amount in zip(_DEPARTMENTS, by_department, strict=True):
                self._ask(tick, model, department, amount)

    def _ask(self, tick: Tick[Amount], model: _Model, department: str, calls: Amount) -> None:
        failed, good = split(tick.chance, calls, [tick.error_share])
        for success, amount in (("true", good), ("false", failed)):
            tick.ledger.add(self._calls, (model.name, model.provider, department, success), amount)
        # A call that fails is not charged.
        context = _LONG_CONTEXT if IncidentKind.COST in tick.incidents else 1.0
        prompt = tick.chance.poisson(good * (_PROMPT * context / 40)) * 40.0
        completion = tick.chance.poisson(good * (_COMPLETION / 20)) * 20.0
        tick.ledger.add(self._tokens, (model.name, "prompt"), prompt)
        tick.ledger.add(self._tokens, (model.name, "completion"), completion)
        cost = (prompt * model.prompt_price + completion * model.completion_price) / 1e6
        tick.ledger.add(self._cost, (model.name, department), cost)

    def _connections(self, tick: Tick[Amount]) -> None:
        for pool, size in _POOLS.items():
            busy = tick.chance.poisson(tick.rate * tick.slowdown * (size / 100))
            active = tick.chance.at_most(busy, size)
            tick.ledger.set(self._pool, (pool, "active"), active)
            tick.ledger.set(self._pool, (pool, "idle"), size - active)
        tick.ledger.set(self._sessions, (), tick.chance.poisson(tick.rate * _SESSIONS_A_REQUEST))

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:  # noqa: ARG002
        return ()


APP = App(NAME, 8006, Profile(peak_rate=12, capacity=32), EVERY_APP | {IncidentKind.COST}, AssistantModel)
