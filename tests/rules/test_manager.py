"""The manager: reloads, restarts, what is on disk, and the schedule."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.rules import load_rule_file
from dashboard.database import WriteError
from dashboard.rules.alert import AlertState
from dashboard.rules.state import AlertStore

from .world import BEGIN, World

ALERTS = """
groups:
- name: g
  rules:
  - alert: Pending
    expr: x > 0
    for: 5m
  - alert: Firing
    expr: x > 0
    annotations: {text: "value {{ $value }}"}
"""


def _two_evaluations(world: World) -> None:
    world.rules(ALERTS)
    world.put({"x": 1})
    world.evaluate()
    world.after(60, {"x": 1})
    assert (world.states("Pending"), world.states("Firing")) == (["pending"], ["firing"])


def test_restart_keeps_alerts(world: World) -> None:
    """After a restart every alert is there at once, as it was; a pending one has as long to wait as before."""
    _two_evaluations(world)
    before = world.manager.alerts()
    world.now += 600_000
    world.restart()
    after = world.manager.alerts()
    assert [(alert.labels, alert.state, alert.annotations) for alert in after] == [
        (alert.labels, alert.state, alert.annotations) for alert in before
    ]
    world.after(0, {"x": 2})
    (pending,) = world.rule("Pending").alerts
    (firing,) = world.rule("Firing").alerts
    # A minute of the five was spent before the stop; the ten minutes of the outage do not count.
    assert (pending.state, pending.active_at) == (AlertState.PENDING, world.now - 60_000)
    assert (firing.state, firing.fired_at, firing.value) == (AlertState.FIRING, BEGIN, 2.0)
    for _ in range(3):
        world.after(75, {"x": 1})
    assert world.states("Pending") == ["pending"]
    world.after(15, {"x": 1})
    assert world.states("Pending") == ["firing"]
    assert [change.after.value for change in world.history("Firing")] == ["firing"]
    assert [change.after.value for change in world.history("Pending")] == ["pending", "firing"]


def test_kill_keeps_alerts(world: World, tmp_path: Path) -> None:
    """What the last evaluation found is on disk when it ends: files as a kill leaves them bring all of it back."""
    _two_evaluations(world)
    # The lock and the shared memory belong to a process; what is on disk is the file and its log.
    held = shutil.ignore_patterns("*lock*", "*-shm")
    shutil.copytree(tmp_path / "data", tmp_path / "killed" / "data", ignore=held)
    survivor = World(tmp_path / "killed")
    try:
        survivor.now = world.now + 30_000
        survivor.file = world.file
        survivor.rules(world.file.read_text(encoding="utf-8"))
        assert survivor.manager.alerts() == world.manager.alerts()
        assert survivor.manager.changes(10) == world.manager.changes(10)
    finally:
        survivor.close()


def test_first_evaluation_after_a_restart_ends_nothing(world: World) -> None:
    """What was not scraped yet has not ended: alerts end with the second evaluation that does not find them."""
    _two_evaluations(world)
    world.now += 600_000
    world.restart()
    world.evaluate()
    assert (world.states("Pending"), world.states("Firing")) == (["pending"], ["firing"])
    world.after(15)
    assert (world.states("Pending"), world.states("Firing")) == ([], [])
    (change,) = [change for change in world.history("Firing") if change.after is AlertState.INACTIVE]
    assert change.time == world.now
    assert world.query("ALERTS") == {}


def test_alert_found_at_the_second_evaluation_waits_as_long_as_before(world: World) -> None:
    """A pending alert that is found again late has lost no time and won none."""
    _two_evaluations(world)
    world.now += 600_000
    world.restart()
    world.evaluate()
    world.after(15, {"x": 1})
    (pending,) = world.rule("Pending").alerts
    assert pending.active_at == world.now - 60_000


def test_long_outage_starts_pending_alerts_anew(world: World) -> None:
    """After more than an hour a pending alert begins again; a firing one still fires."""
    _two_evaluations(world)
    world.now += 3_700_000
    world.restart()
    world.after(0, {"x": 1})
    (pending,) = world.rule("Pending").alerts
    assert (pending.active_at, world.states("Firing")) == (world.now, ["firing"])


def test_resolved_alert_is_sent_again_after_a_restart(world: World) -> None:
    """An alert's end is told for 15 minutes, across a restart."""
    _two_evaluations(world)
    world.after(15, {"x": 0})
    resolved_at = world.now
    world.sent.clear()
    world.restart()
    world.after(120, {"x": 0})
    assert [(alert.state, alert.resolved_at) for _, alert in world.sent] == [(AlertState.INACTIVE, resolved_at)]


def test_restart_sends_nothing_twice(world: World) -> None:
    """What was sent before the stop is not sent again before its time."""
    _two_evaluations(world)
    world.after(15, {"x": 1})
    world.sent.clear()
    world.restart()
    world.after(15, {"x": 1})
    assert world.sent == []


