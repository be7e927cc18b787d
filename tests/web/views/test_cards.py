"""The cards of the overview."""

from typing import Any

import pytest

from dashboard.web.views.cards import AppState, make_card, worst_first
from dashboard.web.views.figures import Figures


def app(job: str = "shop", **given: Any) -> AppState:
    """An app that is well, but for what is given."""
    known: dict[str, Any] = {
        "up": 1,
        "down": 0,
        "unknown": 0,
        "firing": 0,
        "pending": 0,
        "figures": Figures(),
        "availability": None,
        "beats": "",
    }
    return AppState(job, **{**known, **given})


def test_the_worst_comes_first_and_names_settle_the_rest() -> None:
    apps = [
        app("fine-b"),
        app("fine-a", figures=Figures(requests=99.0, errors=0.01)),
        app("waiting", up=0, unknown=1),
        app("pending", pending=1),
        app("failing", figures=Figures(errors=0.2)),
        app("half", up=1, down=1),
        app("alarm", firing=1),
        app("dead", up=0, down=1),
    ]
    order = ["dead", "alarm", "half", "failing", "pending", "waiting", "fine-a", "fine-b"]
    assert [each.job for each in sorted(apps, key=worst_first)] == order


@pytest.mark.parametrize(
    ("given", "state", "level"),
    [
        ({}, "up", "ok"),
        ({"up": 0, "down": 1}, "down", "bad"),
        ({"up": 0, "unknown": 1}, "waiting", "unknown"),
        ({"up": 2, "down": 1}, "2 of 3 up", "bad"),
        ({"up": 3}, "up", "ok"),
        ({"pending": 1}, "up", "warn"),
        ({"firing": 1}, "up", "bad"),
        ({"figures": Figures(errors=0.05)}, "up", "warn"),
    ],
)
def test_a_card_says_how_its_app_is(given: dict[str, Any], state: str, level: str) -> None:
    card = make_card(app(**given))
    assert (card.state, card.level) == (state, level)


def test_figures_that_an_app_does_not_expose_are_dashes() -> None:
    card = make_card(app())
    assert {card.rate, card.errors, card.p50, card.p95, card.availability} == {"–"}
    assert (card.rate_unit, card.line) == ("", "")
    assert card.line_text == "no requests in the last 15 minutes"


def test_figures_carry_units_and_errors_a_level() -> None:
    figures = Figures(requests=12.34, errors=0.02, p50=0.045, p95=1.5, version="1.2.0", spark=(1.0, 2.0))
    card = make_card(app(figures=figures, availability=0.9999, firing=1, pending=2))
    assert (card.rate, card.errors, card.error_level, card.p50, card.p95) == ("12.3", "2 %", "warn", "45 ms", "1.5 s")
    assert (card.version, card.availability, card.alerts) == ("1.2.0", "99.99 %", "1 firing, 2 pending")
    assert card.rate_unit == "/s"
    assert card.line.startswith("M0 ")


def test_beats_are_always_fifty_and_told_by_shape_too() -> None:
    card = make_card(app(beats="ud"))
    assert len(card.beats) == 50
    assert card.beats_up == "M194 4v10"
    assert card.beats_down == "M198 0v14"
    assert card.beats_text == "1 of the last 2 scrapes succeeded; a gap means no scrape"


def test_the_filter_finds_name_state_version_and_address() -> None:
    card = make_card(app("Shop", figures=Figures(version="1.2.0"), instances=("Box:80",)))
    assert card.search == "shop up 1.2.0 box:80"
