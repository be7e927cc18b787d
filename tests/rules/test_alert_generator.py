"""The cases of Prometheus's alert generator compliance suite, with the time as an argument.

A sample comes every 15 s, groups are evaluated every 30 s, and alerts are sent again after more than a minute. What a
case says of sample ``n`` may show at that sample's evaluation or at the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from dashboard.model.labels import Labels
from dashboard.rules.alert import RESOLVED_RETENTION, Alert, AlertState

from .world import BEGIN, World

SAMPLE = 15_000
INTERVAL = 30_000
RESEND = 60_000


@dataclass(frozen=True)
class Case:
    """A rule, its input as ``sample number -> value from there on`` (``None``: no data), and what must come of it."""

    rule: str
    values: dict[int, float | None]
    states: list[tuple[int, str]]
    """The sample numbers at which the state changes."""
    fired: list[tuple[int, int | None]] = field(default_factory=list)
    """From which sample to which the alert fires."""
    last: int = 150


CASES = {
    "PendingAndFiringAndResolved_SimpleAlert": Case(
        "expr: generator_test > 10\n            for: 6m",
        {0: 5, 8: 11, 21: 15, 53: 19, 69: 9, 89: 15, 134: 8},
        [(8, "pending"), (32, "firing"), (69, "inactive"), (89, "pending"), (113, "firing"), (134, "inactive")],
        [(32, 69), (113, 134)],
        last=210,
    ),
    "PendingAndResolved_AlwaysInactive_PendingAlert": Case(
        "expr: generator_test > 10\n            for: 3m",
        {0: 5, 8: 11, 19: 9, 27: None},
        [(8, "pending"), (19, "inactive")],
        last=60,
    ),
    "PendingAndResolved_AlwaysInactive_InactiveAlert": Case(
        "expr: generator_test > 99\n            for: 3m", {0: 5, 8: 11, 19: 9, 27: None}, [], last=60
    ),
    "ZeroFor_SmallFor_ZeroFor": Case(
        "expr: generator_test > 10",
        {0: 5, 8: 15, 21: 9, 93: 11, 106: 9},
        [(8, "firing"), (21, "inactive"), (93, "firing"), (106, "inactive")],
        [(8, 21), (93, 106)],
        last=180,
    ),
    "ZeroFor_SmallFor_SmallFor": Case(
        "expr: generator_test > 13\n            for: 15s",
        {0: 5, 8: 15, 21: 9, 93: 11, 106: 9},
        [(8, "pending"), (10, "firing"), (21, "inactive")],
        [(10, 21)],
        last=120,
    ),
}


def _time(sample: int) -> int:
    return BEGIN + sample * SAMPLE


def _run(world: World, case: Case) -> None:
    value: float | None = None
    for sample in range(case.last):
        value = case.values.get(sample, value)
        world.now = _time(sample)
        if value is not None:
            world.put({"generator_test": value})
        if sample % 2 == 0:
            world.evaluate()


def _load(world: World, name: str, case: Case) -> None:
    world.rules(
        f"""
        groups:
        - name: generator
          interval: 30s
          rules:
          - alert: {name}
            {case.rule}
            labels:
              foo: bar
              rulename: {name}
            annotations:
              description: "The value is {{{{ $value }}}} {{{{ .Value }}}}"
              summary: "{{{{ $labels.rulename }}}}[{{{{ $labels.foo }}}}]"
        """
    )


@pytest.mark.parametrize("name", CASES)
def test_states_change_when_they_must(world: World, name: str) -> None:
    """Each state is stored once, at the evaluation of its sample or the next one; none comes early or is missed."""
    case = CASES[name]
    _load(world, name, case)
    _run(world, case)
    history = world.history(name)
    assert [change.after.value for change in history] == [state for _, state in case.states]
    for change, (sample, _) in zip(history, case.states, strict=True):
        assert _time(sample) <= change.time <= _time(sample) + INTERVAL
    assert [change.before.value for change in history[1:]] == [state for _, state in case.states[:-1]]


@pytest.mark.parametrize("name", CASES)
def test_sends_are_those_of_prometheus(world: World, name: str) -> None:
    """Firing alerts are sent at once and each minute; resolved ones for 15 minutes, or until they are pending again.

    A pending or an inactive alert is never sent.
    """
    case = CASES[name]
    _load(world, name, case)
    _run(world, case)
    beginnings = [sample for sample, state in case.states if state in ("pending", "firing")]
    expected: list[tuple[int, int, AlertState]] = []
    for start, end in case.fired:
        until = case.last if end is None else end
        expected.append((start, until, AlertState.FIRING))
        if end is not None:
            again = min((sample for sample in beginnings if sample > end), default=case.last)
            expected.append((end, min(again, end + 1 + RESOLVED_RETENTION // SAMPLE), AlertState.INACTIVE))
    left = list(world.sent)
    for start, end, state in expected:
        sends = [(time, alert) for time, alert in left if _time(start) <= time < _time(end) + INTERVAL // 2]
        sends = [(time, alert) for time, alert in sends if alert.state is state]
        left = [send for send in left if send not in sends]
        _check_sends(sends, start, end)
    assert left == []


def _check_sends(sends: list[tuple[int, Alert]], start: int, end: int) -> None:
    assert sends
    times = [time for time, _ in sends]
    assert times[0] <= _time(start) + INTERVAL
    assert _time(end) - times[-1] <= RESEND + 2 * INTERVAL
    assert all(55_000 <= later - earlier <= 95_000 for earlier, later in pairwise(times))
    for time, alert in sends:
        if alert.state is AlertState.FIRING:
            assert (alert.starts_at, alert.ends_at) == (times[0], time + 4 * RESEND)
        else:
            assert alert.ends_at == times[0]
            assert alert.starts_at < times[0]


def test_fields_of_an_alert(world: World) -> None:
    """Labels are the query's, without its name, under the rule's; annotations follow the value at once."""
    name = "PendingAndFiringAndResolved_SimpleAlert"
    case = CASES[name]
    _load(world, name, case)
    _run(world, Case(case.rule, case.values, [], last=64))
    (alert,) = world.manager.alerts()
    assert alert.labels == Labels.of({"alertname": name, "foo": "bar", "rulename": name})
    assert (alert.value, alert.active_at) == (19.0, _time(8))
    # Annotations see the labels of the query, not those that the rule adds.
    assert dict(alert.annotations) == {"description": "The value is 19 19", "summary": "[]"}
    rule = world.rule(name)
    assert (rule.query, rule.hold_duration, rule.state.value) == ("generator_test > 10", 360_000, "firing")
    assert (rule.health.value, rule.last_error, rule.last_evaluation) == ("ok", "", _time(62))
    assert rule.annotations.get("description") == "The value is {{ $value }} {{ .Value }}"
    assert alert.generator_url == "http://cockpit.example/graph?g0.expr=generator_test+%3E+10&g0.tab=1"
    descriptions = [alert.annotations.get("description") for _, alert in world.sent]
    assert descriptions[0] == "The value is 15 15"
    assert descriptions[-1] == "The value is 19 19"


def test_alerts_series(world: World) -> None:
    """``ALERTS`` and ``ALERTS_FOR_STATE`` are there while the alert is, and end with it."""
    world.rules(
        """
        groups:
        - name: generator
          rules:
          - alert: Test
            expr: x > 10
            for: 30s
        """
    )
    world.put({"x": 11})
    world.evaluate()
    assert world.query("ALERTS") == {
        Labels.of({"__name__": "ALERTS", "alertname": "Test", "alertstate": "pending"}): 1.0
    }
    world.after(30, {"x": 12})
    assert world.query("ALERTS") == {
        Labels.of({"__name__": "ALERTS", "alertname": "Test", "alertstate": "firing"}): 1.0
    }
    for_state = Labels.of({"__name__": "ALERTS_FOR_STATE", "alertname": "Test"})
    assert world.query("ALERTS_FOR_STATE") == {for_state: BEGIN // 1000}
    world.after(15, {"x": 1})
    assert world.query('{__name__=~"ALERTS.*"}') == {}


RULES_ON_ALERTS = """
groups:
- name: order
  interval: 30s
  rules:
  - alert: Rule1
    expr: generator_test > 10
    for: 3m
    labels:
      foo: bar
  - alert: Rule2
    expr: count by (alertname, alertstate, foo) (ALERTS{alertname="Rule1", alertstate="firing"}) == 2
    labels:
      foo: baz
      rulename: "{{ $labels.alertname }}2"
    annotations:
      description: "Old alertname was {{ $labels.alertname }}. foo was {{ $labels.foo }}."
