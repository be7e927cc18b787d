"""What may be wrong with rules, in Prometheus's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config.rules import load_rule_file
from dashboard.rules.validation import group_problems, rule_problems


def reasons(rule: str) -> list[str]:
    (group,) = load_rule_file(Path("rules.yml"), f"groups: [{{name: g, rules: [{rule}]}}]").groups
    return [problem.reason for problem in rule_problems(group.rules[0])]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{alert: A, expr: up, for: 5m, labels: {a: b}, annotations: {c: '{{ $value }}'}}", []),
        ("{record: a:b, expr: up, labels: {a: b}}", []),
        ("{record: a, alert: b, expr: up}", ["only one of 'record' and 'alert' must be set"]),
        ("{expr: up}", ["one of 'record' or 'alert' must be set"]),
        ("{alert: a}", ["field 'expr' must be set in rule"]),
        ("{alert: a, expr: up +}", ["could not parse expression: 1:5: parse error: unexpected end of input"]),
        ("{record: a, expr: up, for: 5m}", ["invalid field 'for' in recording rule"]),
        ("{record: a, expr: up, annotations: {a: b}}", ["invalid field 'annotations' in recording rule"]),
        ("{record: 'a{b}', expr: up}", ["braces present in the recording rule name; should it be in expr?: a{b}"]),
        ("{alert: a, expr: up, labels: {__name__: x}}", ["invalid label name: __name__"]),
        ("{alert: a, expr: up, annotations: {'': x}}", ["invalid annotation name: "]),
        ("{alert: a, expr: up, annotations: {__name__: x}}", []),
        ("{record: a, expr: up, labels: {x: '{{ nope }}'}}", []),
        ("{expr: up +, annotations: {a: b}}", ["one of 'record' or 'alert' must be set", "could not parse"]),
    ],
)
def test_each_problem_is_told(rule: str, expected: list[str]) -> None:
    """All problems come, in order, and none where there is none."""
    found = reasons(rule)
    assert len(found) == len(expected)
    for reason, begin in zip(found, expected, strict=True):
        assert reason.startswith(begin)


def test_templates_are_named() -> None:
    """A template that cannot be parsed is told with its label or annotation."""
    label, annotation = reasons("{alert: a, expr: up, labels: {x: '{{ $y }}'}, annotations: {z: '{{ nope }}'}}")
    assert label.startswith('label "x": ')
    assert "y" in label
    assert annotation.startswith('annotation "z": ')


def test_groups_have_names_of_their_own() -> None:
    """A name may be missing, or given twice, in one file."""
    text = "groups: [{name: g}, {rules: []}, {name: g, labels: {__name__: x}}]"
    assert list(group_problems(load_rule_file(Path("rules.yml"), text).groups)) == [
        (1, "Groupname must not be empty"),
        (2, 'groupname: "g" is repeated in the same file'),
        (2, "invalid label name: __name__"),
    ]
