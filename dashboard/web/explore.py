"""The page ``/explore`` with what it polls, and the addresses of Prometheus's own pages that lead there."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from dashboard.web import urls
from dashboard.web.cached import Cached
from dashboard.web.cockpit_api import answer, shallow, without_drawings
from dashboard.web.envelope import ApiError
from dashboard.web.pages import compress, refuse_until_ready, views
from dashboard.web.parts import parts
from dashboard.web.query_places import query_places
from dashboard.web.views.explore import PANEL, RANGES, REFRESHES, Answer, Question, ask, refused
from dashboard.web.views.pages import Choice, ExplorePage

_KEY = "glass-cockpit-explore"
_LIFETIME = 2.0
_LONGEST_EXPR = 64 * 1024
# Prometheus has called the table both ways.
_GRAPH_TABS = ("0", "graph")

blueprint = Blueprint("explore", __name__)
blueprint.before_request(refuse_until_ready)
blueprint.after_request(compress)


@blueprint.record
def _keep_answers(state: BlueprintSetupState) -> None:
    app = state.app
    if isinstance(app, Flask):
        app.extensions[_KEY] = Cached[Answer](_LIFETIME)


@blueprint.get(urls.EXPLORE)
def explore() -> str:
    """Show a query with its answer."""
    question = _question()
    frame = views().frame("Explore", section="explore", live_url=urls.EXPLORE_API, entry="explore")
    return render_template("explore.html", frame=frame, page=_page(question, _answer(question)))


@blueprint.get(urls.EXPLORE_API)
def live() -> Response:
    """Tell what the page shows."""
    found = _answer(_question())
    return answer({**shallow(found), "charts": {PANEL: without_drawings(found.chart)}})


@blueprint.get("/graph")
@blueprint.get("/query")
def prometheus_page() -> BaseResponse:
    """Lead from the addresses of Prometheus's pages, which alerts have as their source, to ours."""
    given = request.args
    tab = "graph" if given.get("g0.tab", "") in _GRAPH_TABS else "table"
    end = given.get("g0.end_input") or given.get("g0.moment_input") or ""
    question = Question.of(
        given.get("g0.expr", ""), tab, given.get("g0.range_input", ""), end.replace(" ", "T") + "Z" * (" " in end), ""
    )
    return redirect(urls.explore(question.parameters))


def _question() -> Question:
    given = request.args
    names = ("expr", "tab", "range", "end", "refresh")
    return Question.of(*(given.get(name, "")[:_LONGEST_EXPR] for name in names))


def _answer(question: Question) -> Answer:
    found: Cached[Answer] = current_app.extensions[_KEY]
    try:
        with query_places():
            return found.get(question, lambda: ask(parts().engine, question, parts().clock()))
    except ApiError as error:
        return refused(str(error), parts().clock())


def _page(question: Question, found: Answer) -> ExplorePage:
    same = question.parameters
    return ExplorePage(
        live=found,
        question=question,
        ranges=_choices(question.range, RANGES),
        refreshes=_choices(question.refresh, REFRESHES),
        table_url=urls.explore({**same, "tab": ""}),
        graph_url=urls.explore({**same, "tab": "graph"}),
    )


def _choices(chosen: str, known: tuple[str, ...]) -> tuple[Choice, ...]:
    every = known if chosen in known else (chosen, *known)
    return tuple(Choice(label, label == chosen) for label in every)
