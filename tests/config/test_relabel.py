from pathlib import Path

import pytest

from dashboard.config.decoding import decoder_of
from dashboard.config.errors import ConfigError
from dashboard.config.place import Place
from dashboard.config.relabel import RelabelConfigs
from dashboard.config.yaml_file import load
from dashboard.model.relabel import RelabelAction, RelabelConfig

FILE = Path("some.yml")


def read(text: str) -> tuple[RelabelConfig, ...]:
    rules: tuple[RelabelConfig, ...] = decoder_of(RelabelConfigs)(load(FILE, text), Place(FILE))
    return rules


def test_a_rule_has_the_defaults_of_prometheus() -> None:
    assert read("[{target_label: a}]") == (RelabelConfig(target_label="a"),)


def test_every_key_is_read_and_an_action_is_written_in_any_case() -> None:
    text = "[{source_labels: [a, b], separator: ',', regex: 1, modulus: 010, target_label: t, action: HashMod}]"
    assert read(text) == (RelabelConfig(("a", "b"), ",", "1", 8, target_label="t", action=RelabelAction.HASHMOD),)


@pytest.mark.parametrize("target", ["${1}", "a-b", "42", "ü"])
def test_any_name_is_valid(target: str) -> None:
    assert read(f"[{{target_label: '{target}'}}]")[0].target_label == target


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("action: hold", 'action: unknown relabel action "hold"'),
        ("action:", "action: relabel action cannot be empty"),
        ("regex: '('", "regex: error parsing regexp"),
        ("regex: '\\C'", "regex: error parsing regexp"),
        ("source_labels: ['']", 'source_labels[0]: "" is not a valid label name'),
        ("action: hashmod\n  target_label: t", "modulus: relabel configuration for hashmod requires non-zero modulus"),
        ("action: hashmod\n  modulus: 1", "relabel configuration for hashmod action requires 'target_label' value"),
        ("action: replace", "relabel configuration for replace action requires 'target_label' value"),
        ("action: lowercase", "requires 'target_label' value"),
        ("action: keepequal", "requires 'target_label' value"),
        ("action: uppercase\n  target_label: t\n  replacement: x", "'replacement' can not be set for uppercase action"),
        ("action: labelmap\n  replacement: ''", "is invalid 'replacement' for labelmap action"),
        ("action: dropequal\n  target_label: t\n  regex: x", "dropequal action requires only 'source_labels' and"),
        ("action: keepequal\n  target_label: t\n  separator: x", "keepequal action requires only 'source_labels' and"),
        ("action: labeldrop\n  source_labels: [a]", "labeldrop action requires only 'regex', and no other fields"),
        ("action: labeldrop\n  source_labels: []", "labeldrop action requires only 'regex', and no other fields"),
        ("action: labelkeep\n  target_label: t", "labelkeep action requires only 'regex', and no other fields"),
        ("modulus: -1", "modulus: must not be negative"),
        ("unknown: x", "unknown: unknown key"),
    ],
)
def test_a_rule_that_prometheus_refuses_is_refused(rule: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(f"- {rule}")
    assert message in str(caught.value)


def test_an_empty_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a mapping"):
        read("[~]")
