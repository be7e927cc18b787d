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
        ("groups: [{name: g}, {name: g}]", 'groupname: "g" is repeated in the same file'),
        ("groups: [{name: ''}]", "a group's name must not be empty"),
        ("groups: [{name: g, rules: [{expr: up}]}]", "groups[0].rules[0]: exactly one of 'record' and 'alert'"),
        ("groups: [{name: g, rules: [{expr: up, alert: a, record: b}]}]", "exactly one of"),
        ("groups: [{name: g, rules: [{record: a, expr: up, for: 5m}]}]", "takes no 'annotations', 'for'"),
        ("groups: [{name: g, rules: [{alert: a}]}]", "missing required key `expr`"),
        ("groups: [{name: g, rules: [{alert: a, expr: up, For: 5m}]}]", "rules[0].For: unknown key (value 5m)"),
    ],
)
def test_a_bad_file_is_refused_by_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rule_file(written(tmp_path, text))
    assert message in str(caught.value)
