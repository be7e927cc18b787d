"""What the rules count, under the names of Prometheus's own metrics (``rules/group.go``)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

from dashboard.rules.state import GroupKey

_BY_GROUP = ("rule_group",)


class RuleMetrics:
    """The metrics of all groups. The label ``rule_group`` is ``<file>;<name>``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rule_duration = Summary(
            "prometheus_rule_evaluation_duration_seconds", "The duration for a rule to execute.", registry=registry
        )
        self.group_duration = Summary(
            "prometheus_rule_group_duration_seconds", "The duration of rule group evaluations.", registry=registry
        )
        self._by_group: list[Counter | Gauge] = []
        self._registry = registry
        self.evaluations = self._counter("rule_evaluations", "The total number of rule evaluations.")
        self.failures = self._counter("rule_evaluation_failures", "The total number of rule evaluation failures.")
        self.iterations = self._counter(
            "rule_group_iterations",
            "The total number of scheduled rule group evaluations, whether executed or missed.",
        )
        self.missed = self._counter(
            "rule_group_iterations_missed", "The total number of rule group evaluations missed."
        )
        self.interval = self._gauge("rule_group_interval_seconds", "The interval of a rule group.")
        self.last_evaluation = self._gauge(
            "rule_group_last_evaluation_timestamp_seconds",
            "The timestamp of the last rule group evaluation in seconds.",
        )
        self.last_duration = self._gauge(
            "rule_group_last_duration_seconds", "The duration of the last rule group evaluation."
        )
        self.rules = self._gauge("rule_group_rules", "The number of rules.")
        self.samples = self._gauge(
            "rule_group_last_evaluation_samples",
            "The number of samples returned during the last rule group evaluation.",
        )

    def begin(self, key: GroupKey, *, interval: int, rules: int) -> None:
        """Show a group from its first day on, with zeros."""
        for metric in self._by_group:
            metric.labels(str(key))
        self.interval.labels(str(key)).set(interval / 1000)
        self.rules.labels(str(key)).set(rules)

    def end(self, key: GroupKey) -> None:
        """Show a group no longer."""
        for metric in self._by_group:
            metric.remove(str(key))

    def _counter(self, name: str, text: str) -> Counter:
        metric = Counter(f"prometheus_{name}", text, _BY_GROUP, registry=self._registry)
        self._by_group.append(metric)
        return metric

    def _gauge(self, name: str, text: str) -> Gauge:
        metric = Gauge(f"prometheus_{name}", text, _BY_GROUP, registry=self._registry)
        self._by_group.append(metric)
        return metric
