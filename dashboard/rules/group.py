"""A rule group: rules that are evaluated one after the other, on schedule (``rules/group.go`` of Prometheus)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from dashboard.config.rules import RuleGroupConfig
from dashboard.promql.errors import PromqlError
from dashboard.rules.alert import Alert
from dashboard.rules.alerting import AlertingRule
from dashboard.rules.errors import RuleError
from dashboard.rules.ledger import AlertLedger
from dashboard.rules.metrics import RuleMetrics
from dashboard.rules.rule import EvalTime, Outcome, Rule, VectorQuery
from dashboard.rules.schedule import Slots
from dashboard.rules.state import AlertKey, AlertStore, GroupKey, SavedGroup
from dashboard.rules.status import RuleGroupStatus, RuleHealth

RESEND_DELAY = 60_000

LONGEST_GAP = 60_000
"""By how much an evaluation may be late and still count as the next one."""

Notify = Callable[[Sequence[Alert]], None]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all groups share. ``flush`` makes what was stored visible to queries; durations are milliseconds."""

    query: VectorQuery
    flush: Callable[[], object]
    store: AlertStore
    metrics: RuleMetrics
    notify: Notify | None
    resend_delay: int = RESEND_DELAY


class RuleGroup:
    """The rules of one group, and all that they know between two evaluations.

    One evaluation runs at a time; the status may be asked from any thread meanwhile.
    """

    def __init__(
        self,
        key: GroupKey,
        config: RuleGroupConfig,
        interval: int,
        *,
        rules: Sequence[Rule],
        feeds_later: Sequence[bool],
        surroundings: Surroundings,
    ) -> None:
        self.key = key
        self.config = config
        self.interval = interval
        self.slots = Slots.of(str(key), interval)
        self.rules = tuple(rules)
        self.feeds_later = tuple(feeds_later)
        self._around = surroundings
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._evaluation_time = 0.0
        self._last_evaluation: int | None = None
        self._names = _rule_names(rules)
        self._ledger = AlertLedger(key, surroundings.store)

    @property
    def last_evaluation(self) -> int | None:
        """The time of the last evaluation in this process."""
        return self._last_evaluation

    def evaluate(self, now: int) -> None:
        """Evaluate every rule at ``now``, store what came of it, and notify.

        A rule that fails says so in its status, and the next one is evaluated all the same.
        """
        with self._lock:
            if self._stopped.is_set():
                return
            begun = perf_counter()
            self._notice_pause(now)
            before = self._alerts()
            eval_time = EvalTime(now, self.config.query_offset)
            samples = sum(
                self._evaluate_rule(rule, feeds, eval_time)
                for rule, feeds in zip(self.rules, self.feeds_later, strict=True)
                if not self._stopped.is_set()
            )
            after = self._alerts()
            self._ledger.note(before, after, now)
            self._ledger.save(after, now)
            self._count(now, samples, perf_counter() - begun)

    def _notice_pause(self, now: int) -> None:
        """Treat a time in which nobody looked, such as a suspended machine or a step of the clock, as a restart."""
        last = self._last_evaluation
        if last is None or now - last <= self.interval + LONGEST_GAP:
            return
        for rule in self.rules:
            if isinstance(rule, AlertingRule):
                rule.restore(rule.active, last)

    def _evaluate_rule(self, rule: Rule, feeds_later: bool, time: EvalTime) -> int:
        begun = perf_counter()
        label = str(self.key)
        self._around.metrics.evaluations.labels(label).inc()
        error, samples = "", 0
        try:
            row = rule.evaluate(self._around.query, time, self.config.limit)
            samples = len(row)
            self._notify(rule, time.now)
            if rule.writer.write(time.data_time, row) and feeds_later:
                self._around.flush()
        except (RuleError, PromqlError) as failure:
            error = str(failure)
            _logger.warning("evaluating rule %s of group %s failed: %s", rule.name, label, error)
        except Exception as failure:  # One broken rule must not stop the others of its group.
            error = f"{type(failure).__name__}: {failure}"
            _logger.exception("rule %s of group %s broke", rule.name, label)
        if error:
            self._around.metrics.failures.labels(label).inc()
        duration = perf_counter() - begun
        self._around.metrics.rule_duration.observe(duration)
        rule.outcome = Outcome(RuleHealth.BAD if error else RuleHealth.GOOD, error, duration, time.now)
        return samples

    def _notify(self, rule: Rule, now: int) -> None:
        if self._around.notify is None or not isinstance(rule, AlertingRule):
            return
        due = rule.due_for_sending(self._around.resend_delay, self.interval, now)
        try:
            if due:
                self._around.notify(due)
        except Exception:  # a receiver's trouble is not the rule's: its series are stored all the same.
            _logger.exception("alerts of group %s could not be handed on", self.key)

    def _alerts(self) -> dict[AlertKey, Alert]:
        return {
            AlertKey(name, labels): alert
            for name, rule in zip(self._names, self.rules, strict=True)
            if isinstance(rule, AlertingRule)
            for labels, alert in rule.active.items()
        }

    def _count(self, now: int, samples: int, duration: float) -> None:
        metrics, label = self._around.metrics, str(self.key)
        last = self._last_evaluation
        missed = max(0, (now - last) // self.interval - 1) if last is not None else 0
        metrics.missed.labels(label).inc(missed)
        metrics.iterations.labels(label).inc(1 + missed)
        metrics.last_evaluation.labels(label).set(now / 1000)
        metrics.last_duration.labels(label).set(duration)
        metrics.samples.labels(label).set(samples)
        metrics.group_duration.observe(duration)
        self._evaluation_time = duration
        self._last_evaluation = now

    def stop(self) -> None:
        """Begin no further evaluation of a rule, and wait for the one that runs."""
        self._stopped.set()
        with self._lock:
            pass

    def restore(self, saved: SavedGroup, now: int) -> None:
        """Go on with the alerts of before a restart; those of rules that are gone end at ``now``."""
        for name, rule in zip(self._names, self.rules, strict=True):
            alerts = {key.labels: alert for key, alert in saved.alerts.items() if key.rule == name}
            if alerts and isinstance(rule, AlertingRule):
                rule.restore(alerts, saved.last_evaluation)
        self._ledger.begin_with(saved.alerts)
        self._ledger.note(saved.alerts, self._alerts(), now)

    def adopt(self, former: RuleGroup, now: int) -> None:
        """Take over from the stopped group of the same name: rules with equal names and labels go on.

        The series of rules that are gone are ended at ``now``.
        """
        self._last_evaluation = former._last_evaluation
        by_name = dict(zip(former._names, former.rules, strict=True))
        for name, rule in zip(self._names, self.rules, strict=True):
            if name in by_name:
                rule.adopt(by_name.pop(name))
        for rule in by_name.values():
            rule.writer.end(now - former.config.query_offset)
        self._ledger.adopt(former._ledger)
        self._ledger.note(former._alerts(), self._alerts(), now)

    def end(self, now: int) -> None:
        """End the series of a stopped group that is no longer configured."""
        for rule in self.rules:
            rule.writer.end(now - self.config.query_offset)

    def status(self) -> RuleGroupStatus:
        """Tell how the group and its rules stand."""
        return RuleGroupStatus(
            name=self.key.name,
            file=self.key.file,
            interval=self.interval,
            limit=self.config.limit,
            query_offset=self.config.query_offset,
            evaluation_time=self._evaluation_time,
            last_evaluation=self._last_evaluation,
            rules=[rule.status() for rule in self.rules],
        )


def _rule_names(rules: Sequence[Rule]) -> list[str]:
    """Name every rule by its name and labels; of equal ones the first matches the first, and so on."""
    seen: dict[str, int] = {}
    names = []
    for rule in rules:
        name = f"{rule.name} {rule.labels}"
        seen[name] = seen.get(name, 0) + 1
        names.append(f"{name} #{seen[name]}")
    return names
