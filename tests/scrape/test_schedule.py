"""Targets are scraped soon after they are known, then on a grid of their own."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.scrape.schedule import aligned, first_scrape, next_on_grid, time_allowed
from dashboard.scrape.target import Target

from .conftest import make_target


@pytest.fixture(scope="module")
def target() -> Target:
    return make_target()


times = st.integers(1_600_000_000_000, 2_000_000_000_000)
intervals = st.integers(1, 3_600_000)
ids = st.integers(0, 2**64 - 1).map("{:016x}".format)


@given(now=times, interval=intervals, target_id=ids)
def test_the_first_scrape_comes_within_a_second_and_the_next_not_at_once(
    target: Target, now: int, interval: int, target_id: str
) -> None:
    target = dataclasses.replace(target, interval=interval, id=target_id)
    first = first_scrape(target, now)
    second = next_on_grid(target, first)
    assert now <= first < now + min(1000, interval)
    assert first + interval // 2 <= second < first + interval // 2 + interval
    assert (second - target.hash) % interval == 0


@given(now=times, interval=intervals, target_id=ids)
def test_timestamps_move_to_the_grid_only_where_it_is_near(
    target: Target, now: int, interval: int, target_id: str
) -> None:
    target = dataclasses.replace(target, interval=interval, id=target_id)
    moved = aligned(target, now)
    assert abs(moved - now) <= min(10, interval // 100)
    assert moved == now or (moved - target.hash) % interval == 0


@pytest.mark.parametrize(
    ("interval", "timeout", "allowed"), [(5000, 2000, 2000), (5000, 5000, 4900), (200, 200, 190), (1, 1, 1)]
)
def test_a_scrape_ends_before_the_next_begins(target: Target, interval: int, timeout: int, allowed: int) -> None:
    assert time_allowed(dataclasses.replace(target, interval=interval, timeout=timeout)) == allowed


def test_a_time_just_beside_the_grid_moves_there(target: Target) -> None:
    target = dataclasses.replace(target, interval=5000, id=f"{1234:016x}")
    assert [aligned(target, 50_001_234 + late) for late in (-11, -10, 0, 10, 11)] == [
        50_001_223,
        50_001_234,
        50_001_234,
        50_001_234,
        50_001_245,
    ]
