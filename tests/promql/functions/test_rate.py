"""How series move: extrapolation, resets, and what too few samples say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from dashboard.promql import Engine, Matrix

Load = Callable[..., None]
Ask = Callable[..., object]


def test_a_window_that_samples_fill_is_stretched_to_its_ends(load: Load, ask: Ask) -> None:
    load("x_total 100+10x20")
    assert ask("increase(x_total[5m])", 600) == {"{}": 100}
    assert ask("rate(x_total[5m])", 600) == {"{}": pytest.approx(1 / 3)}
    assert ask("delta(x_total[5m])", 600) == {"{}": pytest.approx(100)}


def test_a_series_that_begins_in_the_window_is_stretched_by_half_an_interval(load: Load, ask: Ask) -> None:
    load("x_total _x5 1000+10x20")
    # Samples from 150 to 300 s: half an interval before the first one, nothing behind the last one.
    assert ask("increase(x_total[5m])", 300) == {"{}": pytest.approx(50 * (150 + 15) / 150)}


def test_a_counter_is_not_stretched_below_zero(load: Load, ask: Ask) -> None:
    load("x_total 0+10x20")
    # From 0 at 0 s: the window (-30 s, 120 s] holds all of the counter's life.
    assert ask("increase(x_total[150s])", 120) == {"{}": 40}
    assert ask("delta(x_total[150s])", 120) == {"{}": 50}


def test_zero_point_counts_only_where_it_is_nearer_than_half_an_interval(load: Load, ask: Ask) -> None:
    load("x_total _x5 8+10x20")
    # The counter was 0 at 24 s before its first sample, farther than the 15 s that are guessed.
    assert ask("increase(x_total[5m])", 300) == {"{}": pytest.approx(50 * (150 + 15) / 150)}


def test_a_reset_adds_what_was_counted_before(load: Load, ask: Ask) -> None:
    load("x_total 5 10 4 6 1")
    assert ask("increase(x_total[2m])", 120) == {"{}": pytest.approx((1 - 10 + 10 + 6) * 120 / 90)}
    assert ask("resets(x_total[5m])", 120) == {"{}": 2}
    assert ask("delta(x_total[2m])", 120) == {"{}": pytest.approx((1 - 10) * 120 / 90)}


def test_a_huge_counter_loses_no_precision_elsewhere(load: Load, ask_range: Ask) -> None:
    load("x_total 9e15 9e15 0 1 2 3 4 5 6")
    assert ask_range("increase(x_total[1m])", 150, 240, 30) == {"{}": [2, 2, 2, 2]}


def test_one_sample_says_nothing_about_movement(load: Load, ask: Ask) -> None:
    load("x_total 1 2 3")
    for function in ("rate", "increase", "delta", "irate", "idelta", "deriv"):
        assert ask(f"{function}(x_total[30s])", 60) == {}
    assert ask("predict_linear(x_total[30s], 1)", 60) == {}
    assert ask("resets(x_total[30s])", 60) == {"{}": 0}
    assert ask("changes(x_total[30s])", 60) == {"{}": 0}


def test_instant_functions_look_at_the_last_two_samples(load: Load, ask: Ask) -> None:
    load("x_total 0 100 10 40")
    assert ask("irate(x_total[5m])", 90) == {"{}": 1}
    assert ask("irate(x_total[5m])", 60) == {"{}": pytest.approx(10 / 30)}
    assert ask("idelta(x_total[5m])", 60) == {"{}": -90}


def test_changes_count_a_nan_once(load: Load, ask: Ask) -> None:
    load("x 1 1 2 NaN NaN 2")
    assert ask("changes(x[5m])", 150) == {"{}": 3}


def test_slope_and_prediction_are_by_least_squares(load: Load, ask: Ask) -> None:
    load("x 0 10 20 30")
    assert ask("deriv(x[5m])", 90) == {"{}": pytest.approx(1 / 3)}
    assert ask("predict_linear(x[5m], 30)", 90) == {"{}": pytest.approx(40)}
    assert ask("predict_linear(x[5m] offset 30s, 30)", 120) == {"{}": pytest.approx(50)}


def test_a_metric_that_may_be_no_counter_is_remarked_on(engine: Engine, load: Load) -> None:
    load("x 1 2 3\ny_total 1 2 3\nz_bucket 1 2 3")
    reason = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
    assert engine.instant("1 + rate(x[5m])", 60_000).infos == (f'{reason}"x" (1:10)',)
    assert engine.instant("increase(y_total[5m]) + rate(z_bucket[5m])", 60_000).infos == ()
    assert engine.instant("delta(x[5m])", 60_000).infos == ()


@pytest.mark.parametrize("value", ["0.1", "0.3333333333", "1e17", "-7.7"])
def test_what_never_moves_has_no_slope_at_all(load: Load, ask: Ask, value: str) -> None:
    load(f"x {value}x30")
    for seconds in (100.3, 333.7, 897.1):
        assert ask("deriv(x[5m])", seconds) == {"{}": 0}
        assert ask("predict_linear(x[5m], 3600)", seconds) == {"{}": float(value)}


def test_a_slope_that_no_float_holds_is_nan(load: Load, ask: Ask) -> None:
    load("x 0+4e306x40")
    assert ask("deriv(x[10m])", 1200) == {"{}": "NaN"}
    load("y 0+1x40")
    assert ask("predict_linear(y[10m], 1e308 * 10)", 1200) == {"{}": math.inf}


values = st.lists(st.integers(0, 50), min_size=2, max_size=40)


@given(values, st.integers(2, 12))
def test_an_increase_is_that_of_a_plain_loop(counts: list[int], width: int) -> None:
    times = np.arange(len(counts), dtype=np.int64) * 1000
    batch = SeriesBatch([Labels.of({"__name__": "x_total"})], times, np.array([counts], dtype=float))

    class Fixed:
        def select(self, *_: object, **__: object) -> list[SeriesBatch]:
            return [batch]

    answer = Engine(Fixed(), registry=CollectorRegistry()).range(
        f"increase(x_total[{width}s])", 500, 500 + int(times[-1]), 1000
    )
    assert isinstance(answer.value, Matrix)
    found = dict(zip(answer.value.steps.tolist(), answer.value.values[0], strict=True)) if answer.value.labels else {}
    for step in range(500, 500 + int(times[-1]) + 1, 1000):
        wanted = increase(counts, times.tolist(), step, width * 1000)
        if wanted is not None:
            assert found[step] == pytest.approx(wanted, rel=1e-9)


def increase(counts: list[int], times: list[int], end: int, width: int) -> float | None:
    """Prometheus's ``extrapolatedRate``, one window at a time."""
    inside = [(at, value) for at, value in zip(times, counts, strict=True) if end - width < at <= end]
    if len(inside) < 2:
        return None
    pairs = list(itertools.pairwise(inside))
    moved = inside[-1][1] - inside[0][1] + sum(old for (_, old), (_, new) in pairs if new < old)
    sampled = (inside[-1][0] - inside[0][0]) / 1000
    average = sampled / len(pairs)
    to_start, to_end = (inside[0][0] - (end - width)) / 1000, (end - inside[-1][0]) / 1000
    to_start = average / 2 if to_start >= average * 1.1 else to_start
    to_end = average / 2 if to_end >= average * 1.1 else to_end
    if moved > 0:
        to_start = min(to_start, sampled * inside[0][1] / moved)
    return moved * (sampled + to_start + to_end) / sampled


def test_a_counter_of_infinities_raises_no_alarm(load: Load, ask: Ask) -> None:
    load("x_total Inf 3 5")
    assert ask("rate(x_total[5m])", 150) == {"{}": "NaN"}
