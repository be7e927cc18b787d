"""Rules and alerts, as Prometheus's API shows them."""

from __future__ import annotations

from typing import Any

from flask import Response

from dashboard.rules.status import RuleKind
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.envelope import succeeded
from dashboard.web.parameters import invalid, parameters
from dashboard.web.parts import parts
from dashboard.web.rules_json import RuleFilter, alert_json, groups_json, page_token
from dashboard.web.selectors import matcher_sets_of

blueprint = api_blueprint("rules_api")


@blueprint.get("/alerts")
def alerts() -> Response:
    """List the pending and firing alerts."""
    return succeeded({"alerts": [alert_json(alert) for alert in parts().rules.alerts()]})


@blueprint.get("/rules")
def rules() -> Response:
    """Show the rule groups with the rules that the filters leave."""
    wanted = RuleFilter(
        kinds=_rule_kinds(parameters().value_of("type").lower()),
        names=parameters().values_of("rule_name[]"),
        groups=parameters().values_of("rule_group[]"),
        files=parameters().values_of("file[]"),
        matcher_sets=matcher_sets_of("match[]"),
    )
    groups = groups_json(parts().rules.groups(), wanted, with_alerts=not parameters().flag_of("exclude_alerts"))
    return succeeded(_page_of(groups))


def _rule_kinds(word: str) -> tuple[RuleKind, ...]:
    kinds = {"": tuple(RuleKind), "alert": (RuleKind.ALERTING,), "record": (RuleKind.RECORDING,)}
    if word not in kinds:
        raise invalid("type", f'not supported value "{word}"')
    return kinds[word]


def _page_of(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the page of groups that ``group_limit`` and ``group_next_token`` ask for."""
    limit, token = parameters().limit_of("group_limit"), parameters().value_of("group_next_token")
    if token and limit is None:
        raise invalid("group_limit", "group_limit needs to be present in order to paginate over the groups")
    tokens = [page_token(group) for group in groups]
    if token and token not in tokens:
        raise invalid("group_next_token", "were rule groups changed?")
    first = tokens.index(token) if token else 0
    page: dict[str, Any] = {"groups": groups[first : None if limit is None else first + limit]}
    if limit is not None and first + limit < len(groups):
        page["groupNextToken"] = tokens[first + limit]
    return page
