"""``glass query``, which asks a server of Prometheus's API and prints as ``promtool query`` does."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import quote

import click

from dashboard.cli.shared import FAILED, duration, pairs

_POINTS = 250
_FAR = 9999 * 3600.0


def _one_server(_: click.Context, argument: click.Parameter, given: Sequence[str]) -> str:
    from dashboard.settings import DEFAULT_PORT

    if len(given) > 1:
        raise click.BadParameter("more than one was given", param=argument)
    return given[0] if given else f"http://localhost:{DEFAULT_PORT}"


_format = click.option(
    "-o", "--format", "output", type=click.Choice(["promql", "json"]), help="How answers are written (promql)."
)
# Any number, so that what stands behind it is given first; promtool's has to be named.
_server = click.argument("server", nargs=-1, callback=_one_server, metavar="[SERVER]")
_start = click.option("--start", default="", help="When the range begins: seconds since 1970, or RFC 3339.")
_end = click.option("--end", default="", help="When the range ends.")


@click.group()
@_format
@click.pass_context
def query(context: click.Context, *, output: str | None) -> None:
    """Ask a server of Prometheus's API; without SERVER the one at http://localhost:5000."""
    context.obj = output


@query.command()
@_format
@click.option("--time", "at", default="", help="The time to evaluate at: seconds since 1970, or RFC 3339.")
@_server
@click.argument("expr")
@click.pass_obj
def instant(default: str | None, *, output: str | None, at: str, server: str, expr: str) -> None:
    """Evaluate EXPR at one time on SERVER."""
    asked = {"query": expr, "time": _seconds(_time(at, time.time(), "evaluation time"))}
    _show_value(server, "query", asked, output or default)


@query.command("range")
@_format
@click.option(
    "--header", "headers", multiple=True, callback=pairs, metavar="NAME=VALUE", help="A further header of the request."
)
@_start
@_end
@click.option("--step", default="", callback=duration, help="The distance of two points, such as 15s.")
@_server
@click.argument("expr")
@click.pass_obj
def range_(
    default: str | None,
    *,
    output: str | None,
    headers: Mapping[str, str],
    start: str,
    end: str,
    step: float,
    server: str,
    expr: str,
) -> None:
    """Evaluate EXPR over a range of time on SERVER; without options over the last five minutes."""
    last = _time(end, time.time(), "end time")
    first = _time(start, last - 300, "start time")
    if first >= last:
        _fail("start time is not before end time")
    distance = step or max(math.floor((last - first) / _POINTS), 1)
    asked = {"query": expr, "start": _seconds(first), "end": _seconds(last), "step": _seconds(distance)}
    _show_value(server, "query_range", asked, output or default, headers)


@query.command()
@_format
@click.option("--match", "selectors", multiple=True, required=True, help="A selector; may be given several times.")
@_start
@_end
@_server
@click.pass_obj
def series(
    default: str | None, *, output: str | None, selectors: Sequence[str], start: str, end: str, server: str
) -> None:
    """List the series on SERVER that a selector matches."""
    from dashboard.cli.query_output import json_text, label_set_lines

    found, _ = _ask(server, "series", _window(selectors, start, end), list[dict[str, str]])
    _print([json_text(found)] if (output or default) == "json" else label_set_lines(found))


@query.command()
@_format
@click.option("--match", "selectors", multiple=True, help="A selector; may be given several times.")
@_start
@_end
@_server
@click.argument("name")
@click.pass_obj
def labels(
    default: str | None,
    *,
    output: str | None,
    selectors: Sequence[str],
    start: str,
    end: str,
    server: str,
    name: str,
) -> None:
    """List the values that the label NAME has on SERVER."""
    from dashboard.cli.query_output import json_text

    route = f"label/{quote(name, safe='')}/values"
    values, warnings = _ask(server, route, _window(selectors, start, end), list[str], method="GET")
    for warning in warnings:
        click.echo(f"query warning: {warning}", err=True)
    _print([json_text(values)] if (output or default) == "json" else values)


def _window(selectors: Sequence[str], start: str, end: str) -> dict[str, Any]:
    now = time.time()
    return {
        "match[]": list(selectors),
        "start": _seconds(_time(start, now - _FAR, "start time")),
        "end": _seconds(_time(end, now + _FAR, "end time")),
    }


def _time(given: str, default: float, name: str) -> float:
    from dashboard.rules.unit_tests.times import InvalidTimeError, parse_time

    try:
        return parse_time(given) / 1000 if given else default
    except InvalidTimeError as error:
        _fail(f"error parsing {name}: {error}")


def _seconds(seconds: float) -> str:
    from dashboard.cli.query_output import seconds_text

    return seconds_text(seconds)


def _show_value(
    server: str, route: str, asked: Mapping[str, Any], output: str | None, headers: Mapping[str, str] | None = None
) -> None:
    from dashboard.cli.query_output import Value, json_text, value_lines

    value, _ = _ask(server, route, asked, Value, headers=headers)
    try:
        text = [json_text(value)] if output == "json" else list(value_lines(value))
    except ValueError as error:
        _fail(f"query error: bad_response: {error}")
    _print(text)


def _ask(server: str, route: str, asked: Mapping[str, Any], kind: Any, **how: Any) -> tuple[Any, list[str]]:
    """Return the data of an answer and its warnings; where there are none, say why and end."""
    from dashboard.cli.api_client import QueryError, ask

    try:
        return ask(server, route, asked, kind, **how)
    except QueryError as error:
        _fail(f"query error: {error}")


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _fail(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(FAILED)
