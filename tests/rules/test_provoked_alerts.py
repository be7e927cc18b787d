"""Every shipped alert about apps is provoked by an incident of a simulated app, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from prometheus_client import generate_latest

from dashboard.config.rules import load_rule_file
from dashboard.exposition.reader import PageReader
from dashboard.model.labels import Labels
from dashboard.shipped import shipped_monitoring
from simulators.apps import app_named
from simulators.exposition import app_registry
from simulators.incidents import IncidentKind
from simulators.live import LiveApp
from simulators.server import DEFAULT_INCIDENT_S

from .world import World

BUSY_HOUR = 1_790_172_000_000
STEP = 10_000
NOT_OF_APPS = ("host.yml", "glass-cockpit.yml")
RULE_FILES = [file for file in sorted((shipped_monitoring() / "rules").glob("*.yml")) if file.name not in NOT_OF_APPS]
PROVOKED = {
    ("ai-planner", IncidentKind.ERRORS): {"ErrorRateHigh"},
    ("ai-reviewer", IncidentKind.LATENCY): {"LatencyP99High"},
    ("ai-deployer", IncidentKind.OUTAGE): {"TargetDown"},
    ("chimera-inference", IncidentKind.QUEUE): {"QueueDepthHigh"},
    ("chimera-inference", IncidentKind.STORAGE): {"StorageUnhealthy"},
    ("chimera-inference", IncidentKind.SCHEMA): {"SchemaDrift"},
    ("wargaming", IncidentKind.BREAKER): {"CircuitBreakerOpen", "CircuitBreakerHighFailureRate"},
    ("wargaming", IncidentKind.ABUSE): {"HighRateLimitRejections", "RateLimitBucketsDepleted"},
    ("wargaming", IncidentKind.LATENCY): {"HighMiddlewareLatency", "LatencyP99High"},
    ("enterprise-assistant", IncidentKind.COST): {"LLMBudgetExceeded"},
}


class ScrapedApp:
    """A simulated app whose pages go into the world's store, without a network between."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.target = {"job": name, "instance": "localhost:1"}
        self.live = LiveApp(app_named(name), 1, world.now)
        self._pages = app_registry(self.live, lambda: world.now)
        self._reader = PageReader(self._number)
        self._rows = world.storage.appender()

    def _number(self, exposed: Mapping[str, str]) -> int:
        return self.world.storage.series_id(Labels.of({**exposed, **self.target}))

    def run(self, seconds: int) -> set[str]:
        """Scrape and evaluate for some time; return the names of the alerts that fired."""
        fired: set[str] = set()
        for _ in range(seconds * 1000 // STEP):
            self.world.now += STEP
            self._scrape()
            self.world.evaluate()
            fired |= {alert.labels.get("alertname") for alert in self.world.manager.alerts() if alert.fired_at}
        return fired

    def _scrape(self) -> None:
        down = self.live.down(self.world.now)
        if down:
            self._rows.end(self.world.now)
        else:
            reading = self._reader.read(generate_latest(self._pages))
            self._rows.append(self.world.now, reading.series, reading.values)
        self.world.put({f'up{{job="{self.target["job"]}"}}': float(not down)})


@pytest.mark.parametrize(("app", "incident"), PROVOKED, ids=lambda value: getattr(value, "value", value))
def test_an_incident_fires_its_alerts_and_they_end(world: World, app: str, incident: IncidentKind) -> None:
    """An app is quiet at its busiest; an incident of the usual length fires its alerts, and no other; then all end."""
    world.now = BUSY_HOUR
    world.manager.apply([load_rule_file(file) for file in RULE_FILES], STEP)
    scraped = ScrapedApp(world, app)
    assert scraped.run(180) == set()
    scraped.live.start(incident, world.now, DEFAULT_INCIDENT_S * 1000)
    assert scraped.run(DEFAULT_INCIDENT_S + 180) == PROVOKED[app, incident]
    scraped.run(300)
    assert world.manager.alerts() == []


def test_every_alert_of_an_app_has_its_incident() -> None:
    """No shipped rule is left out above."""
    rules = {rule.alert for file in RULE_FILES for group in load_rule_file(file).groups for rule in group.rules}
    # What tests/end_to_end/test_full_disk.py provokes.
    assert set().union(*PROVOKED.values(), {"NothingStored"}) == rules
