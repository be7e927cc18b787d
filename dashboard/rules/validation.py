"""What may be wrong with a rule or a group beyond its shape (``Validate`` in Prometheus's model/rulefmt)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.config.rules import RuleConfig, RuleGroupConfig
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.promql import ParseError, parse
from dashboard.rules.errors import TemplateError
from dashboard.rules.templates import Expander


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in Prometheus's words, and the keys of the rule at whose values it stands."""

    reason: str
    keys: tuple[str, ...] = ()


def group_problems(groups: Sequence[RuleGroupConfig]) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with the groups of one file themselves: the number of the group, from 0, and the reason."""
    names: set[str] = set()
    for number, group in enumerate(groups):
        if not group.name:
            yield number, "Groupname must not be empty"
        if group.name in names:
            yield number, f'groupname: "{group.name}" is repeated in the same file'
        names.add(group.name)
        yield from ((number, problem.reason) for problem in _bad_names("label", group.labels))


def rule_problems(rule: RuleConfig) -> Iterator[Problem]:
    """Yield what is wrong with a rule, in Prometheus's order."""
    if rule.record and rule.alert:
        yield Problem("only one of 'record' and 'alert' must be set", ("record", "alert"))
    if not rule.record and not rule.alert:
        yield Problem("one of 'record' or 'alert' must be set", ("record", "alert"))
    yield from _expression_problems(rule.expr)
    if rule.record:
        yield from _record_problems(rule)
    yield from _bad_names("label", rule.labels)
    yield from _bad_names("annotation", rule.annotations)
    if rule.alert:
        yield from _template_problems(rule)


def _expression_problems(expr: str) -> Iterator[Problem]:
    if not expr:
        yield Problem("field 'expr' must be set in rule", ("expr",))
        return
    try:
        parse(expr)
    except ParseError as error:
        yield Problem(f"could not parse expression: {error}", ("expr",))


def _record_problems(rule: RuleConfig) -> Iterator[Problem]:
    given = {"annotations": rule.annotations, "for": rule.for_, "keep_firing_for": rule.keep_firing_for}
    for key, value in given.items():
        if value:
            yield Problem(f"invalid field '{key}' in recording rule", ("record",))
    if "{" in rule.record or "}" in rule.record:
        reason = f"braces present in the recording rule name; should it be in expr?: {rule.record}"
        yield Problem(reason, ("record",))


def _bad_names(kind: str, texts: Mapping[str, str]) -> Iterator[Problem]:
    for name in texts:
        if not name or (kind == "label" and name == METRIC_NAME):
            yield Problem(f"invalid {kind} name: {name}")


def _template_problems(rule: RuleConfig) -> Iterator[Problem]:
    expander = Expander(rule.alert, lambda _text, _time: [], external_labels=Labels(), external_url="")
    for kind, texts in (("label", rule.labels), ("annotation", rule.annotations)):
        for name, text in texts.items():
            try:
                expander.compile(text)
            except TemplateError as error:
                yield Problem(f'{kind} "{name}": {error}')
