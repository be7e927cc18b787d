"""Rule files, in Prometheus's format: groups of recording and alerting rules.

Expressions and templates stay text here; :mod:`dashboard.rules` parses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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


def load_rule_file(file: Path) -> RuleFile:
    """Read a rule file and check its shape.

    Raises:
        ConfigError: the file cannot be used; the message names the group and the rule.
    """
    content = decode(file, load(file) or {}, _File)
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


def _check_rule(file: Path, where: str, rule: RuleConfig) -> None:
    if bool(rule.record) == bool(rule.alert):
        raise ConfigError(file, "exactly one of 'record' and 'alert' must be set", where)
    if not rule.expr:
        raise ConfigError(file, "field 'expr' must be set in rule", where)
    if rule.record and (rule.annotations or rule.for_ or rule.keep_firing_for):
        raise ConfigError(file, "a recording rule takes no 'annotations', 'for' or 'keep_firing_for'", where)
