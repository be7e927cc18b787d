"""An app under a clock of the test's own, and the figures that it exposes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from simulators.apps import app_named
from simulators.exposition import app_registry
from simulators.incidents import IncidentKind
from simulators.live import LiveApp

# A Wednesday, 14:00 UTC: the busiest hour.
NOON_MS = 1_790_172_000_000


class Simulation:
    """One app that lives as many seconds as the test says."""

    def __init__(self, name: str, seed: int, now_ms: int) -> None:
        self.now_ms = now_ms
        self.live = LiveApp(app_named(name), seed, now_ms)
        self.registry: CollectorRegistry = app_registry(self.live, lambda: self.now_ms)

    def run(self, seconds: int) -> None:
        """Let time pass, with a look every five seconds as a scrape would have."""
        end_ms = self.now_ms + seconds * 1000
        while self.now_ms < end_ms:
            self.now_ms = min(end_ms, self.now_ms + 5000)
            self.live.advance(self.now_ms)

    def provoke(self, kind: IncidentKind, seconds: int) -> None:
        self.live.start(kind, self.now_ms, seconds * 1000)

    def samples(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return the samples with a name and some labels."""
        return [
            (dict(sample.labels), sample.value)
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples with a name and some labels; there must be one."""
        found = self.samples(name, **labels)
        assert found, f"{name}{labels} is not exposed"
        return sum(value for _, value in found)

    def label_sets(self) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Return all that is exposed, without its values."""
        return {
            (sample.name, frozenset(sample.labels.items()))
            for metric in self.registry.collect()
            for sample in metric.samples
        }


@pytest.fixture
def simulate() -> Callable[..., Simulation]:
    """Make an app that starts at a busy hour."""

    def make(name: str, *, seed: int = 1, now_ms: int = NOON_MS) -> Simulation:
        return Simulation(name, seed, now_ms)

    return make
