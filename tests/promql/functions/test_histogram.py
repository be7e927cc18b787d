"""Quantiles of classic histograms."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from dashboard.promql import Engine

Load = Callable[..., None]
Ask = Callable[..., object]

UNIFORM = 'h_bucket{le="0.1"} 10\nh_bucket{le="0.2"} 20\nh_bucket{le="1"} 40\nh_bucket{le="+Inf"} 40'


@pytest.mark.parametrize(
    ("q", "wanted"),
    [(0, 0), (0.125, 0.05), (0.25, 0.1), (0.5, 0.2), (0.75, 0.6), (1, 1), (-0.1, -math.inf), (1.1, math.inf)],
)
def test_a_quantile_is_interpolated_within_its_bucket(load: Load, ask: Ask, q: float, wanted: float) -> None:
    load(UNIFORM)
    assert ask(f"histogram_quantile({q}, h_bucket)") == {"{}": pytest.approx(wanted)}


def test_a_quantile_in_the_last_bucket_is_its_lower_end(load: Load, ask: Ask) -> None:
    load('h_bucket{le="1"} 5\nh_bucket{le="+Inf"} 10')
    assert ask("histogram_quantile(0.9, h_bucket)") == {"{}": 1}


def test_a_first_bucket_below_zero_has_no_lower_end(load: Load, ask: Ask) -> None:
    load('h_bucket{le="-1"} 5\nh_bucket{le="1"} 10\nh_bucket{le="+Inf"} 10')
    assert ask("histogram_quantile(0.2, h_bucket)") == {"{}": -1}
    assert ask("histogram_quantile(0.75, h_bucket)") == {"{}": 0}


@pytest.mark.parametrize(
    "series",
    [
        'h_bucket{le="1"} 5\nh_bucket{le="2"} 10',
        'h_bucket{le="+Inf"} 10',
        'h_bucket{le="1"} 0\nh_bucket{le="+Inf"} 0',
        'h_bucket{le="1"} NaN\nh_bucket{le="+Inf"} NaN',
    ],
    ids=["no last bucket", "only the last bucket", "no observations", "nothing known"],
)
def test_a_histogram_that_says_nothing_gives_nan(load: Load, ask: Ask, series: str) -> None:
    load(series)
    wanted = 1.0 if "NaN" in series else "NaN"
    assert ask("histogram_quantile(0.5, h_bucket)") == {"{}": wanted}


def test_histograms_are_told_apart_by_their_other_labels(load: Load, ask: Ask) -> None:
    load("\n".join(line.replace("{", f'{{job="{job}",') for job in "ab" for line in UNIFORM.splitlines()))
    assert ask("histogram_quantile(0.5, h_bucket)") == {'{job="a"}': 0.2, '{job="b"}': 0.2}
    assert ask("histogram_quantile(0.75, sum by (le) (h_bucket))") == {"{}": pytest.approx(0.6)}


def test_bounds_that_are_the_same_number_are_one_bucket(load: Load, ask: Ask) -> None:
    load('h_bucket{le="1"} 2\nh_bucket{le="1.0"} 2\nh_bucket{le="+Inf"} 8')
    assert ask("histogram_quantile(0.25, h_bucket)") == {"{}": 0.5}


def test_at_each_step_only_the_buckets_that_are_there_count(load: Load, ask_range: Ask) -> None:
    load('h_bucket{le="1"} 10 10\nh_bucket{le="2"} 20 stale\nh_bucket{le="4"} 40 40\nh_bucket{le="+Inf"} 40 40')
    assert ask_range("histogram_quantile(0.5, h_bucket)", 0, 30, 30) == {"{}": [2, 2]}
    assert ask_range("histogram_quantile(0.4, h_bucket)", 0, 30, 30) == {"{}": [pytest.approx(1.6), pytest.approx(1.6)]}
    assert ask_range("histogram_quantile(0.75, h_bucket)", 0, 30, 30) == {"{}": [3, pytest.approx(3)]}


def test_counts_that_fall_are_raised_and_remarked_on(engine: Engine, load: Load, ask: Ask) -> None:
    load('h_bucket{le="1"} 10\nh_bucket{le="2"} 5\nh_bucket{le="+Inf"} 20')
    assert ask("histogram_quantile(0.25, h_bucket)") == {"{}": 0.5}
    (info,) = engine.instant("histogram_quantile(0.25, h_bucket)", 0).infos
    assert info.startswith("PromQL info: input to histogram_quantile needed to be fixed for monotonicity")
    assert info.endswith('for metric name "h_bucket" (1:26)')


def test_only_the_steps_with_counts_that_fall_are_changed(load: Load, ask_range: Ask) -> None:
    load('h_bucket{le="1"} 10 10\nh_bucket{le="2"} 20 5\nh_bucket{le="4"} 40 40\nh_bucket{le="+Inf"} 40 40')
    found = ask_range("histogram_quantile(0.5, h_bucket)", 0, 30, 30)
    assert found == {"{}": [pytest.approx(2), pytest.approx(2 + 2 / 3)]}


def test_a_fall_by_rounding_is_no_news(engine: Engine, load: Load) -> None:
    load('h_bucket{le="1"} 10\nh_bucket{le="2"} 9.999999999999998\nh_bucket{le="+Inf"} 20')
    assert engine.instant("histogram_quantile(0.25, h_bucket)", 0).infos == ()


def test_a_bucket_without_a_bound_is_left_out_with_a_warning(engine: Engine, load: Load, ask: Ask) -> None:
    load(UNIFORM + '\nh_bucket{le="much"} 3\nh_bucket 4')
    assert ask("histogram_quantile(0.5, h_bucket)") == {"{}": pytest.approx(0.2)}
    warnings = engine.instant("histogram_quantile(0.5, h_bucket)", 0).warnings
    start = 'PromQL warning: bucket label "le" is missing or has a malformed value of '
    assert set(warnings) == {
        f'{start}"much" for metric name "h_bucket" (1:25)',
        f'{start}"" for metric name "h_bucket" (1:25)',
    }


def test_a_quantile_that_is_none_is_warned_of(engine: Engine, load: Load) -> None:
    load(UNIFORM)
    (warning,) = engine.instant("histogram_quantile(NaN, h_bucket)", 0).warnings
    assert warning == "PromQL warning: quantile value should be between 0 and 1, got NaN (1:20)"


def test_no_buckets_give_no_quantile(ask: Ask) -> None:
    assert ask("histogram_quantile(0.5, h_bucket)") == {}


@pytest.mark.parametrize(
    ("lower", "upper", "wanted"),
    [
        ("0", "0.1", 0.25),
        ("0.05", "0.15", 0.25),
        ("-Inf", "+Inf", 1),
        ("-5", "0.05", 0.125),
        ("0.6", "3", 0.25),
        ("1", "7", 0),
        ("0.2", "0.1", 0),
        ("NaN", "1", "NaN"),
    ],
)
def test_a_share_of_the_observations_lies_between_two_values(
    load: Load, ask: Ask, lower: str, upper: str, wanted: object
) -> None:
    load(UNIFORM)
    expected = wanted if isinstance(wanted, str) else pytest.approx(wanted)
    assert ask(f"histogram_fraction({lower}, {upper}, h_bucket)") == {"{}": expected}


def test_a_first_bucket_that_reaches_below_zero_is_counted_whole(load: Load, ask: Ask) -> None:
    load('h_bucket{le="0"} 10\nh_bucket{le="2"} 30\nh_bucket{le="+Inf"} 40')
    assert ask("histogram_fraction(0, 1, h_bucket)") == {"{}": 0.25}
    assert ask("histogram_fraction(-Inf, -1, h_bucket)") == {"{}": 0.25}


@pytest.mark.parametrize("series", ['h_bucket{le="1"} 5', 'h_bucket{le="1"} 0\nh_bucket{le="+Inf"} 0'])
def test_a_histogram_without_observations_or_end_has_no_shares(load: Load, ask: Ask, series: str) -> None:
    load(series)
    assert ask("histogram_fraction(0, 1, h_bucket)") == {"{}": "NaN"}


def test_several_quantiles_are_told_apart_by_a_label(load: Load, ask: Ask, ask_range: Ask) -> None:
    load("\n".join(f"{line} {line.split()[-1]}" for line in UNIFORM.splitlines()))
    assert ask("histogram_quantiles(h_bucket, 'q', 0.25, 0.5, 1)") == {
        '{q="0.25"}': pytest.approx(0.1),
        '{q="0.5"}': pytest.approx(0.2),
        '{q="1.0"}': 1,
    }
    assert ask_range("histogram_quantiles(h_bucket, 'q', time() / 30)", 0, 30, 30) == {
        '{q="0.0"}': [0, None],
        '{q="1.0"}': [None, 1],
    }


@pytest.mark.parametrize("function", ["avg", "count", "sum", "stddev", "stdvar"])
def test_functions_of_native_histograms_find_nothing_in_floats(load: Load, ask: Ask, function: str) -> None:
    load(UNIFORM)
    assert ask(f"histogram_{function}(h_bucket)") == {}
