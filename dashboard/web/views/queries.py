"""Queries of names and values that come from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.promql.ast import VectorSelector

_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# Words that PromQL reads as something else where a metric may stand.
_RESERVED = frozenset(("atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"))


def selector(labels: Iterable[tuple[str, str]]) -> str:
    """Return the selector of the series that have these labels, whatever characters are in them."""
    matchers = _matchers(labels)
    metric = next((each.value for each in matchers if each.name == METRIC_NAME), "")
    plain = _PLAIN.fullmatch(metric) and metric.lower() not in _RESERVED
    return str(VectorSelector(metric if plain else "", matchers))


def selector_like(names: str, labels: Iterable[tuple[str, str]]) -> str:
    """Return the selector of the series that have these labels and a name that matches a regular expression."""
    return str(VectorSelector("", (Matcher(MatchKind.REGEX, METRIC_NAME, names), *_matchers(labels))))


def with_label(name: str) -> str:
    """Return the selector of the series that have a label, whatever its value."""
    return str(VectorSelector("", (Matcher(MatchKind.NOT_EQUAL, name, ""),)))


def _matchers(labels: Iterable[tuple[str, str]]) -> tuple[Matcher, ...]:
    return tuple(Matcher(MatchKind.EQUAL, name, value) for name, value in labels)
