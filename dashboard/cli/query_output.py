"""How ``glass query`` writes answers: as Go's client of the API does (prometheus/common's ``model``), or as JSON."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click


def print_answer(data: Any, output: str | None, lines: Callable[[Any], Iterator[str]]) -> None:
    """Write the data of an answer: as JSON, or by ``lines``."""
    import orjson

    if output == "json":
        shown = _without_exponents(data) if isinstance(data, dict) else data
        text = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS).decode()
        # As Go does, so that the text may stand in a page.
        click.echo(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))
        return
    for line in lines(data):
        click.echo(line)


def _without_exponents(data: Mapping[str, Any]) -> Any:
    """Return the result of a query with its numbers written anew, as Go's client does."""
    result = data["result"]
    match data["resultType"]:
        case "scalar":
            return _rewritten(result)
        case "vector":
            return [{**one, "value": _rewritten(one["value"])} for one in result]
        case "matrix":
            return [{**one, "values": [_rewritten(pair) for pair in one["values"]]} for one in result]
        case _:
            return result


def _rewritten(pair: Sequence[Any]) -> list[Any]:
    return [pair[0], _plain(float(pair[1]))]


def value_lines(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield a value as Go's client writes it; an empty vector or matrix is an empty line."""
    result = data["result"]
    match data["resultType"]:
        case "scalar":
            yield f"scalar: {_sample(result)}"
        case "string":
            yield str(result[1])
        case "vector":
            yield "\n".join(f"{_metric(one['metric'])} => {_sample(one['value'])}" for one in result)
        case _:
            ordered = sorted(result, key=functools.cmp_to_key(_order))
            yield "\n".join(
                "\n".join([f"{_metric(one['metric'])} =>", *map(_sample, one["values"])]) for one in ordered
            )


def _order(series: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """Compare as ``LabelSet.Before``: fewer labels come first, then what lacks the first name, then the values."""
    mine, theirs = series["metric"], other["metric"]
    if len(mine) != len(theirs):
        return len(mine) - len(theirs)
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            return -1 if name not in mine or (name in theirs and mine[name] < theirs[name]) else 1
    return 0


def _sample(pair: Sequence[Any]) -> str:
    return f"{_plain(float(pair[1]))} @[{seconds_text(pair[0])}]"


def label_set_lines(data: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield label sets, the name among the labels."""
    yield from (_label_set(dict(one)) for one in data)


def _metric(labels_of_it: Mapping[str, str]) -> str:
    rest = {name: value for name, value in labels_of_it.items() if name != "__name__"}
    name = labels_of_it.get("__name__", "")
    return name + _label_set(rest) if rest or not name else name


def _label_set(labels_of_it: Mapping[str, str]) -> str:
    from dashboard.promql.literals import quote

    return f"{{{', '.join(f'{name}={quote(value)}' for name, value in sorted(labels_of_it.items()))}}}"


def _plain(value: float) -> str:
    from dashboard.promql.literals import format_number

    return format_number(value)


def seconds_text(seconds: float) -> str:
    """Write a time in seconds, to the millisecond."""
    return _plain(math.floor(seconds * 1000 + 0.5) / 1000)