"""


def test_new_alerts_and_their_order(world: World) -> None:
    """A new alert does not disturb the old one; a later rule sees what an earlier one did in the same evaluation."""
    world.rules(RULES_ON_ALERTS)
    one, two = {0: 5.0, 8: 11.0, 73: 9.0}, {0: 5.0, 32: 11.0, 65: 9.0}
    value_one = value_two = 0.0
    for sample in range(90):
        world.now = _time(sample)
        value_one, value_two = one.get(sample, value_one), two.get(sample, value_two)
        world.put({'generator_test{variant="one"}': value_one, 'generator_test{variant="two"}': value_two})
        if sample % 2 == 0:
            world.evaluate()
    states = {
        variant: [
            ((change.time - BEGIN) // SAMPLE, change.after.value)
            for change in world.history("Rule1")
            if change.labels.get("variant") == variant
        ]
        for variant in ("one", "two")
    }
    assert states["one"] == [(8, "pending"), (20, "firing"), (74, "inactive")]
    assert states["two"] == [(32, "pending"), (44, "firing"), (66, "inactive")]
    rule2 = [((change.time - BEGIN) // SAMPLE, change.after.value) for change in world.history("Rule2")]
    assert rule2 == [(44, "firing"), (66, "inactive")]
    sent = next(alert for _, alert in world.sent if alert.labels.get("alertname") == "Rule2")
    assert sent.labels == Labels.of({"alertname": "Rule2", "alertstate": "firing", "foo": "baz", "rulename": "Rule12"})
    assert sent.annotations.get("description") == "Old alertname was Rule1. foo was bar."
    times = [time for time, alert in world.sent if alert.labels.get("variant") == "one" and alert.is_active]
    assert all(55_000 <= later - earlier <= 95_000 for earlier, later in pairwise(times))


def test_alerts_of_a_rule_on_alerts_have_one_state(world: World) -> None:
    """A rule on ``ALERTS`` keeps the label alertstate, and its own series has one all the same."""
    world.rules(RULES_ON_ALERTS.replace("for: 3m", "for: 0s"))
    world.put({'generator_test{variant="one"}': 11, 'generator_test{variant="two"}': 11})
    world.evaluate()
    found = world.query('ALERTS{alertname="Rule2"}')
    assert [labels.get("alertstate") for labels in found] == ["firing"]


def test_templates_of_the_suite(world: World) -> None:
    """The suite's annotations come out as it wants them, with queries by the real engine."""
    world.rules(
        """
        groups:
        - name: templates
          rules:
          - alert: Numbers
            expr: x > 10
            annotations:
              humanized: "{{ humanize 1048576.0 }} {{ humanize1024 1048576.0 }} {{ humanizeDuration 135.3563 }}
                {{ humanizePercentage 0.959 }} {{ humanizeTimestamp 1643114203.0 }}"
              queries: >-
                {{ define "args" }}Args are: {{ .arg0 }} {{ .arg1 }} {{ .arg2 }}.{{ end -}}
                {{ template "args" (args "foo" "bar" 99) }}
                first_id:{{ query "sort_here" | sortByLabel "id" | first | label "id" -}}
                ,{{ range query "sort_here" | sortByLabel "id" }}{{ .Labels.id }}:{{ .Value }},{{ end }}
              external: "{{ $externalLabels.site }} {{ $externalURL }}"
        """
    )
    world.put({"x": 15, 'sort_here{id="103"}': 3, 'sort_here{id="101"}': 1, 'sort_here{id="102"}': 2})
    world.evaluate()
    (alert,) = world.manager.alerts()
    assert dict(alert.annotations) == {
        "humanized": "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC",
        "queries": "Args are: foo bar 99. first_id:101,101:1,102:2,103:3,",
        "external": "here http://cockpit.example",
    }
