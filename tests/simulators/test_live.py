"""A live app catches up with its clock, whatever that does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from simulators.apps import APPS
from simulators.incidents import IncidentKind
from simulators.ledger import Window, quantile
from simulators.live import LiveApp

NOON_MS = 1_790_172_000_000


def requests(live: LiveApp) -> float:
    totals = next(family for family in live.model.families if family.name == "http_requests_total")
    return sum(live.tally.single[totals].values())


def test_looking_often_or_seldom_gives_the_same_figures() -> None:
    often, seldom = (LiveApp(APPS[0], 1, NOON_MS) for _ in range(2))
    for second in range(1, 61):
        often.advance(NOON_MS + second * 1000)
        often.advance(NOON_MS + second * 1000 + 400)
    seldom.advance(NOON_MS + 60_000)
    assert requests(often) == requests(seldom) > 0


def test_a_long_sleep_is_not_made_up_for_in_full() -> None:
    live = LiveApp(APPS[0], 1, NOON_MS)
    live.advance(NOON_MS + 12 * 3_600_000)
    assert requests(live) < 200 * 24


def test_a_clock_that_is_set_back_takes_nothing_back_and_is_followed() -> None:
    live = LiveApp(APPS[0], 1, NOON_MS)
    live.advance(NOON_MS + 60_000)
    before = requests(live)
    live.advance(NOON_MS - 3_600_000)
    assert requests(live) == before
    live.advance(NOON_MS - 3_600_000 + 5000)
    assert requests(live) > before


def test_an_incident_takes_effect_within_a_second(simulate: Callable[..., Any]) -> None:
    app = simulate("chimera-inference")
    app.provoke(IncidentKind.STORAGE, 60)
    app.now_ms += 1000
    assert app.total("storage_healthy") == 0.0


def test_a_window_forgets_what_is_older_than_itself() -> None:
    window = Window(2, 3)
    for cells in ((1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 4.0)):
        window.push(cells)
    assert window.cells == [0.0, 2.0, 4.0]


def test_a_quantile_is_the_value_of_the_observation_at_its_rank() -> None:
    cells, values = [50.0, 40.0, 9.0, 1.0], [0.1, 0.2, 0.3, 0.4]
    assert [quantile(cells, values, q) for q in (0.5, 0.9, 0.95, 1.0)] == [0.1, 0.2, 0.3, 0.4]
    assert math.isnan(quantile([0.0] * 4, values, 0.5))