def test_alerts_of_rules_that_are_gone_end_with_the_restart(world: World) -> None:
    """A rule that was taken out while the server was down leaves no alert, and the log says when it ended."""
    _two_evaluations(world)
    world.close()
    world.file.write_text(ALERTS.replace("alert: Firing", "alert: Other"), encoding="utf-8")
    world.open()
    world.apply()
    world.after(0, {"x": 1})
    assert [change.after.value for change in world.history("Firing")] == ["firing", "inactive"]
    assert [alert.labels.get("alertname") for alert in world.manager.alerts()] == ["Pending", "Other"]


def test_alerts_of_groups_that_are_gone_end_with_the_restart(world: World) -> None:
    """A group that was taken out while the server was down leaves no alert, and the log says when it ended."""
    _two_evaluations(world)
    world.close()
    world.open()
    world.now += 60_000
    world.manager.apply([], 15_000)
    ended = {(change.before.value, change.after.value, change.time) for change in world.manager.changes(2)}
    assert ended == {("firing", "inactive", world.now), ("pending", "inactive", world.now)}
    world.rules(ALERTS)
    assert world.manager.alerts() == []


@pytest.mark.parametrize("pause", [600, 3600])
def test_suspended_machine(world: World, pause: int) -> None:
    """After a suspend, or a step of the clock, no alert fires or ends before a fresh evaluation has looked."""
    _two_evaluations(world)
    sent = len(world.sent)
    world.after(pause)
    assert (world.states("Pending"), world.states("Firing")) == (["pending"], ["firing"])
    world.after(15, {"x": 1})
    (pending,) = world.rule("Pending").alerts
    assert (pending.active_at, world.states("Firing")) == (world.now - 60_000, ["firing"])
    assert [alert.state for _, alert in world.sent[sent:]] == [AlertState.FIRING]


def test_unchanged_group_keeps_its_state(world: World) -> None:
    """A reload leaves a group that has not changed alone, and gives a changed one what its rules knew."""
    _two_evaluations(world)
    kept = world.group("g")
    world.apply()
    assert world.group("g") is kept
    world.rules(ALERTS.replace("text:", "words:"))
    assert world.group("g") is not kept
    assert (world.states("Pending"), world.states("Firing")) == (["pending"], ["firing"])
    for _ in range(4):
        world.after(60, {"x": 1})
    assert world.states("Pending") == ["firing"]
    assert dict(world.rule("Firing").alerts[0].annotations) == {"words": "value 1"}
    assert [change.after.value for change in world.history("Firing")] == ["firing"]


def test_other_external_labels_show_in_templates(world: World) -> None:
    """A reload that changes the external labels reaches rules that did not change, and their alerts go on."""
    world.rules(ALERTS.replace("value {{ $value }}", "{{ $externalLabels.site }}"))
    world.after(15, {"x": 1})
    (before,) = world.rule("Firing").alerts
    world.apply(site="elsewhere")
    world.after(15, {"x": 1})
    (after,) = world.rule("Firing").alerts
    assert [dict(alert.annotations)["text"] for alert in (before, after)] == ["here", "elsewhere"]
    assert before.active_at == after.active_at


def test_rule_taken_out_ends_its_series(world: World) -> None:
    """The series of a rule that is no longer configured end, and its alerts are logged as inactive."""
    _two_evaluations(world)
    world.now += 1000
    world.rules(ALERTS[: ALERTS.index("  - alert: Firing")])
    world.after(15, {"x": 1})
    assert [labels.get("alertname") for labels in world.query("ALERTS")] == ["Pending"]
    assert [change.after.value for change in world.history("Firing")] == ["firing", "inactive"]


def test_group_taken_out_ends(world: World) -> None:
    """A group that is no longer configured leaves no series, no alert, no metric and no row."""
    _two_evaluations(world)
    world.now += 15_000
    world.manager.apply([], 15_000)
    world.storage.flush()
    assert (world.query("ALERTS"), world.manager.alerts(), world.manager.groups()) == ({}, [], [])
    assert world.history("Firing")[-1].after is AlertState.INACTIVE
    rules = world.registry.get_sample_value("prometheus_rule_group_rules", {"rule_group": f"{world.file};g"})
    assert rules is None
    world.restart()
    assert world.manager.alerts() == []


