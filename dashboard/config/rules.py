"""Rule files, in Prometheus's format: groups of recording and alerting rules.

Only the shape is checked: expressions and templates stay text here, and :mod:`dashboard.rules` says what is wrong with
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dashboard.config.decoding import decode
from dashboard.config.scalars import Milliseconds
from dashboard.config.yaml_file import load


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleConfig:
    """One rule: a recording rule has ``record``, an alerting rule has ``alert``."""

    expr: str = ""
    record: str = ""
    alert: str = ""
    for_: Milliseconds = 0
    keep_firing_for: Milliseconds = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroupConfig:
    """Rules that are evaluated one after the other; an ``interval`` of 0 stands for the global one."""

    name: str = ""
    interval: Milliseconds = 0
    query_offset: Milliseconds = 0
    limit: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[RuleConfig, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    groups: tuple[RuleGroupConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The groups of one rule file."""

    file: Path
    groups: tuple[RuleGroupConfig, ...]


def load_rule_file(file: Path, text: str | None = None, *, ignore_unknown_fields: bool = False) -> RuleFile:
    """Read the shape of a rule file, or of the text given in its place; unknown keys are errors, unless ignored.

    Raises:
        ConfigError: the file cannot be used; the message names the line and the key.
    """
    data = load(file, text) or {}
    content = decode(file, _without_unknown(data) if ignore_unknown_fields else data, _File)
    return RuleFile(file=file, groups=content.groups)


def _without_unknown(data: Any) -> Any:
    """Return a file's content without the keys of files, groups and rules that Prometheus does not know."""
    groups = data.get("groups") if isinstance(data, dict) else None
    for group in groups if isinstance(groups, list) else ():
        _drop_unknown(group, RuleGroupConfig)
        rules = group.get("rules") if isinstance(group, dict) else None
        for rule in rules if isinstance(rules, list) else ():
            _drop_unknown(rule, RuleConfig)
    _drop_unknown(data, _File)
    return data


def _drop_unknown(section: Any, record: type[_File | RuleGroupConfig | RuleConfig]) -> None:
    known = {field.name.rstrip("_") for field in fields(record)}
    for key in list(section) if isinstance(section, dict) else ():
        if key not in known:
            del section[key]
