"""The pages that people read, and the files that those load."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from dashboard.web import urls
from dashboard.web.assets import StaticFile
from dashboard.web.compression import compressed, takes_gzip
from dashboard.web.parts import parts
from dashboard.web.views.charts import Span
from dashboard.web.views.pages import (
    AlertsPage,
    AppPage,
    ErrorPage,
    GpuPage,
    OverviewPage,
    RangeChoice,
    StateChoice,
    StatusPage,
    TargetPage,
    TargetsPage,
    fits,
)
from dashboard.web.views.svg import favicon
from dashboard.web.views.targets import StateFilter
from dashboard.web.views.views import Views

_KEY = "glass-cockpit-views"
_LONGEST_FILTER = 200
_STILL_CHARTS = 12
# What the router says of an address is no more than the headline.
_UNSAID = {
    404: "Glass Cockpit has no page at this address.",
    405: "Nothing here can be asked for in this way.",
}
_WITHOUT_STORE = ("pages.static_file", "pages.icon", "pages.old_icon")

blueprint = Blueprint("pages", __name__, template_folder="templates")


def views() -> Views:
    """Return what the pages of the running application show."""
    found: Views = current_app.extensions[_KEY]
    return found


@blueprint.record
def _keep_views(state: BlueprintSetupState) -> None:
    app = state.app
    if not isinstance(app, Flask):
        raise TypeError("the pages are part of a Flask application")
    with app.app_context():
        app.extensions[_KEY] = Views(parts())
    app.jinja_env.globals.update(urls=urls, fits=fits)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


@blueprint.before_request
def refuse_until_ready() -> None:
    """Show nothing but files before the store is open."""
    if request.endpoint not in _WITHOUT_STORE and not parts().ready():
        abort(503, "The server is starting: it reads back what it has stored.")


@blueprint.after_request
def compress(answer: Response) -> Response:
    """Compress pages; static files are compressed already."""
    return compressed(answer) if answer.mimetype == "text/html" else answer


@blueprint.get(urls.OVERVIEW)
def overview() -> str:
    """Show what is wrong, and a card for each app."""
    live, wanted = views().overview(), _filter_text()
    shown = tuple(card for card in live.cards if fits(card.search, wanted))
    frame = views().frame("Overview", section="overview", live_url=urls.OVERVIEW_API)
    return render_template("overview.html", frame=frame, page=OverviewPage(live, wanted, shown))


@blueprint.get("/apps/<path:job>")
def app(job: str) -> str:
    """Show one app: what is wrong with it, and its figures over time."""
    live = views().app(job)
    if live is None:
        abort(404, f'There is no app "{job}": no job of that name is scraped. The overview has all that are.')
    span = Span.named(request.args.get("range", ""))
    first = [panel.id for panel in (*live.main, *live.further)][:_STILL_CHARTS]
    page = AppPage(
        live,
        views().charts(job, span, first),
        _ranges(urls.app(job), span),
        Span.named("").label,
        urls.incident_api(job),
        bool(views().simulator(job)),
    )
    return render_template("app.html", frame=views().frame(job, live_url=urls.app_api(job), entry="charts"), page=page)


@blueprint.get(urls.ALERTS)
def alerts() -> str:
    """Show the rules, their alerts, and what changed."""
    frame = views().frame("Alerts", section="alerts", live_url=urls.ALERTS_API)
    return render_template("alerts.html", frame=frame, page=AlertsPage(views().alerts(), _filter_text()))


@blueprint.get(urls.GPU)
def gpu() -> str:
    """Show the graphics cards, and their figures over time."""
    live = views().gpu()
    span = Span.named(request.args.get("range", ""), Span.HOUR)
    charts = views().gpu_charts(span, [panel.id for panel in live.main])
    frame = views().frame("GPU", section="gpu", live_url=urls.GPU_API, entry="charts")
    page = GpuPage(live, charts, _ranges(urls.GPU, span), Span.HOUR.label)
    return render_template("gpu.html", frame=frame, page=page)


def _ranges(address: str, chosen: Span) -> tuple[RangeChoice, ...]:
    return tuple(RangeChoice(each.label, f"{address}?range={each.label}", each is chosen) for each in Span)


@blueprint.get(urls.TARGETS)
def targets() -> str:
    """Show what is scraped, and how that goes."""
    state, wanted = StateFilter.named(request.args.get("state", "")), _filter_text()
    polled = f"{urls.TARGETS_API}?state={state.value}" if state.value else urls.TARGETS_API
    frame = views().frame("Targets", section="targets", live_url=polled)
    live = views().targets(state)
    few = sum(len(pool.targets) for pool in live.pools) <= _FEW_TARGETS
    unfolded = few or bool(wanted) or state is not StateFilter.ALL
    page = TargetsPage(live, wanted, state.value, _state_choices(state, wanted), unfolded)
    return render_template("targets.html", frame=frame, page=page)


_FEW_TARGETS = 200
_STATES = (
    ("up", "ok", "up", StateFilter.UP),
    ("down", "bad", "down", StateFilter.DOWN),
    ("unknown", "unknown", "waiting", StateFilter.WAITING),
    ("dropped", "dropped", "dropped", StateFilter.DROPPED),
)


def _state_choices(chosen: StateFilter, filter_text: str) -> tuple[StateChoice, ...]:
    return tuple(
        # The one that is chosen leads back to all.
        StateChoice(
            field, level, name, urls.targets_in("" if each is chosen else each.value, filter_text), each is chosen
        )
        for field, level, name, each in _STATES
    )


@blueprint.get("/targets/<target_id>")
def target(target_id: str) -> str:
    """Show one target: how it is scraped, and what each relabelling rule made of its labels."""
    live = views().target(target_id)
    if live is None:
        abort(404, "There is no such target any more. The page of the targets has all that are.")
    frame = views().frame(live.address, section="targets", live_url=urls.target_api(target_id))
    return render_template("target.html", frame=frame, page=TargetPage(live))


@blueprint.get(urls.STATUS)
def status() -> str:
    """Show what becomes of the store, and what there is most of."""
    frame = views().frame("Status", section="status", live_url=urls.STATUS_API)
    return render_template("status.html", frame=frame, page=StatusPage(views().status()))


@blueprint.get("/tsdb-status")
def prometheus_status() -> BaseResponse:
    """Lead from the address of Prometheus's page to ours."""
    return redirect(urls.STATUS)


