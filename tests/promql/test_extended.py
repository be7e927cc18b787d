"""Ranges that reach beyond their ends: anchored and smoothed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ExecutionError

Load = Callable[..., None]
Ask = Callable[..., object]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        # Samples each 30 s: the range (45 s, 105 s] begins with the one at 30 s.
        ("increase(x_total[1m] anchored)", 20),
        ("rate(x_total[1m] anchored)", pytest.approx(1 / 3)),
        ("delta(x_total[1m] anchored)", 20),
        ("changes(x_total[1m] anchored)", 2),
        ("resets(x_total[1m] anchored)", 0),
        ("increase(x_total[1m] smoothed)", 20),
        ("delta(x_total[50s] smoothed)", pytest.approx(50 / 3)),
    ],
)
def test_a_range_is_measured_from_end_to_end(load: Load, ask: Ask, query: str, wanted: object) -> None:
    load("x_total 0+10x9")
    assert ask(query, 105) == {"{}": wanted}


def test_a_counter_that_begins_anew_goes_on(load: Load, ask: Ask) -> None:
    load("x_total 50 60 5 15 2 12")
    assert ask("increase(x_total[2m] anchored)", 135) == {"{}": 10 + 5 + 10 + 2}
    assert ask("delta(x_total[2m] anchored)", 135) == {"{}": 2 - 50}
    # From half way to 5 at 45 s, over the fall to 2 behind 90 s, to half way between 2 and 12 at 135 s.
    assert ask("increase(x_total[90s] smoothed)", 135) == {"{}": 2.5 + 10 + 2 + 5}


def test_what_is_too_old_is_no_anchor(load: Load, ask: Ask) -> None:
    load("x_total 1 _x20 5 7")
    assert ask("increase(x_total[1m] anchored)", 660) == {"{}": 2}


def test_an_anchored_range_needs_a_sample_of_its_own(load: Load, ask: Ask) -> None:
    load("x_total 1 2 _ _ _ 6")
    assert ask("increase(x_total[1m] anchored)", 120) == {}
    assert ask("increase(x_total[1m] smoothed)", 120) == {"{}": 2}


def test_the_samples_of_an_extended_range_can_be_shown(load: Load, ask: Ask) -> None:
    load("x 0 10 20 30 40")
    assert ask("x[1m] anchored", 105) == {"x": [(45_000, 10), (60_000, 20), (90_000, 30), (105_000, 30)]}
    assert ask("x[1m] smoothed", 105) == {"x": [(45_000, 15), (60_000, 20), (90_000, 30), (105_000, 35)]}


def test_a_smoothed_selector_draws_lines_between_samples(load: Load, ask_range: Ask) -> None:
    load("x _ 10 20 stale _ _ 50")
    assert ask_range("x smoothed", 15, 195, 15) == {
        "x": [10, 10, 15, 20, 23.75, 27.5, 31.25, 35, 38.75, 42.5, 46.25, 50, 50],
    }


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("resets(x[1m] smoothed)", "smoothed modifier can only be used with: delta, increase, rate - not with resets"),
        (
            "sum_over_time(x[1m] anchored)",
            "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with sum_over_time",
        ),
    ],
)
def test_other_functions_refuse_extended_ranges(engine: Engine, query: str, reason: str) -> None:
    with pytest.raises(ExecutionError) as caught:
        engine.instant(query, 0)
    assert str(caught.value) == reason
