"""Checks whole rule files and tells everything that is wrong with them, as ``promtool check rules`` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml

from dashboard.config.errors import ConfigError
from dashboard.config.rules import RuleConfig, RuleFile, RuleGroupConfig, load_rule_file
from dashboard.model.labels import Labels
from dashboard.rules.validation import Problem, group_problems, rule_problems


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What a check has found: how many rules there are, and what is wrong with them."""

    rules: int
    errors: tuple[str, ...] = ()
    lint: str = ""
    """What is allowed and yet likely a mistake."""


def check_file(file: Path, *, duplicates: bool, ignore_unknown_fields: bool = False) -> CheckedFile:
    """Check a rule file; ``duplicates`` looks for rules that write the same series."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return CheckedFile(0, (f"{file}: {error}",))
    checked = _check(file, text, duplicates=duplicates, ignore_unknown_fields=ignore_unknown_fields)
    return CheckedFile(checked.rules, tuple(_prefixed(file, error) for error in checked.errors), checked.lint)


def check_text(text: str, *, duplicates: bool, ignore_unknown_fields: bool = False) -> CheckedFile:
    """Check the text of a rule file that has no name."""
    return _check(Path("standard input"), text, duplicates=duplicates, ignore_unknown_fields=ignore_unknown_fields)


def _prefixed(file: Path, error: str) -> str:
    return error if error.startswith(str(file)) else f"{file}: {error}"


def _check(file: Path, text: str, *, duplicates: bool, ignore_unknown_fields: bool) -> CheckedFile:
    try:
        content = load_rule_file(file, text, ignore_unknown_fields=ignore_unknown_fields)
    except ConfigError as error:
        return CheckedFile(0, (str(error),))
    errors = tuple(_errors(content, _Places(text)))
    found = _duplicates(content.groups) if duplicates and not errors else []
    count = sum(len(group.rules) for group in content.groups)
    return CheckedFile(count, errors, _lint_text(found) if found else "")


def _errors(content: RuleFile, places: _Places) -> Iterator[str]:
    for place, group in enumerate(content.groups):
        yield from (reason for number, reason in group_problems(content.groups) if number == place)
        for number, rule in enumerate(group.rules):
            where = f'group "{group.name}", rule {number + 1}, "{rule.alert or rule.record}"'
            for problem in rule_problems(rule):
                yield f"{places.of(place, number, problem)}{where}: {problem.reason}"


class _Places:
    """Where in a file the values of rules stand: lines and columns, counted from 1."""

    def __init__(self, text: str) -> None:
        # Composing makes no objects, and follows no alias more than once.
        self._root = yaml.compose(text, Loader=yaml.SafeLoader)

    def of(self, group: int, rule: int, problem: Problem) -> str:
        """Return ``line:column: `` of each key that a problem names, with zeros for one that is not there."""
        found = [
            _value(_item(_value(_item(_value(self._root, "groups"), group), "rules"), rule), key)
            for key in problem.keys
        ]
        return "".join(_place(node) for node in found)


def _place(node: yaml.Node | None) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}: " if node else "0:0: "


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    entries = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in entries if name.value == key), None)


def _item(node: yaml.Node | None, number: int) -> yaml.Node | None:
    return node.value[number] if isinstance(node, yaml.SequenceNode) and number < len(node.value) else None


def _duplicates(groups: Sequence[RuleGroupConfig]) -> list[tuple[str, Labels]]:
    """Return the names and labels that more than one rule has, in their order."""
    seen = sorted(_identity(group, rule) for group in groups for rule in group.rules)
    return sorted({one for one, following in pairwise(seen) if one == following})


def _identity(group: RuleGroupConfig, rule: RuleConfig) -> tuple[str, Labels]:
    return rule.alert or rule.record, Labels.of({**group.labels, **rule.labels})


def _lint_text(duplicates: Sequence[tuple[str, Labels]]) -> str:
    listed = "".join(
        f"Metric: {name}\nLabel(s):\n" + "".join(f"\t{label}: {value}\n" for label, value in labels)
        for name, labels in duplicates
    )
    told = f"{len(duplicates)} duplicate rule(s) found.\n{listed}"
    return f"lint error {told}Might cause inconsistency while recording expressions"
