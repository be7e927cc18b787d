"""Prometheus's HTTP API, ``/api/v1/*`` (web/api/v1/api.go of Prometheus 3).

A handler reads its parameters, asks a part and returns data or raises; the envelope is written in one place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson
from flask import Blueprint, Response

import dashboard
from dashboard.model.matcher import Matcher
from dashboard.promql import ParseError, PromqlError, QueryResult, QueryTimeoutError, parse
from dashboard.promql.engine import MAX_STEPS
from dashboard.rules.status import RuleKind
from dashboard.scrape import TargetStatus
from dashboard.web import parameters
from dashboard.web.envelope import ApiError, ErrorType, failed, succeeded
from dashboard.web.label_names import unescape_label_name
from dashboard.web.parameters import MAX_TIME, MIN_TIME, invalid
from dashboard.web.parts import parts
from dashboard.web.rules_json import RuleFilter, alert_json, groups_json, page_token
from dashboard.web.samples_json import value_json
from dashboard.web.selectors import matcher_sets_of
from dashboard.web.targets_json import metadata_json, target_json, target_metadata_json

API_VERSION = "3.0.0"
"""The version of Prometheus whose API this is; Grafana offers what that version can."""

blueprint = Blueprint("prometheus_api", __name__, url_prefix="/api/v1")

_LONGEST_QUERY = 120_000
_TRUNCATED = "results truncated due to limit"
_BOTH = ("GET", "POST")


@blueprint.before_request
def refuse_until_ready() -> Response | None:
    """Answer 503 until the store is open."""
    return None if parts().ready() else failed(ErrorType.UNAVAILABLE, "Service Unavailable")


@blueprint.errorhandler(ApiError)
def answer_api_error(error: ApiError) -> Response:
    """Answer a request that cannot be."""
    return failed(error.kind, str(error))


@blueprint.errorhandler(PromqlError)
def answer_promql_error(error: PromqlError) -> Response:
    """Answer a query that cannot be asked, or an evaluation that failed."""
    if isinstance(error, ParseError):
        return answer_api_error(invalid("query", error))
    return failed(ErrorType.TIMEOUT if isinstance(error, QueryTimeoutError) else ErrorType.EXECUTION, str(error))


@blueprint.route("/query", methods=_BOTH)
def query() -> Response:
    """Evaluate an expression at one time."""
    limit = parameters.limit_of()
    time = parameters.time_of("time", parts().clock())
    return _query_answer(parts().engine.instant(_query_text(), time, **_query_limits()), limit)


@blueprint.route("/query_range", methods=_BOTH)
def query_range() -> Response:
    """Evaluate an expression at every step of a range."""
    limit = parameters.limit_of()
    start, end = parameters.time_of("start"), parameters.time_of("end")
    if end < start:
        raise invalid("end", "end timestamp must not be before start time")
    step = parameters.duration_of("step")
    if step <= 0:
        raise invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
    if (end - start) // step > MAX_STEPS:
        reason = f"exceeded maximum resolution of {MAX_STEPS:,} points per timeseries."
        raise ApiError(ErrorType.BAD_DATA, f"{reason} Try decreasing the query resolution (?step=XX)")
    return _query_answer(parts().engine.range(_query_text(), start, end, step, **_query_limits()), limit)


def _query_text() -> str:
    return parameters.value_of("query")


def _query_limits() -> dict[str, int | None]:
    """Return what a query may ask for in place of the engine's own; ``None`` leaves it to the engine."""
    timeout = parameters.optional_duration_of("timeout")
    return {
        "timeout": None if timeout is None else min(max(timeout, 1), _LONGEST_QUERY),
        "lookback": parameters.optional_duration_of("lookback_delta"),
    }


def _query_answer(result: QueryResult, limit: int | None) -> Response:
    written = value_json(result.value, limit)
    warnings = [*result.warnings, *([_TRUNCATED] if written.truncated else [])]
    data = {"resultType": written.kind, "result": orjson.Fragment(written.body)}
    return succeeded(data, warnings, result.infos)


@blueprint.route("/query_exemplars", methods=_BOTH)
def query_exemplars() -> Response:
    """Give the exemplars of the series that an expression selects: none are stored."""
    start, end = parameters.time_of("start", MIN_TIME), parameters.time_of("end", MAX_TIME)
    if end < start:
        raise ApiError(ErrorType.BAD_DATA, "end timestamp must not be before start timestamp")
    parse(_query_text())
    return succeeded([])


