"""Grids cut the buckets of histograms into cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulators.families import Grid

BOUNDS = st.lists(st.integers(1, 10_000), min_size=1, max_size=12, unique=True).map(
    lambda whole: tuple(number / 1000 for number in sorted(whole))
)


@given(BOUNDS, st.integers(1, 4))
def test_each_bound_is_an_edge_and_each_cell_value_lies_between_its_edges(bounds: tuple[float, ...], cuts: int) -> None:
    grid = Grid.of(bounds, cuts)
    assert set(bounds) <= set(grid.edges)
    assert list(grid.edges) == sorted(grid.edges)
    assert len(grid.values) == len(grid.edges) + 1 == (len(bounds) - 1) * cuts + 2
    lows, highs = (0.0, *grid.edges), (*grid.edges, float("inf"))
    assert all(low < value < high for low, value, high in zip(lows, grid.values, highs, strict=True))


@given(BOUNDS, st.integers(1, 4))
def test_the_cells_of_a_bucket_end_at_its_bound(bounds: tuple[float, ...], cuts: int) -> None:
    grid = Grid.of(bounds, cuts)
    assert [grid.edges[end - 1] for end in grid.ends] == list(bounds)
