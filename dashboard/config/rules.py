"""Rule files, in Prometheus's format: groups of recording and alerting rules.

Expressions and templates stay text here; :mod:`dashboard.rules` parses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dashboard.config.decoding import decode
from dashboard.config.errors import ConfigError
from dashboard.config.scalars import Milliseconds
from dashboard.config.yaml_file import load


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleConfig:
    """One rule: a recording rule has ``record``, an alerting rule has ``alert``."""

    expr: str
    record: str = ""
    alert: str = ""
    for_: Milliseconds = 0
    keep_firing_for: Milliseconds = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroupConfig:
    """Rules that are evaluated one after the other; an ``interval`` of 0 stands for the global one."""

    name: str
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


def load_rule_file(file: Path, *, ignore_unknown_fields: bool = False) -> RuleFile:
    """Read a rule file and check its shape; unknown keys are errors, unless they are ignored.

    Raises:
        ConfigError: the file cannot be used; the message names the group and the rule.
    """
    data = load(file) or {}
    content = decode(file, _without_unknown(data) if ignore_unknown_fields else data, _File)
    names: set[str] = set()
    for number, group in enumerate(content.groups):
        if not group.name:
            raise ConfigError(file, "a group's name must not be empty", f"groups[{number}].name")
        if group.name in names:
            raise ConfigError(file, f'groupname: "{group.name}" is repeated in the same file', f"groups[{number}].name")
        names.add(group.name)
        for position, rule in enumerate(group.rules):
            _check_rule(file, f"groups[{number}].rules[{position}]", rule)
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


def _check_rule(file: Path, where: str, rule: RuleConfig) -> None:
    if bool(rule.record) == bool(rule.alert):
        raise ConfigError(file, "exactly one of 'record' and 'alert' must be set", where)
    if not rule.expr:
        raise ConfigError(file, "field 'expr' must be set in rule", where)
    if rule.record and (rule.annotations or rule.for_ or rule.keep_firing_for):
        raise ConfigError(file, "a recording rule takes no 'annotations', 'for' or 'keep_firing_for'", where)
