"""A world in which rules run: a real store and engine, and a clock that the test holds."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry

from dashboard.config.rules import load_rule_file
from dashboard.database import Database
from dashboard.model.labels import Labels
from dashboard.promql import Engine
from dashboard.promql.ast import VectorSelector
from dashboard.promql.parser import parse
from dashboard.promql.results import Vector
from dashboard.rules.alert import Alert
from dashboard.rules.group import RuleGroup
from dashboard.rules.manager import RuleManager
from dashboard.rules.migrations import migrations as rules_migrations
from dashboard.rules.status import AlertChange, RuleStatus
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations as storage_migrations

BEGIN = 1_700_000_000_000


class World:
    """A data directory with everything that rules need, from opening it to closing it."""

    def __init__(self, directory: Path, *, notify: bool = True, resend_delay: int = 60_000) -> None:
        self.directory = directory
        self.now = BEGIN
        self.sent: list[tuple[int, Alert]] = []
        self.heard = threading.Event()
        self.file = directory / "rules.yml"
        self._notify = self.remember if notify else None
        self._resend_delay = resend_delay
        self._numbers: dict[str, int] = {}
        self.open()

    def open(self) -> None:
        """Start the parts."""
        self.registry = CollectorRegistry()
        self.database = Database.open(self.directory / "data", [storage_migrations, rules_migrations])
        self.storage = Storage(
            self.database, registry=self.registry, clock=lambda: self.now, retention=10**12, journal_interval=60_000
        )
        self.storage.open()
        self.scheduler = BackgroundScheduler(executors={"rules": ThreadPoolExecutor(2)})
        self._numbers.clear()
        self.manager = RuleManager(
            Engine(self.storage, registry=self.registry),
            self.storage,
            self.database,
            self.scheduler,
            registry=self.registry,
            clock=lambda: self.now,
            external_url="http://cockpit.example",
            notify=self._notify,
            resend_delay=self._resend_delay,
        )

    def close(self) -> None:
        """Stop the parts, as the end of the process would."""
        self.manager.stop()
        if self.scheduler.running:
            self.scheduler.shutdown()
        self.storage.close()
        self.database.close()

    def restart(self) -> None:
        """Stop and start with the same data and the same rules."""
        self.close()
        self.open()
        self.apply()

    def rules(self, text: str, default_interval: int = 15_000) -> None:
        """Write the rule file and bring it into force."""
        self.file.write_text(textwrap.dedent(text), encoding="utf-8")
        self._default_interval = default_interval
        self.apply()

    def apply(self, site: str = "here") -> None:
        """Bring the rule file into force, with a site as the external label."""
        self.manager.apply([load_rule_file(self.file)], self._default_interval, Labels.of({"site": site}))

    def group(self, name: str) -> RuleGroup:
        """Return a group of the rule file."""
        return self.manager.group(str(self.file), name)

    def put(self, values: Mapping[str, float], now: int | None = None) -> None:
        """Store a sample for each series, which is written as in a query, and show them to queries."""
        time = self.now if now is None else now
        numbers = [self._number(series) for series in values]
        self.storage.append_points(
            np.array(numbers, dtype=np.int64),
            np.full(len(values), time, dtype=np.int64),
            np.array(list(values.values()), dtype=np.float64),
        )
        self.storage.flush()

    def _number(self, series: str) -> int:
        if series not in self._numbers:
            self._numbers[series] = self.storage.series_id(labels_of(series))
        return self._numbers[series]

    def evaluate(self, now: int | None = None) -> None:
        """Evaluate every group and show what it stored to queries."""
        self.now = self.now if now is None else now
        for status in self.manager.groups():
            self.manager.evaluate_group(self.manager.group(status.file, status.name), self.now)
        self.storage.flush()

    def after(self, seconds: float, values: Mapping[str, float] | None = None) -> None:
        """Let time go by, store samples and evaluate."""
        self.now += round(seconds * 1000)
        if values:
            self.put(values)
        self.evaluate()

    def query(self, text: str) -> dict[Labels, float]:
        """Ask the engine at the present time."""
        value = Engine(self.storage, registry=CollectorRegistry()).instant(text, self.now).value
        assert isinstance(value, Vector)
        return dict(zip(value.labels, value.values.tolist(), strict=True))

    def rule(self, name: str) -> RuleStatus:
        """Return a rule's status."""
        return next(rule for group in self.manager.groups() for rule in group.rules if rule.name == name)

    def states(self, name: str) -> list[str]:
        """Return the states of a rule's pending and firing alerts."""
        return sorted(alert.state.value for alert in self.rule(name).alerts)

    def history(self, name: str) -> Sequence[AlertChange]:
        """Return the stored changes of an alert, oldest first."""
        changes = self.manager.changes(10_000)
        return [change for change in reversed(changes) if change.labels.get("alertname") == name]

    def remember(self, alerts: Sequence[Alert]) -> None:
        """Take the alerts that receivers should hear of."""
        self.sent += [(self.now, alert) for alert in alerts]
        self.heard.set()


def labels_of(series: str) -> Labels:
    """Return the labels of a series that is written as in a query."""
    selector = parse(series)
    assert isinstance(selector, VectorSelector)
    return Labels.of((matcher.name, matcher.value) for matcher in selector.matchers)
