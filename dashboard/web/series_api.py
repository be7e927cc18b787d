"""Series and their labels, as Prometheus's API lists them."""

from __future__ import annotations

from flask import Response

from dashboard.model.matcher import Matcher
from dashboard.web.api_blueprint import BOTH, api_blueprint, list_answer
from dashboard.web.envelope import ApiError, ErrorType
from dashboard.web.label_names import unescape_label_name
from dashboard.web.parameters import MAX_TIME, MIN_TIME, parameters
from dashboard.web.parts import parts
from dashboard.web.selectors import matcher_sets_of

blueprint = api_blueprint("series_api")


@blueprint.route("/series", methods=BOTH)
def series() -> Response:
    """List the series that match."""
    if not parameters().values_of("match[]"):
        raise ApiError(ErrorType.BAD_DATA, "no match[] parameter provided")
    found = parts().storage.series(*_selection())
    return list_answer([dict(labels) for labels in found])


@blueprint.route("/labels", methods=BOTH)
def labels() -> Response:
    """List the names of labels."""
    return list_answer(parts().storage.label_names(*_selection()))


@blueprint.get("/label/<path:name>/values")
def label_values(name: str) -> Response:
    """List the values of a label."""
    wanted = unescape_label_name(name)
    if not wanted:
        raise ApiError(ErrorType.BAD_DATA, f'invalid label name: "{name}"')
    return list_answer(parts().storage.label_values(wanted, *_selection()))


def _selection() -> tuple[list[tuple[Matcher, ...]], int, int]:
    """Return matcher sets, start and end, as the parameters give them."""
    start, end = parameters().time_of("start", MIN_TIME), parameters().time_of("end", MAX_TIME)
    return matcher_sets_of("match[]"), start, end