@pytest.mark.parametrize(
    ("rules", "where", "reason"),
    [
        ("{record: r, expr: 'x +'}", 'group "bad", rule 1, "r"', "could not parse expression"),
        ("{alert: A, expr: x, annotations: {a: '{{ nothing }}'}}", 'group "bad", rule 1, "A"', "nothing"),
        ("{alert: A, expr: x, labels: {a: '{{ if }}'}}", 'group "bad", rule 1, "A"', "template"),
        ("{record: r, expr: x}, {record: 's{}', expr: x}", 'group "bad", rule 2, "s{}"', "braces"),
        ("{alert: A, expr: x, labels: {__name__: x}}", 'group "bad", rule 1, "A"', "invalid label name: __name__"),
    ],
)
def test_bad_file_changes_nothing(world: World, tmp_path: Path, rules: str, where: str, reason: str) -> None:
    """One bad expression or template refuses all files; what ran goes on."""
    _two_evaluations(world)
    kept = world.group("g")
    bad = tmp_path / "bad.yml"
    bad.write_text(f"groups: [{{name: bad, rules: [{rules}]}}]", encoding="utf-8")
    good = tmp_path / "good.yml"
    good.write_text("groups: [{name: good, rules: [{record: r, expr: x}]}]", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        world.manager.apply([load_rule_file(good), load_rule_file(bad)], 15_000)
    assert str(bad) in str(caught.value)
    assert where in str(caught.value)
    assert reason in str(caught.value)
    assert [group.name for group in world.manager.groups()] == ["g"]
    assert world.group("g") is kept
    assert world.states("Firing") == ["firing"]


def test_values_that_are_no_numbers_come_back(world: World) -> None:
    """NaN and infinities survive the database."""
    world.rules("groups: [{name: g, rules: [{alert: A, expr: x}]}]")
    world.put({'x{i="1"}': float("nan"), 'x{i="2"}': float("inf"), 'x{i="3"}': -0.5})
    world.evaluate()
    world.restart()
    values = {alert.labels.get("i"): str(alert.value) for alert in world.manager.alerts()}
    assert values == {"1": "nan", "2": "inf", "3": "-0.5"}
    assert {str(change.value) for change in world.manager.changes(10)} == {"nan", "inf", "-0.5"}


def test_changes_are_newest_first_and_limited(world: World) -> None:
    """The log gives as many changes as were asked for."""
    _two_evaluations(world)
    world.after(15, {"x": 0})
    changes = world.manager.changes(2)
    assert {(change.time, change.after) for change in changes} == {(world.now, AlertState.INACTIVE)}
    assert (changes[0].group, changes[0].file) == ("g", str(world.file))
    assert len(world.manager.changes(100)) == 4


def test_save_that_fails_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk is full alerts go on, and what could not be saved is saved later."""
    world.rules(ALERTS)

    def full(*_: object) -> None:
        raise WriteError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(AlertStore, "save", full)
        world.put({"x": 1})
        world.evaluate()
    assert world.states("Firing") == ["firing"]
    assert len(world.sent) == 1
    assert world.manager.changes(10) == []
    world.after(15, {"x": 1})
    assert {change.time for change in world.manager.changes(10)} == {BEGIN}
    world.restart()
    assert world.states("Firing") == ["firing"]


def test_schedule_evaluates(world: World) -> None:
    """With a running scheduler groups are evaluated by themselves at their due times, until the manager stops."""
    world.rules("groups: [{name: g, interval: 100ms, rules: [{alert: A, expr: '1'}]}]")
    world.scheduler.start()
    assert world.heard.wait(20)
    group = world.group("g")
    world.manager.stop()
    stopped = group.last_evaluation
    assert stopped is not None
    assert world.scheduler.get_jobs() == []
    group.evaluate(stopped + 1000)
    assert group.last_evaluation == stopped


def test_first_evaluation_stands_apart_from_the_due_times(world: World) -> None:
    """The first evaluation is at the present time, the later ones at the group's due times."""
    world.rules("groups: [{name: g, interval: 1m, rules: [{record: r, expr: x}]}]")
    group = world.group("g")
    (job,) = world.scheduler.get_jobs()
    job.func(*job.args)
    assert group.last_evaluation == BEGIN
    due = group.slots.after(BEGIN)
    world.now = due + 12
    job.func(*job.args)
    assert group.last_evaluation == due


def test_metrics(world: World) -> None:
    """The figures carry Prometheus's names, and the group as ``<file>;<name>``."""
    _two_evaluations(world)
    world.after(45, {"x": 1})
    labels = {"rule_group": f"{world.file};g"}
    values = {
        name: world.registry.get_sample_value(f"prometheus_{name}", labels)
        for name in (
            "rule_evaluations_total",
            "rule_evaluation_failures_total",
            "rule_group_iterations_total",
            "rule_group_iterations_missed_total",
            "rule_group_interval_seconds",
            "rule_group_last_evaluation_timestamp_seconds",
            "rule_group_rules",
            "rule_group_last_evaluation_samples",
        )
    }
    assert list(values.values()) == [6, 0, 8, 5, 15, world.now / 1000, 2, 4]
    duration = world.registry.get_sample_value("prometheus_rule_group_last_duration_seconds", labels)
    assert duration is not None
    assert duration > 0
