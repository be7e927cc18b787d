"""The page of the alerts: every alerting rule with its group, its alerts, and the log of what changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from dashboard.model.duration import format_duration
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.rules.alert import Alert, AlertState
from dashboard.rules.status import AlertChange, RuleGroupStatus, RuleHealth, RuleKind, RuleStatus
from dashboard.web import urls
from dashboard.web.go_format import timestamp
from dashboard.web.views import text
from dashboard.web.views.problems import active, alert_key, severity_of
from dashboard.web.views.templates import placeholders

MOST_CHANGES = 100
_MOST_ALERTS = 50
_LEVELS = {AlertState.FIRING: "bad", AlertState.PENDING: "warn", AlertState.INACTIVE: "ok"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A label or an annotation."""

    name: Annotated[str, "The name."]
    value: Annotated[str, "The value."]
    link: Annotated[str, "The value, if it is an address that may be followed, or nothing."]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert of a rule."""

    id: Annotated[str, "Names the alert among its sisters."]
    level: Annotated[str, "bad for firing, warn for pending."]
    state: Annotated[str, "firing or pending."]
    since: Annotated[str, "Since when and for how long."]
    value: Annotated[str, "What the expression gave when it last held."]
    query_url: Annotated[str, "The page of the expression."]
    labels: Annotated[tuple[Pair, ...], "What sets the alert apart."]
    annotations: Annotated[tuple[Pair, ...], "What the rule says of the alert."]


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One alerting rule."""

    id: Annotated[str, "Names the rule among its sisters."]
    level: Annotated[str, "bad, warn or ok by the worst state; unknown where the rule fails."]
    name: Annotated[str, "The alert's name."]
    state: Annotated[str, "firing, pending, inactive or failing, with the number of alerts."]
    severity: Annotated[str, "The label severity."]
    summary: Annotated[str, "What the rule's summary or description says, with ‹job› for what an alert fills in."]
    open: Annotated[bool, "Whether the rule is opened as the page is served: where something is wrong."]
    error: Annotated[str, "Why the rule cannot be evaluated, or nothing."]
    expression: Annotated[str, "The expression."]
    query_url: Annotated[str, "The page of the expression."]
    facts: Annotated[str, "How long it must hold, and how the last evaluation went."]
    labels: Annotated[tuple[Pair, ...], "The rule's own labels but for severity."]
    annotations: Annotated[tuple[Pair, ...], "The rule's annotations, shown while it has no alert that expands them."]
    alerts: Annotated[tuple[AlertRow, ...], "The firing and pending alerts, the worst first."]
    more: Annotated[str, "How many alerts are not shown, or nothing."]
    search: Annotated[str, "Lower-case text that the filter looks through."]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One rule group with its alerting rules."""

    id: Annotated[str, "Names the group among its sisters."]
    name: Annotated[str, "The group's name."]
    facts: Annotated[str, "The file, how often it is evaluated, and how long that takes."]
    rules: Annotated[tuple[RuleRow, ...], "The alerting rules in the order of the file."]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of an alert's state."""

    id: Annotated[str, "Names the change among its sisters."]
    level: Annotated[str, "bad for firing, warn for pending, ok for inactive."]
    at: Annotated[str, "When it changed."]
    name: Annotated[str, "The alert's name."]
    state: Annotated[str, "The state before and after, or that the alert was resolved."]
    labels: Annotated[str, "The other labels."]
    value: Annotated[str, "What the expression gave."]
    query_url: Annotated[str, "The page of the expression at that time; nothing where the rule is there no more."]
    search: Annotated[str, "Lower-case text that the filter looks through."]


@dataclass(frozen=True, slots=True)
class AlertsView:
    """What the page of the alerts shows and polls."""

    at: Annotated[int, "When this was worked out, in milliseconds since 1970."]
    firing: Annotated[int, "How many alerts fire."]
    pending: Annotated[int, "How many alerts are pending."]
    inactive: Annotated[int, "How many alerting rules are inactive."]
    groups: Annotated[tuple[GroupRow, ...], "The rule groups, those with something wrong first."]
    changes: Annotated[tuple[ChangeRow, ...], "The latest changes, the newest first."]


def make_alerts(groups: Sequence[RuleGroupStatus], changes: Sequence[AlertChange], now: int) -> AlertsView:
    """Put rule groups and changes into words."""
    rules = [rule for group in groups for rule in _alerting(group)]
    alerts = [alert for rule in rules for alert in rule.alerts]
    rows = [_group_row(group, now) for group in sorted(groups, key=_group_order) if _alerting(group)]
    return AlertsView(
        at=now,
        firing=sum(alert.state is AlertState.FIRING for alert in alerts),
        pending=sum(alert.state is AlertState.PENDING for alert in alerts),
        inactive=sum(rule.state is AlertState.INACTIVE for rule in rules),
        groups=tuple(rows),
        changes=_change_rows(groups, changes),
    )


def _alerting(group: RuleGroupStatus) -> list[RuleStatus]:
    return [rule for rule in group.rules if rule.kind is RuleKind.ALERTING]


