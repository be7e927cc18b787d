"""Queries, as Prometheus's API has them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from typing import TypedDict

from flask import Response, request

from dashboard.promql import QueryResult, parse
from dashboard.promql.ast import VectorSelector, walk
from dashboard.promql.engine import MAX_STEPS
from dashboard.promql.pretty import pretty
from dashboard.web.api_blueprint import BOTH, TRUNCATED, api_blueprint
from dashboard.web.asked import Asked, asked
from dashboard.web.ast_json import ast_json
from dashboard.web.direct import View, raise_again
from dashboard.web.envelope import ApiError, ErrorType, succeeded, success_pieces
from dashboard.web.parameters import MAX_TIME, MIN_TIME, Parameters, invalid, parameters
from dashboard.web.parts import parts
from dashboard.web.query_stats import StatsWish
from dashboard.web.samples_json import exemplars_json, value_json
from dashboard.web.spooling import Answer, spooled_json

blueprint = api_blueprint("query_api")
blueprint.before_request(raise_again)

_LONGEST_QUERY = 120_000


DIRECT: dict[str, View] = {}
"""What is answered without Flask, by path."""


def _direct(path: str) -> Callable[[View], View]:
    """Make a view the answer for a path, with Flask and without it."""

    def register(view: View) -> View:
        DIRECT[f"{blueprint.url_prefix}{path}"] = view

        @functools.wraps(view)
        def with_flask() -> Response:
            return view(asked()).response(request.environ)

        blueprint.add_url_rule(path, view.__name__, with_flask, methods=BOTH)
        return view

    return register


@_direct("/query")
def query(asked: Asked) -> Answer:
    """Evaluate an expression at one time."""
    given = asked.parameters
    limit = given.limit_of()
    time = given.time_of("time", asked.parts.clock())
    wish = StatsWish.of(given)
    limits = _limits(given, wish)
    with asked.places, ExitStack() as until:
        result = asked.parts.engine.instant(given.value_of("query"), time, cancelled=asked.gone, until=until, **limits)
        return _query_answer(asked, result, limit, wish)


@_direct("/query_range")
def query_range(asked: Asked) -> Answer:
    """Evaluate an expression at every step of a range."""
    given = asked.parameters
    limit = given.limit_of()
    start, end = given.time_of("start"), given.time_of("end")
    if end < start:
        raise invalid("end", "end timestamp must not be before start time")
    step = given.duration_of("step")
    if step <= 0:
        raise invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
    if (end - start) // step > MAX_STEPS:
        reason = f"exceeded maximum resolution of {MAX_STEPS:,} points per timeseries."
        raise ApiError(ErrorType.BAD_DATA, f"{reason} Try decreasing the query resolution (?step=XX)")
    wish = StatsWish.of(given)
    limits = _limits(given, wish)
    with asked.places, ExitStack() as until:
        result = asked.parts.engine.range(
            given.value_of("query"), start, end, step, cancelled=asked.gone, until=until, **limits
        )
        return _query_answer(asked, result, limit, wish)


class _Limits(TypedDict):
    """What a query asks of the engine; ``None`` leaves it to that."""

    timeout: int | None
    lookback: int | None
    stats: bool


def _limits(given: Parameters, wish: StatsWish) -> _Limits:
    timeout = given.optional_duration_of("timeout")
    return {
        "timeout": None if timeout is None else min(max(timeout, 1), _LONGEST_QUERY),
        "lookback": given.optional_duration_of("lookback_delta"),
        "stats": bool(wish),
    }


def _query_answer(asked: Asked, result: QueryResult, limit: int | None, wish: StatsWish) -> Answer:
    written = value_json(result.value, limit)
    warnings = [*result.warnings, *([TRUNCATED] if written.truncated else []), *wish.warnings]
    head = b'{"resultType":"%b","result":' % written.kind.encode()
    stats = b',"stats":%b' % wish.json(result.stats) if result.stats is not None else b""
    data = itertools.chain([head], written.pieces, [stats, b"}"])
    return spooled_json(success_pieces(data, warnings, result.infos), asked.environ, asked.gone)


@blueprint.route("/query_exemplars", methods=BOTH)
def query_exemplars() -> Response:
    """Give the exemplars of the series that an expression selects."""
    given = parameters()
    start, end = given.time_of("start", MIN_TIME), given.time_of("end", MAX_TIME)
    if end < start:
        raise ApiError(ErrorType.BAD_DATA, "end timestamp must not be before start timestamp")
    selectors = [
        node.matchers for node in walk(parse(parameters().value_of("query"))) if isinstance(node, VectorSelector)
    ]
    if not selectors:
        return Response(status=HTTPStatus.NO_CONTENT)
    return succeeded([exemplars_json(found) for found in parts().storage.select_exemplars(selectors, start, end)])


@blueprint.route("/format_query", methods=BOTH)
def format_query() -> Response:
    """Write an expression as Prometheus would, over several lines where it is long."""
    return succeeded(pretty(parse(parameters().value_of("query"))))


@blueprint.route("/parse_query", methods=BOTH)
def parse_query() -> Response:
    """Tell what an expression is made of."""
    return succeeded(ast_json(parse(parameters().value_of("query"))))
