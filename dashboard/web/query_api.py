"""Queries, as Prometheus's API has them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response

from dashboard.promql import QueryResult, parse
from dashboard.promql.ast import VectorSelector, walk
from dashboard.promql.engine import MAX_STEPS
from dashboard.promql.pretty import pretty
from dashboard.web import parameters
from dashboard.web.api_blueprint import BOTH, TRUNCATED, api_blueprint
from dashboard.web.ast_json import ast_json
from dashboard.web.envelope import ApiError, ErrorType, succeeded, success_pieces
from dashboard.web.parameters import MAX_TIME, MIN_TIME, invalid
from dashboard.web.parts import parts
from dashboard.web.query_places import asker_gone, query_place
from dashboard.web.samples_json import exemplars_json, value_json
from dashboard.web.spooling import spooled_json

blueprint = api_blueprint("query_api")

_LONGEST_QUERY = 120_000


@blueprint.route("/query", methods=BOTH)
def query() -> Response:
    """Evaluate an expression at one time."""
    limit = parameters.limit_of()
    time = parameters.time_of("time", parts().clock())
    given = _given()
    with query_place() as held:
        result = parts().engine.instant(
            _query_text(), time, lookback=given.lookback, timeout=given.timeout, cancelled=asker_gone(), until=held
        )
        return _query_answer(result, limit)


@blueprint.route("/query_range", methods=BOTH)
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
    given = _given()
    with query_place() as held:
        result = parts().engine.range(
            _query_text(),
            start,
            end,
            step,
            lookback=given.lookback,
            timeout=given.timeout,
            cancelled=asker_gone(),
            until=held,
        )
        return _query_answer(result, limit)


def _query_text() -> str:
    return parameters.value_of("query")


@dataclass(frozen=True, slots=True)
class _Given:
    """What a query asks for in place of the engine's own; ``None`` leaves it to the engine."""

    timeout: int | None
    lookback: int | None


def _given() -> _Given:
    timeout = parameters.optional_duration_of("timeout")
    return _Given(
        timeout=None if timeout is None else min(max(timeout, 1), _LONGEST_QUERY),
        lookback=parameters.optional_duration_of("lookback_delta"),
    )


def _query_answer(result: QueryResult, limit: int | None) -> Response:
    written = value_json(result.value, limit)
    warnings = [*result.warnings, *([TRUNCATED] if written.truncated else [])]
    head = b'{"resultType":"%b","result":' % written.kind.encode()
    data = itertools.chain([head], written.pieces, [b"}"])
    return spooled_json(success_pieces(data, warnings, result.infos), asker_gone())


@blueprint.route("/query_exemplars", methods=BOTH)
def query_exemplars() -> Response:
    """Give the exemplars of the series that an expression selects."""
    start, end = parameters.time_of("start", MIN_TIME), parameters.time_of("end", MAX_TIME)
    if end < start:
        raise ApiError(ErrorType.BAD_DATA, "end timestamp must not be before start timestamp")
    selectors = [node.matchers for node in walk(parse(_query_text())) if isinstance(node, VectorSelector)]
    if not selectors:
        return Response(status=HTTPStatus.NO_CONTENT)
    return succeeded([exemplars_json(found) for found in parts().storage.select_exemplars(selectors, start, end)])


@blueprint.route("/format_query", methods=BOTH)
def format_query() -> Response:
    """Write an expression as Prometheus would, over several lines where it is long."""
    return succeeded(pretty(parse(_query_text())))


@blueprint.route("/parse_query", methods=BOTH)
def parse_query() -> Response:
    """Tell what an expression is made of."""
    return succeeded(ast_json(parse(_query_text())))
