"""Draws for one tick follow the laws that they are asked to follow."""

from __future__ import annotations

from random import Random
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.chance import LogLogistic, ScalarChance, split, split_evenly
from simulators.families import Grid


def chance(seed: int = 1) -> ScalarChance:
    return ScalarChance(Random(seed), 0)


@pytest.mark.parametrize("mean", [0.05, 3.0, 28.0, 31.0, 400.0])
def test_poisson_has_its_mean_and_variance(mean: float) -> None:
    draw = chance()
    drawn = [draw.poisson(mean) for _ in range(4000)]
    assert fmean(drawn) == pytest.approx(mean, rel=0.1, abs=0.02)
    assert pvariance(drawn) == pytest.approx(mean, rel=0.15, abs=0.02)


@given(st.integers(0, 200), st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(0, 99))
def test_split_loses_nothing(count: int, weights: list[float], seed: int) -> None:
    total = sum(weights) + 0.01
    parts = split(chance(seed), float(count), [weight / total for weight in weights])
    assert sum(parts) == count
    assert all(part >= 0 for part in parts)
    assert len(parts) == len(weights) + 1


def test_split_evenly_follows_the_weights() -> None:
    parts = split_evenly(chance(), 30_000.0, (1.0, 2.0, 7.0))
    assert [part / 30_000 for part in parts] == pytest.approx([0.1, 0.2, 0.7], abs=0.02)


def test_spread_follows_the_law_and_the_slowdown() -> None:
    law, grid = LogLogistic(0.1, 3.0), Grid.of((0.1, 0.2, 0.5, 1.0))
    cells = chance().spread(20_000.0, law, 2.0, grid)
    assert sum(cells) == 20_000
    below = [sum(cells[: place + 1]) / 20_000 for place in range(4)]
    assert below == pytest.approx([1 / (1 + (0.2 / edge) ** 3) for edge in grid.edges], abs=0.02)
