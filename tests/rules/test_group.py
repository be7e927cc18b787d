"""Groups: what one evaluation does to rules, series and alerts, and what goes wrong without doing harm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashboard.model.labels import Labels
from dashboard.rules.alert import Alert

from .world import BEGIN, World


def test_recording_rule_stores_its_result(world: World) -> None:
    """The result gets the rule's name and labels over its own, and ends when it is gone."""
    world.rules(
        """
        groups:
        - name: record
          labels: {team: a, tier: web}
          rules:
          - record: job:x:sum
            expr: sum by (job, drop) (x)
            labels: {tier: api, drop: ""}
        """
    )
    world.put({'x{job="a", instance="1"}': 1, 'x{job="a", instance="2"}': 2, 'x{job="b"}': 5})
    world.evaluate()
    common = {"__name__": "job:x:sum", "team": "a", "tier": "api"}
    assert world.query("job:x:sum") == {Labels.of({**common, "job": "a"}): 3.0, Labels.of({**common, "job": "b"}): 5.0}
    world.after(301, {'x{job="a", instance="1"}': 7})
    assert world.query("job:x:sum") == {Labels.of({**common, "job": "a"}): 7.0}


def test_scalar_is_a_series_without_labels(world: World) -> None:
    """A rule may give a scalar."""
    world.rules("groups: [{name: g, rules: [{record: two, expr: 1 + 1}]}]")
    world.evaluate()
    assert world.query("two") == {Labels.of({"__name__": "two"}): 2.0}


def test_later_rules_see_earlier_ones_in_the_same_evaluation(world: World) -> None:
    """A chain of rules settles in one evaluation."""
    world.rules(
        """
        groups:
        - name: chain
          rules:
          - {record: first, expr: x + 1}
          - {record: second, expr: first + 1}
          - alert: Third
            expr: second > 2
          - alert: Fourth
            expr: x == 1
            annotations:
              text: '{{ query "second" | first | value }}'
        """
    )
    world.put({"x": 1})
    world.evaluate()
    assert world.states("Third") == ["firing"]
    assert world.rule("Fourth").alerts[0].annotations.get("text") == "3"


def test_two_alerts_with_one_label_set_are_an_error(world: World) -> None:
    """Nothing is stored, nothing is sent, and what fired before goes on; the next rule is evaluated all the same."""
    world.rules(
        """
        groups:
        - name: g
          rules:
          - alert: Twice
            expr: x > 0
            labels: {instance: same}
          - {record: after, expr: "count(x)"}
        """
    )
    world.put({'x{instance="1"}': 1})
    world.evaluate()
    assert world.states("Twice") == ["firing"]
    sent = len(world.sent)
    world.after(120, {'x{instance="1"}': 1, 'x{instance="2"}': 2})
    rule = world.rule("Twice")
    assert rule.health.value == "err"
    assert rule.last_error == "vector contains metrics with the same labelset after applying alert labels"
    assert (world.states("Twice"), len(world.sent)) == (["firing"], sent)
    assert list(world.query("after").values()) == [2.0]
    failures = world.registry.get_sample_value(
        "prometheus_rule_evaluation_failures_total", {"rule_group": f"{world.file};g"}
    )
    assert failures == 1


def test_two_records_with_one_label_set_are_an_error(world: World) -> None:
    """A recording rule that makes two results one stores neither."""
    world.rules("groups: [{name: g, rules: [{record: r, expr: x, labels: {instance: same}}]}]")
    world.put({'x{instance="1"}': 1, 'x{instance="2"}': 2})
    world.evaluate()
    assert world.rule("r").last_error == ("vector contains metrics with the same labelset after applying rule labels")
    assert world.query("r") == {}


def test_limit_drops_all_alerts(world: World) -> None:
    """More alerts than the group's limit are an error, and none of them is left."""
    world.rules("groups: [{name: g, limit: 1, rules: [{alert: A, expr: x > 0}, {record: r, expr: x}]}]")
    world.put({'x{i="1"}': 1})
    world.evaluate()
    assert world.states("A") == ["firing"]
    world.after(15, {'x{i="1"}': 1, 'x{i="2"}': 1})
    assert (world.states("A"), world.rule("A").last_error) == ([], "exceeded limit of 1 with 2 alerts")
    assert world.rule("r").last_error == "exceeded limit of 1 with 2 series"
    assert [change.after.value for change in world.history("A")] == ["firing", "inactive"]


def test_failing_query_changes_no_alert(world: World) -> None:
    """A query that fails makes the rule unhealthy, and it recovers with the next good one."""
    world.rules("groups: [{name: g, rules: [{alert: A, expr: x * on () y > 0}]}]")
    world.put({'x{i="1"}': 1, "y": 1})
    world.evaluate()
    assert world.rule("A").health.value == "ok"
    world.after(15, {"y{i='1'}": 1, "y": 1})
    assert (world.rule("A").health.value, world.states("A")) == ("err", ["firing"])
    assert "found duplicate series for the match group {}" in world.rule("A").last_error


def test_broken_template_is_sent_as_text(world: World) -> None:
    """An alert whose template fails is sent with the error in its place."""
    world.rules(
        """
        groups:
        - name: g
          rules:
          - alert: A
            expr: x > 0
            labels: {bad: '{{ humanize "x" }}'}
            annotations: {text: '{{ .Nothing }}', good: "{{ $value }}"}
        """
    )
    world.put({"x": 1})
    world.evaluate()
    (alert,) = [alert for _, alert in world.sent]
    assert alert.labels.get("bad").startswith("<error expanding template: error executing template __alert_A:")
    assert alert.annotations.get("text").startswith("<error expanding template: ")
    assert alert.annotations.get("good") == "1"
    assert world.rule("A").health.value == "ok"


