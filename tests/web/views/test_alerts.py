"""The page of the alerts, as a record."""

import math

import pytest

from dashboard.model.labels import Labels
from dashboard.rules.alert import Alert, AlertState
from dashboard.rules.status import AlertChange, RuleGroupStatus, RuleHealth, RuleKind, RuleStatus
from dashboard.web.views.alerts import AlertsView, alert_value, make_alerts

NOW = 1_700_000_000_000


def alert(state: AlertState, **labels: str) -> Alert:
    annotations = Labels.of({"runbook_url": "javascript:alert(1)", "dashboard": "https://example.org/d"})
    return Alert(state, Labels.of({"alertname": "Slow", **labels}), annotations, 0.123456789, NOW - 90_000)


def rule(name: str, *alerts: Alert, health: RuleHealth = RuleHealth.GOOD, error: str = "") -> RuleStatus:
    worst = max((each.state for each in alerts), key=lambda state: state.rank, default=AlertState.INACTIVE)
    return RuleStatus(
        RuleKind.ALERTING,
        name,
        "x > 1",
        Labels.of({"severity": "warning", "team": "shop"}),
        health,
        error,
        0.002,
        NOW - 1000,
        worst,
        hold_duration=90_000,
        annotations=Labels.of({"summary": "{{ $labels.job }} is slow"}),
        alerts=alerts,
    )


def group(name: str, *rules: RuleStatus) -> RuleGroupStatus:
    return RuleGroupStatus(name, "/etc/rules/shop.yml", 15_000, 0, 0, 0.004, NOW - 2000, rules)


def view(*groups: RuleGroupStatus, changes: tuple[AlertChange, ...] = ()) -> AlertsView:
    return make_alerts(groups, changes, NOW)


def test_groups_with_something_wrong_come_first_and_are_counted() -> None:
    firing, pending = alert(AlertState.FIRING, path="/a"), alert(AlertState.PENDING, path="/b")
    shown = view(group("a", rule("Calm")), group("b", rule("Slow", pending, firing)))
    assert [each.name for each in shown.groups] == ["b", "a"]
    assert (shown.firing, shown.pending, shown.inactive) == (1, 1, 1)
    (slow,) = shown.groups[0].rules
    assert (slow.state, slow.level, slow.open) == ("1 firing, 1 pending", "bad", True)
    assert [each.state for each in slow.alerts] == ["firing", "pending"]
    assert shown.groups[0].facts == "shop.yml · every 15s · evaluated 2 s ago in 4 ms"


def test_a_rule_tells_its_conditions() -> None:
    (calm,) = view(group("a", rule("Calm"))).groups[0].rules
    assert (calm.state, calm.severity, calm.expression) == ("inactive", "warning", "x > 1")
    assert calm.query_url == "/explore?expr=x+%3E+1"
    assert calm.facts == "for 1m30s · last evaluation took 2 ms"
    assert [(pair.name, pair.value) for pair in calm.labels] == [("team", "shop")]
    assert calm.summary == "‹job› is slow"
    assert [pair.value for pair in calm.annotations] == ["{{ $labels.job }} is slow"]


def test_a_rule_that_fails_is_not_well() -> None:
    (broken,) = view(group("a", rule("Broken", health=RuleHealth.BAD, error="many-to-many"))).groups[0].rules
    assert (broken.state, broken.level, broken.error, broken.open) == ("failing", "unknown", "many-to-many", True)


def test_only_harmless_addresses_are_links() -> None:
    ((row,),) = ((each.alerts) for each in view(group("a", rule("Slow", alert(AlertState.FIRING)))).groups[0].rules)
    assert {pair.name: pair.link for pair in row.annotations} == {
        "dashboard": "https://example.org/d",
        "runbook_url": "",
    }
    assert row.value == "0.123457"


def test_recording_rules_are_no_alerts() -> None:
    recording = RuleStatus(RuleKind.RECORDING, "a:b", "x", Labels(), RuleHealth.GOOD, "", 0.0, None)
    assert view(group("a", recording)).groups == ()


def test_the_log_says_what_became_what() -> None:
    labels = Labels.of({"alertname": "Slow", "job": "shop"})
    change = AlertChange(NOW, "f", "g", labels, AlertState.PENDING, AlertState.FIRING, 2.0)
    (row,) = view(changes=(change,)).changes
    assert (row.name, row.state, row.labels, row.value, row.level) == (
        "Slow",
        "pending → firing",
        "job=shop",
        "2",
        "bad",
    )


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (AlertState.FIRING, AlertState.INACTIVE, "resolved"),
        (AlertState.PENDING, AlertState.INACTIVE, "pending → inactive"),
        (AlertState.INACTIVE, AlertState.PENDING, "inactive → pending"),
    ],
)
def test_only_an_alert_that_fired_is_resolved(before: AlertState, after: AlertState, shown: str) -> None:
    change = AlertChange(NOW, "f", "g", Labels.of({"alertname": "Slow"}), before, after, 2.0)
    (row,) = view(changes=(change,)).changes
    assert row.state == shown
    assert shown in row.search


def test_a_change_leads_to_its_rule_at_that_time_while_there_is_one() -> None:
    change = AlertChange(
        NOW, "/etc/rules/shop.yml", "a", Labels.of({"alertname": "Slow"}), AlertState.PENDING, AlertState.FIRING, 2.0
    )
    (row,) = view(group("a", rule("Slow")), changes=(change,)).changes
    assert row.query_url == "/explore?expr=x+%3E+1&end=1700000000"
    assert [row.query_url for row in view(group("a", rule("Calm")), changes=(change,)).changes] == [""]


def test_many_alerts_of_a_rule_are_cut_and_counted() -> None:
    many = tuple(alert(AlertState.FIRING, path=str(number)) for number in range(60))
    (row,) = view(group("a", rule("Slow", *many))).groups[0].rules
    assert (len(row.alerts), row.more) == (50, "and 10 more")


def test_values_keep_six_digits() -> None:
    assert [alert_value(value) for value in (0.05, 1234567.0, math.nan)] == ["0.05", "1.23457e+06", "–"]