@blueprint.route("/series", methods=_BOTH)
def series() -> Response:
    """List the series that match."""
    if not parameters.values_of("match[]"):
        raise ApiError(ErrorType.BAD_DATA, "no match[] parameter provided")
    found = parts().storage.series(*_selection())
    return _list_answer([dict(labels) for labels in found])


@blueprint.route("/labels", methods=_BOTH)
def labels() -> Response:
    """List the names of labels."""
    return _list_answer(parts().storage.label_names(*_selection()))


@blueprint.get("/label/<path:name>/values")
def label_values(name: str) -> Response:
    """List the values of a label."""
    wanted = unescape_label_name(name)
    if not wanted:
        raise ApiError(ErrorType.BAD_DATA, f'invalid label name: "{name}"')
    return _list_answer(parts().storage.label_values(wanted, *_selection()))


def _selection() -> tuple[list[tuple[Matcher, ...]], int, int]:
    """Return matcher sets, start and end, as the parameters give them."""
    start, end = parameters.time_of("start", MIN_TIME), parameters.time_of("end", MAX_TIME)
    return matcher_sets_of("match[]"), start, end


def _list_answer(items: Sequence[Any]) -> Response:
    limit = parameters.limit_of()
    truncated = limit is not None and len(items) > limit
    return succeeded(list(items[:limit]), [_TRUNCATED] if truncated else [])


@blueprint.get("/targets")
def targets() -> Response:
    """Show the targets: the active ones, those that were dropped, or both."""
    state = parameters.value_of("state").lower()
    pool = parameters.value_of("scrapePool")
    shown: dict[str, Any] = {"activeTargets": [], "droppedTargets": []}
    if state in ("", "any", "active"):
        shown["activeTargets"] = [target_json(target) for target in _targets(pool)]
    if state in ("", "any", "dropped"):
        # Without relabelling no target is ever dropped.
        shown["droppedTargetCounts"] = {target.scrape_pool: 0 for target in _targets(pool)}
    return succeeded(shown)


def _targets(pool: str) -> list[TargetStatus]:
    return [target for target in parts().scrape.targets() if not pool or target.scrape_pool == pool]


@blueprint.get("/targets/metadata")
def target_metadata() -> Response:
    """Tell what each target says of its metrics."""
    metric = parameters.value_of("metric")
    matchers = next(iter(matcher_sets_of("match_target")), ())
    limit = _count_of("limit")
    return succeeded(target_metadata_json(parts().scrape.metadata(metric), matchers, metric, limit))


@blueprint.get("/metadata")
def metadata() -> Response:
    """Tell what is said of each metric."""
    found = parts().scrape.metadata(parameters.value_of("metric"))
    return succeeded(metadata_json(found, _count_of("limit"), _count_of("limit_per_metric")))


def _count_of(name: str) -> int | None:
    """Return a limit of the metadata routes, which differ: 0 means none at all, and a negative one no limit."""
    text = parameters.value_of(name)
    if text and not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        raise ApiError(ErrorType.BAD_DATA, f"{name} must be a number")
    return int(text) if text and int(text) >= 0 else None


@blueprint.get("/alerts")
def alerts() -> Response:
    """List the pending and firing alerts."""
    return succeeded({"alerts": [alert_json(alert) for alert in parts().rules.alerts()]})


@blueprint.get("/rules")
def rules() -> Response:
    """Show the rule groups with the rules that the filters leave."""
    wanted = RuleFilter(
        kinds=_rule_kinds(parameters.value_of("type").lower()),
        names=parameters.values_of("rule_name[]"),
        groups=parameters.values_of("rule_group[]"),
        files=parameters.values_of("file[]"),
        matcher_sets=matcher_sets_of("match[]"),
    )
    groups = groups_json(parts().rules.groups(), wanted, with_alerts=not parameters.flag_of("exclude_alerts"))
    return succeeded(_page_of(groups))


def _rule_kinds(word: str) -> tuple[RuleKind, ...]:
    kinds = {"": tuple(RuleKind), "alert": (RuleKind.ALERTING,), "record": (RuleKind.RECORDING,)}
    if word not in kinds:
        raise invalid("type", f'not supported value "{word}"')
    return kinds[word]


def _page_of(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the page of groups that ``group_limit`` and ``group_next_token`` ask for."""
    limit, token = parameters.limit_of("group_limit"), parameters.value_of("group_next_token")
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


@blueprint.get("/status/buildinfo")
def build_info() -> Response:
    """Tell which version of Prometheus's API this is.

    Without ``features``: Grafana would take us for Mimir.
    """
    return succeeded(
        {
            "version": API_VERSION,
            "revision": f"glass-cockpit {dashboard.__version__}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        }
    )