@blueprint.get("/favicon.svg")
def icon() -> Response:
    """Draw the icon with the number of firing alerts."""
    firing = request.args.get("firing", 0, type=int)
    answer = Response(favicon(firing), mimetype="image/svg+xml")
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


@blueprint.get("/favicon.ico")
def old_icon() -> Response:
    """Answer browsers that ask for an icon of the old kind."""
    return icon()


@blueprint.get("/static/<name>")
def static_file(name: str) -> Response:
    """Send a file that pages load, compressed where the browser takes that."""
    found = views().assets.files.get(name)
    if found is None:
        abort(404)
    return _send(found)


def _send(file: StaticFile) -> Response:
    zipped = takes_gzip(request.environ)
    answer = Response(file.zipped if zipped else file.body, content_type=file.content_type)
    answer.headers["Cache-Control"] = file.cache_control
    answer.headers["Vary"] = "Accept-Encoding"
    if zipped:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def error_page(code: int, headline: str, detail: str) -> Response:
    """Make the page that says why there is no other."""
    frame = views().frame(headline)
    said = _UNSAID.get(code, detail) if detail == headline else detail
    body = render_template("error.html", frame=frame, page=ErrorPage(code, headline, said))
    return Response(body, code, mimetype="text/html")


def _filter_text() -> str:
    return request.args.get("q", "")[:_LONGEST_FILTER].strip()
