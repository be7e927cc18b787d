"""Lists of targets are read as Prometheus reads them, or refused with the place of the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config.discovery import StaticConfig
from dashboard.scrape.discovery.group import TargetGroup, read_json, read_yaml
from dashboard.scrape.errors import DiscoveryError

GROUPS = [
    StaticConfig(targets=("a:1", "b:2"), labels={"env": "prod", "port": "9"}),
    StaticConfig(targets=("c",)),
    StaticConfig(),
]


def test_json() -> None:
    text = b'[{"targets": ["a:1", "b:2"], "labels": {"env": "prod", "port": "9"}}, {"targets": ["c"]}, {}]'
    assert list(read_json("url", text)) == GROUPS
    assert [*read_json("url", b"[]"), *read_json("url", b"null")] == []


def test_yaml(tmp_path: Path) -> None:
    file = tmp_path / "t.yml"
    file.write_text(
        "- targets: ['a:1', 'b:2']\n  labels: {env: prod, port: 9}\n- targets: [c]\n- {targets: []}\n", encoding="utf-8"
    )
    assert list(read_yaml(file)) == GROUPS
    file.write_text("", encoding="utf-8")
    assert list(read_yaml(file)) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[null]",
        b'[{"targets": "a"}]',
        b'[{"targets": [1]}]',
        b'[{"targets": ["a"], "label": {}}]',
        b'[{"labels": {"a": 1}}]',
        b'[{"labels": {"": "x"}}]',
        b'[{"targets": ["a"]}] x',
        b'[{"targets": ["\xff"]}]',
        b"[" * 100_000,
    ],
)
def test_json_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(DiscoveryError, match=r"^url: "):
        read_json("url", text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "[null]",
        "- targets: a",
        "- {targets: [a], label: {}}",
        "- {labels: {'': x}}",
        "- {labels: {a: [b]}}",
    ],
)
def test_yaml_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "t.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DiscoveryError, match=r"t\.yml"):
        read_yaml(file)


def test_labels_of_discovery_count_before_those_of_the_list() -> None:
    group = TargetGroup.of(StaticConfig(targets=("a",), labels={"x": "y", "__meta_url": "z"}), __meta_url="u")
    assert group == TargetGroup(({"__address__": "a"},), {"x": "y", "__meta_url": "u"})