def test_label_values_are_never_templates(world: World) -> None:
    """What a target puts into its labels stays text wherever it is shown."""
    world.rules(
        """
        groups:
        - name: g
          rules:
          - alert: A
            expr: x > 0
            labels: {copy: "{{ $labels.evil }}"}
            annotations: {text: "{{ $labels.evil }}"}
        """
    )
    world.put({'x{evil="{{ 7 }}{{ query `up` }}"}': 1})
    world.evaluate()
    (alert,) = world.manager.alerts()
    assert alert.labels.get("copy") == alert.annotations.get("text") == "{{ 7 }}{{ query `up` }}"


def test_texts_follow_time_value_and_queries(world: World) -> None:
    """Texts are rendered anew when the value changes, and at each evaluation where they depend on more than it."""
    world.rules(
        """
        groups:
        - name: g
          rules:
          - alert: Still
            expr: x > 0
            annotations: {text: "{{ $value }}"}
          - alert: Timed
            expr: x > 0
            annotations: {text: "{{ now | humanizeTimestamp }}"}
          - alert: Asking
            expr: x > 0
            annotations: {text: '{{ query "y" | first | value }}'}
        """
    )
    texts = []
    for x, y in ((1, 5), (1, 6), (2, 6)):
        world.after(60, {"x": x, "y": y})
        texts.append([alert.annotations.get("text") for alert in world.manager.alerts()])
    assert texts == [
        ["1", "2023-11-14 22:14:20 +0000 UTC", "5"],
        ["1", "2023-11-14 22:15:20 +0000 UTC", "6"],
        ["2", "2023-11-14 22:16:20 +0000 UTC", "6"],
    ]


def test_same_value_after_a_pause_is_a_new_alert(world: World) -> None:
    """An alert that comes back with the value that it had is active since it came back."""
    world.rules("groups: [{name: g, rules: [{alert: A, expr: x > 0, for: 15s}]}]")
    for x in (1, 1, 0, 1):
        world.after(15, {"x": x})
    (alert,) = world.manager.alerts()
    assert (alert.active_at, alert.state.value, alert.resolved_at) == (world.now, "pending", None)


def test_empty_label_removes(world: World) -> None:
    """A rule's label that expands to nothing takes the query's label away."""
    world.rules("groups: [{name: g, rules: [{alert: A, expr: x > 0, labels: {instance: '{{ $labels.none }}'}}]}]")
    world.put({'x{instance="1", job="j"}': 1})
    world.evaluate()
    (alert,) = world.manager.alerts()
    assert alert.labels == Labels.of({"alertname": "A", "job": "j"})


def test_query_offset(world: World) -> None:
    """With an offset rules ask, and store, that much earlier; states count from the evaluation."""
    world.rules(
        "groups: [{name: g, query_offset: 1m, rules: [{record: r, expr: x}, {alert: A, expr: x > 0, for: 1m}]}]"
    )
    world.put({"x": 1})
    world.after(15, {"x": 2})
    assert world.rule("A").alerts == ()
    world.after(45, {"x": 3})
    (alert,) = world.rule("A").alerts
    assert (alert.value, alert.active_at) == (1.0, BEGIN + 60_000)
    world.now -= 60_000
    assert list(world.query("r").values()) == [1.0]


def test_keep_firing_for(world: World) -> None:
    """An alert fires until it is gone for that long, and starts to count anew when it was back."""
    world.rules("groups: [{name: g, rules: [{alert: A, expr: x > 0, keep_firing_for: 30s}]}]")
    world.put({"x": 1})
    world.evaluate()
    seen = []
    for value in (0, 1, 0, 0, 0):
        world.after(15, {"x": value})
        seen.append((world.states("A"), [alert.keep_firing_since for alert in world.rule("A").alerts]))
    fires = ["firing"]
    assert seen == [
        (fires, [BEGIN + 15_000]),
        (fires, [None]),
        (fires, [BEGIN + 45_000]),
        (fires, [BEGIN + 45_000]),
        ([], []),
    ]


def test_notify_that_fails_harms_no_rule(tmp_path: Path) -> None:
    """The series are stored, and the rule stays healthy, when the alerts cannot be handed on."""

    class Deaf(World):
        def remember(self, alerts: Sequence[Alert]) -> None:
            raise RuntimeError(f"no receiver for {alerts}")

    world = Deaf(tmp_path)
    try:
        world.rules("groups: [{name: g, rules: [{alert: A, expr: x > 0}]}]")
        world.put({"x": 1})
        world.evaluate()
        assert (world.rule("A").health.value, len(world.query("ALERTS"))) == ("ok", 1)
    finally:
        world.close()


def test_clock_stepping_back(world: World) -> None:
    """After a step back no alert ends or fires by the step alone, and the rule says that its series are refused."""
    world.rules("groups: [{name: g, rules: [{alert: A, expr: x > 0}, {alert: P, expr: x > 0, for: 1m}]}]")
    world.put({"x": 1}, BEGIN - 3_600_000)
    world.put({"x": 1})
    world.evaluate()
    world.evaluate(BEGIN - 3_600_000)
    assert (world.states("A"), world.states("P")) == (["firing"], ["pending"])
    assert world.rule("A").health.value == "err"
    assert "out of order" in world.rule("A").last_error
    world.evaluate(BEGIN + 15_000)
    assert (world.rule("A").health.value, world.states("P")) == ("ok", ["pending"])
