"""The HTTP side that all apps share: requests by route and status, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from simulators.chance import Amount, LogLogistic, split
from simulators.families import Family, Grid, counter, histogram, summary
from simulators.model import Tick

HTTP_GRID = Grid.of((0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 1.0, 2.5, 5.0), cuts=3)

# The shares of all requests that clients get wrong.
_BAD_REQUEST = 0.012
_NOT_FOUND = 0.008
# Of the requests that fail by the server's fault, this share is a 500, the others are a 503.
_PLAIN_ERRORS = 0.7


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, its share of the app's requests, and how long it takes when idle."""

    method: str
    path: str
    share: float
    law: LogLogistic


@dataclass(frozen=True, slots=True)
class Visit(Generic[Amount]):
    """The requests of one route in a tick: those that were let in, and those that a rate limiter refused (429)."""

    route: Route
    count: Amount
    limited: Amount | None = None


class HttpFlow:
    """The HTTP families of one app, and how a tick's requests are counted in them."""

    def __init__(self, app: str, routes: Sequence[Route]) -> None:
        self.app = app
        self.routes = tuple(routes)
        self.requests = counter("http_requests_total", "HTTP requests.", "app", "method", "path", "status")
        self.durations = histogram(
            "http_request_duration_seconds", "Duration of HTTP requests.", HTTP_GRID, "app", "method", "path"
        )
        self.quantiles = summary(
            "request_duration_seconds",
            "Duration of HTTP requests in the last minute.",
            HTTP_GRID,
            "app",
        )

    @property
    def families(self) -> tuple[Family, ...]:
        """The three families in the order of the exposition."""
        return (self.requests, self.durations, self.quantiles)

    def arrivals(self, tick: Tick[Amount]) -> list[Visit[Amount]]:
        """Draw how many requests come to each route."""
        expected = tick.rate * tick.seconds
        return [Visit(route, tick.chance.poisson(expected * route.share)) for route in self.routes]

    def serve(self, tick: Tick[Amount], visits: Sequence[Visit[Amount]]) -> list[Amount]:
        """Count the visits by status and duration; returns for each the number that were answered with 200."""
        answered, everything = [], [tick.chance.constant(0.0)] * len(HTTP_GRID.values)
        for visit in visits:
            answered.append(self._statuses(tick, visit))
            cells = self._durations(tick, visit)
            everything = [total + cell for total, cell in zip(everything, cells, strict=True)]
        tick.ledger.observe(self.quantiles, (self.app,), everything)
        return answered

    def _statuses(self, tick: Tick[Amount], visit: Visit[Amount]) -> Amount:
        constant = tick.chance.constant
        plain, busy = tick.error_share * _PLAIN_ERRORS, tick.error_share * (1 - _PLAIN_ERRORS)
        shares = [constant(_BAD_REQUEST), constant(_NOT_FOUND), plain, busy]
        amounts = split(tick.chance, visit.count, shares)
        for status, amount in zip(("400", "404", "500", "503", "200"), amounts, strict=True):
            self._count(tick, visit.route, status, amount)
        if visit.limited is not None:
            self._count(tick, visit.route, "429", visit.limited)
        return amounts[-1]

    def _count(self, tick: Tick[Amount], route: Route, status: str, amount: Amount) -> None:
        tick.ledger.add(self.requests, (self.app, route.method, route.path, status), amount)

    def _durations(self, tick: Tick[Amount], visit: Visit[Amount]) -> list[Amount]:
        route = visit.route
        count = visit.count if visit.limited is None else visit.count + visit.limited
        cells = tick.chance.spread(count, route.law, tick.slowdown, HTTP_GRID)
        tick.ledger.observe(self.durations, (self.app, route.method, route.path), cells)
        return cells
