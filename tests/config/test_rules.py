from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.rules import load_rule_file


def written(folder: Path, text: str) -> Path:
    file = folder / "rules.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_scalar_takes_the_type_of_its_field(tmp_path: Path) -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: 1, for: 5m, labels: {severity: 2}}]}]"
    rule = load_rule_file(written(tmp_path, text)).groups[0].rules[0]
    assert (rule.expr, rule.for_, rule.labels) == ("1", 300_000, {"severity": "2"})


def test_a_field_written_without_a_value_keeps_its_default(tmp_path: Path) -> None:
    text = "groups:\n- name: g\n  interval:\n  rules:\n  - record: r\n    expr: up\n    labels:\n"
    group = load_rule_file(written(tmp_path, text)).groups[0]
    assert group.interval == 0
    assert group.rules[0].labels == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("groups: [{name: g, rules: [{alert: a, expr: up, For: 5m}]}]", "rules[0].For: unknown key (value 5m)"),
        ("groups: [{name: g, interval: soon}]", "groups[0].interval: not a valid duration"),
        ("groups: {name: g}", "groups: expected a list"),
    ],
)
def test_a_bad_file_is_refused_by_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rule_file(written(tmp_path, text))
    assert message in str(caught.value)


def test_unknown_keys_can_be_ignored(tmp_path: Path) -> None:
    text = "owner: me\ngroups: [{name: g, team: x, rules: [{alert: a, expr: up, runbook: y, labels: {z: w}}]}]"
    file = load_rule_file(written(tmp_path, text), ignore_unknown_fields=True)
    assert file.groups[0].rules[0].labels == {"z": "w"}
