"""Rule groups and alerts in the shape of ``/api/v1/rules`` and ``/api/v1/alerts``."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.model.matcher import Matcher, matches_all
from dashboard.rules.alert import Alert
from dashboard.rules.status import RuleGroupStatus, RuleKind, RuleStatus
from dashboard.web.go_format import exponent_value, rfc3339


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules are asked for; an empty field asks for all."""

    kinds: Collection[RuleKind] = tuple(RuleKind)
    names: Collection[str] = ()
    groups: Collection[str] = ()
    files: Collection[str] = ()
    matcher_sets: Sequence[tuple[Matcher, ...]] = ()

    def wants_group(self, group: RuleGroupStatus) -> bool:
        """Say whether rules of this group are asked for."""
        return (not self.groups or group.name in self.groups) and (not self.files or group.file in self.files)

    def wants_rule(self, rule: RuleStatus) -> bool:
        """Say whether this rule is asked for."""
        if rule.kind not in self.kinds or (self.names and rule.name not in self.names):
            return False
        return not self.matcher_sets or any(matches_all(matchers, rule.labels) for matchers in self.matcher_sets)


def groups_json(groups: Iterable[RuleGroupStatus], wanted: RuleFilter, *, with_alerts: bool) -> list[dict[str, Any]]:
    """Return the groups that have a wanted rule, with those rules only."""
    shown = []
    for group in groups:
        rules = [rule for rule in group.rules if wanted.wants_rule(rule)] if wanted.wants_group(group) else []
        if rules:
            shown.append(_group_json(group, [_rule_json(rule, with_alerts=with_alerts) for rule in rules]))
    return shown


def alert_json(alert: Alert) -> dict[str, Any]:
    """Return one alert."""
    shown = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state.value,
        "activeAt": rfc3339(alert.active_at),
        "value": exponent_value(alert.value),
    }
    if alert.keep_firing_since is not None:
        shown["keepFiringSince"] = rfc3339(alert.keep_firing_since)
    return shown


def page_token(group: dict[str, Any]) -> str:
    """Return the token by which a page of groups is asked for that begins with this group."""
    name = f"{group['file']};{group['name']}"
    return hashlib.sha256(name.encode()).hexdigest()


def _group_json(group: RuleGroupStatus, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": group.name,
        "file": group.file,
        "rules": rules,
        "interval": group.interval / 1000,
        "limit": group.limit,
        "evaluationTime": group.evaluation_time,
        "lastEvaluation": rfc3339(group.last_evaluation),
    }


def _rule_json(rule: RuleStatus, *, with_alerts: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": rule.name, "query": rule.query}
    if rule.kind is RuleKind.ALERTING:
        shown |= {
            "state": rule.state.value,
            "duration": rule.hold_duration / 1000,
            "keepFiringFor": rule.keep_firing_for / 1000,
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
            "alerts": [alert_json(alert) for alert in rule.alerts] if with_alerts else [],
        }
    elif rule.labels:
        shown["labels"] = dict(rule.labels)
    if rule.last_error:
        shown["lastError"] = rule.last_error
    return shown | {
        "health": rule.health.value,
        "evaluationTime": rule.evaluation_time,
        "lastEvaluation": rfc3339(rule.last_evaluation),
        "type": rule.kind.value,
    }
