"""Traffic follows the day and the week, comes in bursts, and slows an app down."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulators.apps import APPS
from simulators.incidents import NONE, IncidentKind
from simulators.traffic import DAY_MS, HOUR_MS, burst, conditions, error_share_at, rhythm, slowdown_at, wobble

# Monday, 21 September 2026, 00:00 UTC.
MONDAY_MS = 1_789_948_800_000
TIMES = st.integers(0, 4_000_000_000_000)


def test_afternoon_is_busier_than_night_and_a_working_day_than_a_weekend() -> None:
    afternoon, night = rhythm(MONDAY_MS + 14 * HOUR_MS), rhythm(MONDAY_MS + 2 * HOUR_MS)
    assert afternoon > 2 * night
    for day in range(7):
        at = rhythm(MONDAY_MS + day * DAY_MS + 14 * HOUR_MS)
        assert (at < afternoon) == (day >= 5)


@given(TIMES)
def test_traffic_stays_within_bounds(now_ms: int) -> None:
    assert 0.2 < rhythm(now_ms) <= 1.0
    assert 1.0 <= burst(now_ms, 1, "ai-planner") <= 2.2
    assert 0.85 < wobble(now_ms, 1, "ai-planner") < 1.15


def test_a_day_has_a_couple_of_bursts_of_some_minutes() -> None:
    for app in APPS:
        minutes = [burst(MONDAY_MS + minute * 60_000, 3, app.name) > 1.05 for minute in range(7 * 24 * 60)]
        starts = sum(now and not before for before, now in pairwise(minutes))
        assert 7 <= starts <= 60
        assert sum(minutes) < len(minutes) / 10


@given(TIMES)
def test_conditions_are_a_function_of_time_seed_and_app(now_ms: int) -> None:
    first, second = APPS[:2]
    now = conditions(first.profile, first.name, 9, now_ms, NONE)
    assert conditions(first.profile, first.name, 9, now_ms, NONE) == now
    assert conditions(first.profile, first.name, 10, now_ms, NONE) != now
    assert conditions(second.profile, second.name, 9, now_ms, NONE) != now


@given(st.floats(0, 3), st.floats(0, 3))
def test_load_slows_down_and_what_is_slow_fails_more_often(one: float, other: float) -> None:
    low, high = sorted((one, other))
    slow, slower = slowdown_at(low, NONE), slowdown_at(high, NONE)
    assert 1.0 <= slow <= slower
    assert error_share_at(slow, NONE) <= error_share_at(slower, NONE) <= 0.02


def test_an_outage_lets_no_request_in() -> None:
    app = APPS[0]
    assert conditions(app.profile, app.name, 1, MONDAY_MS, {IncidentKind.OUTAGE}).rate == 0.0
