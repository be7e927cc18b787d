"""Series selectors among the parameters, such as ``match[]=up{job="api"}``."""

from __future__ import annotations

from dashboard.model.matcher import Matcher
from dashboard.promql import ParseError, parse
from dashboard.promql.ast import VectorSelector
from dashboard.web.parameters import invalid, parameters


def matcher_sets_of(name: str) -> list[tuple[Matcher, ...]]:
    """Return the matchers of every selector that the parameter gives.

    Raises:
        ApiError: a value is no selector, or one that would select everything.
    """
    return [_matchers(name, text) for text in parameters().values_of(name)]


def _matchers(name: str, text: str) -> tuple[Matcher, ...]:
    try:
        selector = parse(text)
    except ParseError as error:
        raise invalid(name, error) from error
    if not isinstance(selector, VectorSelector) or str(selector) != selector.series:
        raise invalid(name, f'"{text}" is not a series selector')
    if all(matcher.matches("") for matcher in selector.matchers):
        raise invalid(name, f"{name} must contain at least one non-empty matcher")
    return selector.matchers
