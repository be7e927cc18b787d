"""``/federate``: the latest samples of chosen series, for another Prometheus to scrape (web/federate.go)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from flask import Blueprint, Response, request

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import is_stale
from dashboard.promql import ParseError, parse
from dashboard.promql.ast import VectorSelector
from dashboard.web.compression import compressed
from dashboard.web.go_format import general_value
from dashboard.web.parameters import parameters
from dashboard.web.parts import parts

blueprint = Blueprint("federation", __name__)

_LOOKBACK = 300_000
_INSTANCE = "instance"
_TEXT = "text/plain; version=0.0.4; charset=utf-8; escaping="
_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_STRANGE = re.compile(r"[^a-zA-Z0-9_:]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})

Latest = Mapping[Labels, tuple[int, float]]


@blueprint.get("/federate")
def federate() -> Response:
    """Show the latest sample of every series that one of the selectors ``match[]`` selects."""
    if not parts().ready():
        return Response("Service Unavailable\n", 503, mimetype="text/plain")
    try:
        sets = [_matchers(text) for text in parameters().values_of("match[]")]
    except ParseError as error:
        return Response(f"{error}\n", 400, mimetype="text/plain")
    external = parts().reloader.loaded.config.external_labels
    quoted = "escaping=allow-utf-8" in request.headers.get("Accept", "")
    lines = _lines(_latest(sets, parts().clock()), external, quoted=quoted)
    answer = Response("".join(lines), content_type=_TEXT + ("allow-utf-8" if quoted else "underscores"))
    return compressed(answer)


def _matchers(text: str) -> tuple[Matcher, ...]:
    selector = parse(text)
    if not isinstance(selector, VectorSelector) or str(selector) != selector.series:
        raise ParseError(f'"{text}" is not a series selector')
    return selector.matchers


def _latest(matcher_sets: Iterable[Sequence[Matcher]], now: int) -> Latest:
    """Return the time and value of each series' last sample, unless it is older than five minutes or an end."""
    found: dict[Labels, tuple[int, float]] = {}
    for matchers in matcher_sets:
        for batch in parts().storage.select(matchers, now - _LOOKBACK, now):
            last = batch.values[:, -1]
            at = int(batch.timestamps[-1])
            shown = zip(batch.labels, last.tolist(), is_stale(last).tolist(), strict=True)
            found |= {labels: (at, value) for labels, value, stale in shown if not stale}
    return found


def _lines(latest: Latest, external: Labels, *, quoted: bool) -> Iterator[str]:
    """Yield the text format, in which nothing has a type; labels of our own stand where a series lacks them."""
    added = {_INSTANCE: "", **dict(external)}
    before = None
    for labels in sorted(latest, key=lambda labels: (labels.metric_name, labels)):
        name = labels.metric_name
        if not name:
            continue
        if name != before:
            yield f"# TYPE {_name(name, quoted=quoted)} untyped\n"
            before = name
        time, value = latest[labels]
        own = dict(labels.without_name())
        yield f"{_series(name, {**own, **_missing(own, added)}, quoted=quoted)} {general_value(value)} {time}\n"


def _missing(own: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in sorted(added.items()) if name not in own}


def _series(metric: str, labels: Mapping[str, str], *, quoted: bool) -> str:
    pairs = [f'{_name(name, quoted=quoted)}="{value.translate(_ESCAPED)}"' for name, value in labels.items()]
    if quoted and not _PLAIN_NAME.fullmatch(metric):
        return f"{{{','.join([_name(metric, quoted=True), *pairs])}}}"
    name = _name(metric, quoted=False)
    return f"{name}{{{','.join(pairs)}}}" if pairs else name


def _name(name: str, *, quoted: bool) -> str:
    """Return a name as the asker can read it: in quotes, or with underscores for what it may not hold."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    if quoted:
        return f'"{name.translate(_ESCAPED)}"'
    return re.sub(r"^(?=[0-9])", "_", _STRANGE.sub("_", name))