def _group_order(group: RuleGroupStatus) -> tuple[int, str, str]:
    worst = max((rule.state.rank for rule in _alerting(group)), default=0)
    return -worst, group.file, group.name


def _group_row(group: RuleGroupStatus, now: int) -> GroupRow:
    key = f"{group.file};{group.name}"
    facts = f"{_file_name(group.file)} · every {format_duration(group.interval)}"
    if group.last_evaluation is not None:
        ago = text.age(now - group.last_evaluation)
        facts += f" · evaluated {ago} ago in {text.seconds(group.evaluation_time)}"
    rules = tuple(_rule_row(key, place, rule, now) for place, rule in enumerate(_alerting(group)))
    return GroupRow(id=key, name=group.name, facts=facts, rules=rules)


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _rule_row(group: str, place: int, rule: RuleStatus, now: int) -> RuleRow:
    alerts = active(rule.alerts)
    left_out = len(alerts) - _MOST_ALERTS
    failing = rule.health is RuleHealth.BAD
    state = "failing" if failing else _rule_state(alerts)
    words = (rule.name, state, *(f"{name}={value}" for name, value in rule.labels), *(str(a.labels) for a in alerts))
    return RuleRow(
        id=f"{group};{place}",
        level="unknown" if failing else _LEVELS[rule.state],
        name=rule.name,
        state=state,
        severity=severity_of(rule.labels),
        summary=placeholders(rule.annotations.get("summary") or rule.annotations.get("description")),
        open=bool(alerts) or failing,
        error=rule.last_error,
        expression=rule.query,
        query_url=urls.query(rule.query),
        facts=_rule_facts(rule),
        labels=pairs(rule.labels.drop(("severity",))),
        annotations=() if alerts else pairs(rule.annotations),
        alerts=tuple(_alert_row(alert, rule.query, now) for alert in alerts[:_MOST_ALERTS]),
        more=f"and {left_out} more" if left_out > 0 else "",
        search=" ".join(words).lower(),
    )


def _rule_state(alerts: Sequence[Alert]) -> str:
    amounts = (
        (sum(alert.state is state for alert in alerts), state) for state in (AlertState.FIRING, AlertState.PENDING)
    )
    return ", ".join(f"{amount} {state.value}" for amount, state in amounts if amount) or AlertState.INACTIVE.value


def _rule_facts(rule: RuleStatus) -> str:
    facts = [f"for {format_duration(rule.hold_duration)}" if rule.hold_duration else "fires at once"]
    if rule.keep_firing_for:
        facts.append(f"keeps firing for {format_duration(rule.keep_firing_for)}")
    if rule.last_evaluation is not None:
        facts.append(f"last evaluation took {text.seconds(rule.evaluation_time)}")
    return " · ".join(facts)


def _alert_row(alert: Alert, query: str, now: int) -> AlertRow:
    return AlertRow(
        id=alert_key(alert.labels),
        level=_LEVELS[alert.state],
        state=alert.state.value,
        since=f"for {text.age(now - alert.starts_at)}, since {text.moment(alert.starts_at)}",
        value=alert_value(alert.value),
        query_url=urls.query(query),
        labels=pairs(alert.labels.drop(("alertname",))),
        annotations=pairs(alert.annotations),
    )


def alert_value(value: float) -> str:
    """Write a value with the digits that an alert's threshold may have."""
    return text.NOTHING if math.isnan(value) else f"{value:.6g}"


def pairs(labels: Labels) -> tuple[Pair, ...]:
    """Return labels or annotations with the links that may be followed."""
    return tuple(Pair(name, value, _link(value)) for name, value in labels if name != METRIC_NAME)


def _link(value: str) -> str:
    return urls.safe_link(value) if value.startswith(("http://", "https://")) else ""


def _change_rows(groups: Sequence[RuleGroupStatus], changes: Sequence[AlertChange]) -> tuple[ChangeRow, ...]:
    queries = {(group.file, group.name, rule.name): rule.query for group in groups for rule in _alerting(group)}
    return tuple(
        _change_row(change, queries.get((change.file, change.group, change.labels.get("alertname")), ""))
        for change in changes
    )


def _change_text(change: AlertChange) -> str:
    if (change.before, change.after) == (AlertState.FIRING, AlertState.INACTIVE):
        return "resolved"
    return f"{change.before.value} → {change.after.value}"


def _change_row(change: AlertChange, query: str) -> ChangeRow:
    name = change.labels.get("alertname")
    labels = ", ".join(f"{label}={value}" for label, value in change.labels.drop(("alertname", METRIC_NAME)))
    state = _change_text(change)
    return ChangeRow(
        id=f"{change.time};{change.group};{alert_key(change.labels)};{change.after.value}",
        level=_LEVELS[change.after],
        at=text.moment(change.time),
        name=name,
        state=state,
        labels=labels,
        value=alert_value(change.value),
        query_url=urls.explore({"expr": query, "end": timestamp(change.time)}) if query else "",
        search=" ".join((name, state, labels)).lower(),
    )
