"""wargaming: simulations and predictions behind rate limiters and circuit breakers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from simulators.breaker import BreakerRules, CircuitBreaker
from simulators.chance import Amount, LogLogistic, split, split_evenly
from simulators.families import Family, Grid, LabelValues, counter, gauge, histogram
from simulators.guarded import Guarded, guarded_calls
from simulators.http_flow import HttpFlow, Route, Visit
from simulators.incidents import EVERY_APP, IncidentKind
from simulators.model import App, Tick
from simulators.rate_limiter import BucketRules, RateLimiter
from simulators.traffic import Profile

NAME = "wargaming"

_ROUTES = (
    Route("POST", "/api/simulate", 0.35, LogLogistic(0.036, 4.2)),
    Route("POST", "/api/predict", 0.4, LogLogistic(0.018, 3.6)),
    Route("GET", "/api/scenarios", 0.25, LogLogistic(0.007, 3.2)),
)
# The clients and their shares of the requests. The first one is a batch job that sometimes runs into its limit.
_CLIENTS = {"10.20.0.11": 0.4, "10.20.0.12": 0.25, "10.20.0.27": 0.2, "10.20.0.40": 0.15}
_BUCKETS = BucketRules(capacity=60, refill=6)
# Requests a second that abuse adds to each endpoint.
_ABUSE = 80.0

_BREAKERS = ("ml_model", "database", "redis_cache")
_MIDDLEWARES = ("auth", "rate_limit", "circuit_breaker")
_MIDDLEWARE_GRID = Grid.of((0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05), cuts=3)
_MIDDLEWARE = LogLogistic(0.0004, 2.8)
_CONFIDENCE_GRID = Grid.of((0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0))
# How many of a hundred predictions fall in each bucket; none is more than sure.
_CONFIDENCE = (2.0, 4.0, 9.0, 17.0, 18.0, 23.0, 19.0, 8.0)

_INCIDENTS = EVERY_APP | {IncidentKind.BREAKER, IncidentKind.ABUSE}


class WargamingModel:
    """Limiter first, then breakers: a prediction goes to ml_model, and falls back to heuristics where that fails."""

    def __init__(self) -> None:
        self._http = HttpFlow(NAME, _ROUTES)
        self._limiters = {route.path: RateLimiter(_BUCKETS, tuple(_CLIENTS)) for route in _ROUTES}
        self._breakers = {name: CircuitBreaker(BreakerRules()) for name in _BREAKERS}
        self._limiter_families()
        self._breaker_families()
        self._middleware = histogram(
            "wargaming_middleware_latency_seconds", "Time spent in middleware.", _MIDDLEWARE_GRID, "middleware"
        )
        self._executions = counter("wargaming_executions_total", "Simulations executed.")
        self._predictions = counter("ml_prediction_total", "Predictions made by the model.")
        self._confidence = histogram("ml_confidence", "Confidence of the model's predictions.", _CONFIDENCE_GRID)
        self._validations = counter("validation_method_total", "How predictions were validated.", "method")

    def _limiter_families(self) -> None:
        prefix = "wargaming_rate_limit"
        where = ("client_ip", "endpoint")
        self._limited = counter(f"{prefix}_requests_total", "Requests seen by the limiter.", "endpoint", "result")
        self._tokens = gauge(f"{prefix}_bucket_tokens", "Tokens left in a bucket.", *where)
        self._fill = gauge(f"{prefix}_bucket_fill_percentage", "How full a bucket is, 0 to 100.", *where)

    def _breaker_families(self) -> None:
        prefix = "wargaming_circuit_breaker"
        of = "breaker_name"
        self._state = gauge(f"{prefix}_state", "State: 0 closed, 1 half-open, 2 open.", of)
        self._failures = counter(f"{prefix}_failures_total", "Calls that failed.", of, "failure_type")
        self._successes = counter(f"{prefix}_successes_total", "Calls that succeeded.", of)
        self._rejections = counter(f"{prefix}_rejections_total", "Calls that were not made.", of)
        self._recoveries = counter(f"{prefix}_recovery_attempts_total", "Half-open times, by their end.", of, "result")

    @property
    def families(self) -> Sequence[Family]:
        limiter = (self._limited, self._tokens, self._fill)
        breaker = (self._state, self._failures, self._successes, self._rejections, self._recoveries)
        model = (self._executions, self._predictions, self._confidence, self._validations)
        return (*self._http.families, *limiter, *breaker, self._middleware, *model)

    def tick(self, tick: Tick[Amount]) -> None:
        visits = [self._limit(tick, route) for route in _ROUTES]
        simulated, predicted, listed = self._http.serve(tick, visits)
        tick.ledger.add(self._executions, (), simulated)
        self._predict(tick, self._guard(tick, "ml_model", predicted))
        self._guard(tick, "database", simulated + listed)
        self._guard(tick, "redis_cache", simulated + predicted + listed)
        self._pass_middleware(tick, visits)

    def _limit(self, tick: Tick[Amount], route: Route) -> Visit[Amount]:
        allowed, rejected = tick.chance.constant(0.0), tick.chance.constant(0.0)
        abuse = _ABUSE if IncidentKind.ABUSE in tick.incidents else 0.0
        expected = (tick.rate * route.share + abuse) * tick.seconds
        for client, share in _CLIENTS.items():
            asked = tick.chance.poisson(expected * share)
            passed = self._take(tick, route.path, client, asked)
            allowed, rejected = allowed + passed, rejected + (asked - passed)
        tick.ledger.add(self._limited, (route.path, "allowed"), allowed)
        tick.ledger.add(self._limited, (route.path, "rejected"), rejected)
        return Visit(route, allowed, rejected)

    def _take(self, tick: Tick[Amount], endpoint: str, client: str, asked: Amount) -> Amount:
        limiter = self._limiters[endpoint]
        bucket = limiter.buckets[client]

        def step(now_ms: int, inputs: Sequence[float]) -> Sequence[float]:
            return limiter.take(now_ms, client, int(inputs[0])), bucket.tokens, bucket.fill_percentage

        passed, tokens, fill = tick.chance.walk(step, asked)
        tick.ledger.set(self._tokens, (client, endpoint), tokens)
        tick.ledger.set(self._fill, (client, endpoint), fill)
        return passed

    def _guard(self, tick: Tick[Amount], name: str, calls: Amount) -> Guarded[Amount]:
        broken = name == "ml_model" and IncidentKind.BREAKER in tick.incidents
        failing = calls if broken else tick.chance.binomial(calls, tick.error_share)
        done = guarded_calls(tick, self._breakers[name], calls, failing)
        tick.ledger.set(self._state, (name,), done.state)
        timeouts, errors = split(tick.chance, done.failures, [tick.chance.constant(0.6)])
        amounts: Mapping[tuple[Family, LabelValues], Amount] = {
            (self._failures, (name, "timeout")): timeouts,
            (self._failures, (name, "error")): errors,
            (self._successes, (name,)): done.successes,
            (self._rejections, (name,)): done.rejections,
            (self._recoveries, (name, "success")): done.recovered,
            (self._recoveries, (name, "failure")): done.relapsed,
        }
        for (family, labels), amount in amounts.items():
            tick.ledger.add(family, labels, amount)
        return done

    def _predict(self, tick: Tick[Amount], done: Guarded[Amount]) -> None:
        tick.ledger.add(self._predictions, (), done.successes)
        cells = split_evenly(tick.chance, done.successes, _CONFIDENCE)
        cells.append(tick.chance.constant(0.0))
        tick.ledger.observe(self._confidence, (), cells)
        by_model, by_ensemble = split_evenly(tick.chance, done.successes, (0.8, 0.2))
        tick.ledger.add(self._validations, ("ml",), by_model)
        tick.ledger.add(self._validations, ("ensemble",), by_ensemble)
        tick.ledger.add(self._validations, ("heuristic",), done.failures + done.rejections)

    def _pass_middleware(self, tick: Tick[Amount], visits: Sequence[Visit[Amount]]) -> None:
        count = tick.chance.constant(0.0)
        for visit in visits:
            count = count + visit.count + (visit.limited if visit.limited is not None else 0.0)
        # Middleware is small and waits for locks: what makes requests slow makes it slower still.
        slowdown = tick.slowdown**1.6
        for middleware in _MIDDLEWARES:
            cells = tick.chance.spread(count, _MIDDLEWARE, slowdown, _MIDDLEWARE_GRID)
            tick.ledger.observe(self._middleware, (middleware,), cells)

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:  # noqa: ARG002
        return ()


APP = App(NAME, 8005, Profile(peak_rate=22, capacity=60), _INCIDENTS, WargamingModel)
