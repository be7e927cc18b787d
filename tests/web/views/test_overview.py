"""The overview as a whole, and what is wrong now."""

from dashboard.model.labels import Labels
from dashboard.rules.alert import Alert, AlertState
from dashboard.scrape.status import TargetHealth, TargetStatus
from dashboard.web.views.overview import Asked, concerns, jobs_of, make_overview

NOW = 1_700_000_000_000


def target(
    job: str, health: TargetHealth = TargetHealth.UP, url: str = "http://127.0.0.1:8001/metrics"
) -> TargetStatus:
    labels = Labels.of({"job": job, "instance": "127.0.0.1:8001"})
    error = "refused" if health is TargetHealth.DOWN else ""
    return TargetStatus(job, job, url, labels, labels, 5000, 4000, health, error, NOW - 3000)


def alert(name: str, state: AlertState, **labels: str) -> Alert:
    annotations = Labels.of({"summary": f"{name} is here"})
    return Alert(state, Labels.of({"alertname": name, **labels}), annotations, 1.0, NOW - 60_000)


def test_all_is_clear_when_every_target_answers_and_nothing_fires() -> None:
    view = make_overview(Asked([target("a"), target("b")], []), NOW)
    assert (view.level, view.headline, view.problems) == ("ok", "All clear", ())
    assert view.summary == "2 of 2 apps up, 2 of 2 targets answering"


def test_what_fires_comes_before_what_is_down_and_what_is_pending() -> None:
    alerts = [
        alert("Slow", AlertState.PENDING, severity="critical"),
        alert("Info", AlertState.FIRING, severity="info"),
        alert("Worst", AlertState.FIRING, severity="critical", job="a"),
        alert("Over", AlertState.INACTIVE),
    ]
    view = make_overview(Asked([target("a", TargetHealth.DOWN)], alerts), NOW)
    assert [problem.title for problem in view.problems] == ["Worst · a", "Info", "127.0.0.1:8001 · a", "Slow"]
    assert [problem.kind for problem in view.problems] == ["firing critical", "firing info", "down", "pending critical"]
    assert [problem.since for problem in view.problems] == ["1 min", "1 min", "asked 3 s ago", "1 min"]
    assert view.headline == "2 alerts firing, 1 target down, 1 pending"
    assert (view.level, view.firing) == ("bad", 2)


def test_what_does_not_fit_is_counted() -> None:
    alerts = [alert("Many", AlertState.FIRING, path=str(number)) for number in range(30)]
    view = make_overview(Asked([target("a")], alerts), NOW)
    assert (len(view.problems), view.more) == (8, "and 22 more")


def test_before_the_first_scrape_nothing_is_claimed() -> None:
    view = make_overview(Asked([target("a", TargetHealth.UNKNOWN)], []), NOW)
    assert (view.level, view.headline) == ("unknown", "Nothing is known yet")


def test_missing_figures_are_told_and_never_read_as_all_clear() -> None:
    view = make_overview(Asked([target("a")], [], notice="Figures are missing: timeout"), NOW)
    assert (view.level, view.notice) == ("unknown", "Figures are missing: timeout")


def test_this_server_itself_has_no_card() -> None:
    own = [
        target("own", url="http://localhost:5000/metrics"),
        target("host", url="http://127.0.0.1:5000/host/metrics"),
        target("mixed", url="http://localhost:5000/metrics"),
        target("mixed", url="http://localhost:5001/metrics"),
    ]
    assert jobs_of([*own, target("app")]) == ["app", "mixed"]


def test_an_alert_concerns_the_app_that_its_labels_name() -> None:
    firing = AlertState.FIRING
    assert concerns(alert("A", firing, job="shop"), "shop")
    assert concerns(alert("A", firing, app="shop"), "shop")
    assert not concerns(alert("A", firing, app="shop", job="other"), "shop")
    assert not concerns(alert("A", firing), "shop")
