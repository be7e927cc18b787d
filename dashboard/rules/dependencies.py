"""Which rules of a group read what an earlier one writes, so that they see it in the same evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import Matcher
from dashboard.promql.ast import Expr, VectorSelector, walk
from dashboard.rules.alerting import ALERT_NAME, ALERTS_METRIC, FOR_STATE_METRIC, AlertingRule
from dashboard.rules.rule import Rule


def feeds_later(rules: Sequence[Rule]) -> list[bool]:
    """Say of each rule whether one behind it may read its series.

    A rule whose templates run queries may read anything.
    """
    return [any(_reads(later, rule) for later in rules[number + 1 :]) for number, rule in enumerate(rules)]


def _reads(reader: Rule, writer: Rule) -> bool:
    if isinstance(reader, AlertingRule) and reader.queries_in_templates:
        return True
    return any(_may_select(matchers, writer) for matchers in _selections(reader.expr))


def _selections(expr: Expr) -> Iterable[tuple[Matcher, ...]]:
    return (node.matchers for node in walk(expr) if isinstance(node, VectorSelector))


def _may_select(matchers: tuple[Matcher, ...], writer: Rule) -> bool:
    names = (ALERTS_METRIC, FOR_STATE_METRIC) if isinstance(writer, AlertingRule) else (writer.name,)
    if not any(_all_match(matchers, METRIC_NAME, name) for name in names):
        return False
    return not isinstance(writer, AlertingRule) or _all_match(matchers, ALERT_NAME, writer.name)


def _all_match(matchers: tuple[Matcher, ...], label: str, value: str) -> bool:
    return all(matcher.matches(value) for matcher in matchers if matcher.name == label)
