"""``glass query``, which asks a server of Prometheus's API and prints as ``promtool query`` does."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from dashboard.cli.query_output import label_set_lines, print_answer, seconds_text, value_lines
from dashboard.cli.shared import FAILED, pairs

_TIMEOUT = 120.0
_POINTS = 250
_FAR = 9999 * 3600.0

_format = click.option(
    "-o", "--format", "output", type=click.Choice(["promql", "json"]), help="How answers are written (promql)."
)
_server = click.argument("server")
_start = click.option("--start", default="", help="When the range begins: seconds since 1970, or RFC 3339.")
_end = click.option("--end", default="", help="When the range ends.")


@click.group()
@_format
@click.pass_context
def query(context: click.Context, *, output: str | None) -> None:
    """Ask a server of Prometheus's API."""
    context.obj = output


@query.command()
@_format
@click.option("--time", "at", default="", help="The time to evaluate at: seconds since 1970, or RFC 3339.")
@_server
@click.argument("expr")
@click.pass_obj
def instant(default: str | None, *, output: str | None, at: str, server: str, expr: str) -> None:
    """Evaluate EXPR at one time on SERVER."""
    asked = {"query": expr, "time": seconds_text(_time(at, time.time(), "evaluation time"))}
    print_answer(_ask(server, "query", asked), output or default, value_lines)


@query.command("range")
@_format
@click.option(
    "--header", "headers", multiple=True, callback=pairs, metavar="NAME=VALUE", help="A further header of the request."
)
@_start
@_end
@click.option("--step", default="", help="The distance of two points, such as 15s.")
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
    step: str,
    server: str,
    expr: str,
) -> None:
    """Evaluate EXPR over a range of time on SERVER; without options over the last five minutes."""
    last = _time(end, time.time(), "end time")
    first = _time(start, last - 300, "start time")
    if first >= last:
        _fail("start time is not before end time")
    distance = _step(step) or max(math.floor((last - first) / _POINTS), 1)
    asked = {
        "query": expr,
        "start": seconds_text(first),
        "end": seconds_text(last),
        "step": seconds_text(distance),
    }
    print_answer(_ask(server, "query_range", asked, headers), output or default, value_lines)


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
    asked = {"match[]": list(selectors), **_window(start, end)}
    print_answer(_ask(server, "series", asked), output or default, label_set_lines)


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
    asked = {"match[]": list(selectors), **_window(start, end)}
    print_answer(_ask(server, f"label/{name}/values", asked), output or default, iter)


def _window(start: str, end: str) -> dict[str, str]:
    now = time.time()
    return {
        "start": seconds_text(_time(start, now - _FAR, "start time")),
        "end": seconds_text(_time(end, now + _FAR, "end time")),
    }


def _time(given: str, default: float, name: str) -> float:
    from dashboard.rules.unit_tests.times import InvalidTimeError, parse_time

    try:
        return parse_time(given) / 1000 if given else default
    except InvalidTimeError as error:
        _fail(f"error parsing {name}: {error}")


def _step(given: str) -> float:
    from goduration.go import Duration

    try:
        return float(Duration.parse(given).total_seconds()) if given else 0.0
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--step") from error


def _ask(server: str, route: str, asked: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Any:
    """Return the data of an answer; where there is none, say why and end."""
    import requests

    url = f"{server if '://' in server else f'http://{server}'}".rstrip("/") + f"/api/v1/{route}"
    try:
        with requests.Session() as session:
            session.trust_env = False
            # Only this route takes no form.
            listing = route.startswith("label/")
            answer = session.request(
                "GET" if listing else "POST",
                url,
                params=asked if listing else None,
                data=None if listing else asked,
                headers=dict(headers or {}),
                timeout=_TIMEOUT,
            )
        content = answer.json()
    except (requests.RequestException, ValueError) as error:
        _fail(f"query error: {error}")
    for warning in content.get("warnings", ()) if listing else ():
        click.echo(f"query warning: {warning}", err=True)
    if content.get("status") != "success":
        _fail(f"query error: {content.get('errorType')}: {content.get('error')}")
    return content["data"]


def _fail(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(FAILED)
