"""Whole rule files are checked, and every problem is told with its place, as promtool does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dashboard.rules.check import check_file, check_text

BAD = """\
groups:
- name: g
  rules:
  - alert: A
    expr: up +
  - {alert: B, record: x, expr: "1"}
  - record: "a{b}"
    for: 5m
    annotations: {x: y}
    expr: |
      sum(
  - {alert: T, expr: "1", annotations: {a: "{{ nope }}"}}
- name: g
- name: ""
"""


def test_every_error_is_told_with_its_place() -> None:
    """Lines and columns are those of the values."""
    assert list(check_text(BAD, duplicates=True).errors) == [
        '5:11: group "g", rule 1, "A": could not parse expression: 1:5: parse error: unexpected end of input',
        "6:24: 6:13: group \"g\", rule 2, \"B\": only one of 'record' and 'alert' must be set",
        '10:11: group "g", rule 3, "a{b}": could not parse expression: 2:1: parse error: unclosed left parenthesis',
        '7:13: group "g", rule 3, "a{b}": invalid field \'annotations\' in recording rule',
        '7:13: group "g", rule 3, "a{b}": invalid field \'for\' in recording rule',
        '7:13: group "g", rule 3, "a{b}": braces present in the recording rule name; should it be in expr?: a{b}',
        'group "g", rule 4, "T": annotation "a": template: __alert_T:1: function "nope" not defined',
        'groupname: "g" is repeated in the same file',
        "Groupname must not be empty",
    ]


@pytest.mark.peers
def test_promtool_tells_the_same_errors(tmp_path: Path) -> None:
    """Each error is in what promtool writes; older ones do not tell the place of every key."""
    file = tmp_path / "rules.yml"
    file.write_text(BAD.replace('  - record: "a{b}"', "  - record: ab"))
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    ours = check_file(file, duplicates=True).errors
    for error in ours:
        assert error.startswith(f"{file}: ")
        assert error.rpartition(": ")[2] in done.stderr
    assert ours[0] in done.stderr


def test_a_good_file_counts_its_rules() -> None:
    """There is nothing to tell but how many rules there are."""
    checked = check_text("groups: [{name: g, rules: [{record: a, expr: up}, {alert: b, expr: up}]}]", duplicates=True)
    assert (checked.rules, checked.errors, checked.lint) == (2, (), "")
    assert check_text("", duplicates=True).rules == 0


def test_rules_that_write_the_same_series_are_linted() -> None:
    """Names and labels count, those of the group among them; each repeated one is told once."""
    text = """
groups:
- {name: a, labels: {x: y}, rules: [{record: r, expr: up}, {record: other, expr: up}]}
- {name: b, rules: [{record: r, expr: up, labels: {x: y}}, {record: r, expr: down, labels: {x: y}}]}
- {name: c, rules: [{record: r, expr: up, labels: {x: z}}]}
"""
    assert check_text(text, duplicates=True).lint == (
        "lint error 1 duplicate rule(s) found.\n"
        "Metric: r\nLabel(s):\n\tx: y\n"
        "Might cause inconsistency while recording expressions"
    )
    assert check_text(text, duplicates=False).lint == ""


@pytest.mark.parametrize(
    "text", ["groups: [", "groups: 5", "a: b", "groups: [{name: g, rules: [{alert: a, fro: 5m}]}]"]
)
def test_what_is_no_rule_file_is_one_error(text: str) -> None:
    """The shape is wrong: nothing else is looked at."""
    assert len(check_text(text, duplicates=True).errors) == 1


def test_unknown_keys_may_be_ignored() -> None:
    """Files may have keys of their own, if it is asked for."""
    text = "owner: me\ngroups: [{name: g, team: x, rules: [{alert: a, expr: up, runbook: y}]}]"
    assert check_text(text, duplicates=True, ignore_unknown_fields=True).errors == ()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, or one that is no text, is an error that names it."""
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.yml", "binary.yml"):
        (error,) = check_file(tmp_path / name, duplicates=True).errors
        assert name in error
