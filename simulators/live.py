"""One app as it runs: its model ticks once a second, and catches up whenever somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from random import Random

from simulators.chance import ScalarChance
from simulators.families import Family, LabelValues, info
from simulators.incidents import IncidentKind, Incidents
from simulators.ledger import Tally
from simulators.model import App, Tick
from simulators.releases import Release, release_at
from simulators.traffic import conditions

TICK_MS = 1000
# After a pause (a closed laptop) only so many ticks are made up for.
_MAX_CATCH_UP = 120

BUILD = info("app_build_info", "The version that runs.", "app", "version", "revision")


class LiveApp:
    """The state of one running app. Given the seed and the times at which it ticks, it is always the same.

    Not locked: whoever shares it between threads holds ``lock`` around each call.
    """

    def __init__(self, app: App, seed: int, now_ms: int) -> None:
        self.app = app
        self.lock = threading.Lock()
        self.incidents = Incidents()
        self.tally = Tally(TICK_MS)
        self.model = app.model()
        self._seed = seed
        self._hotfixes = 0
        self._done = now_ms // TICK_MS - 1
        self.advance(now_ms)

    def advance(self, now_ms: int) -> None:
        """Tick until a time. A clock that was set back is followed without a tick."""
        current = now_ms // TICK_MS
        self._done = min(self._done, current)
        for number in range(max(self._done, current - _MAX_CATCH_UP) + 1, current + 1):
            self._tick(number)
        self._done = current

    def _tick(self, number: int) -> None:
        now_ms = number * TICK_MS
        active = self.incidents.active(now_ms)
        now = conditions(self.app.profile, self.app.name, self._seed, now_ms, active)
        random = Random(f"{self._seed}/{self.app.name}/{number}")  # noqa: S311 - a simulation, not a secret
        chance = ScalarChance(random, now_ms)
        self.model.tick(Tick(TICK_MS / 1000, now.rate, now.slowdown, now.error_share, active, chance, self.tally))

    def start(self, kind: IncidentKind, now_ms: int, length_ms: int) -> int:
        """Start an incident; returns its end in ms since 1970."""
        self.advance(now_ms)
        if kind is IncidentKind.DEPLOY:
            self._hotfixes += 1
        return self.incidents.start(kind, now_ms, length_ms)

    def down(self, now_ms: int) -> bool:
        """Whether the app is in an outage."""
        return IncidentKind.OUTAGE in self.incidents.active(now_ms)

    def left(self, now_ms: int) -> Mapping[IncidentKind, int]:
        """Return the milliseconds that each running incident still has."""
        return self.incidents.left(now_ms)

    def release(self, now_ms: int) -> Release:
        """Return what runs at a time."""
        return release_at(self.app.name, self._seed, now_ms, self._hotfixes)

    def infos(self, now_ms: int) -> list[tuple[Family, LabelValues]]:
        """Return the info series that are exposed at a time."""
        release = self.release(now_ms)
        build = (self.app.name, release.version, release.revision)
        return [(BUILD, build), *self.model.infos(self.incidents.active(now_ms))]
