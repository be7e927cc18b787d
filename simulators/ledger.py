"""Where a tick's amounts are written down, and how they become the samples of an exposition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from simulators.chance import Amount, Amount_contra
from simulators.families import Family, FamilyKind, LabelValues

WINDOW_MS = 60_000
"""The time over which a summary's quantiles are taken."""

Flat = tuple[str, dict[str, str], Amount]
"""A sample's name, its labels, and its value."""


class Ledger(Protocol[Amount_contra]):
    """Takes the amounts of one tick, or of many."""

    def add(self, family: Family, labels: LabelValues, amount: Amount_contra) -> None:
        """Add to a counter."""

    def set(self, family: Family, labels: LabelValues, value: Amount_contra) -> None:
        """Set a gauge."""

    def observe(self, family: Family, labels: LabelValues, cells: Sequence[Amount_contra]) -> None:
        """Add observations, counted by the cells of the family's grid, to a histogram or a summary."""


class Tally:
    """A live app's totals since its start, and the last minute's observations for its summaries."""

    def __init__(self, tick_ms: int) -> None:
        self.single: dict[Family, dict[LabelValues, float]] = {}
        self.cells: dict[Family, dict[LabelValues, list[float]]] = {}
        self.windows: dict[tuple[Family, LabelValues], Window] = {}
        self._window_ticks = WINDOW_MS // tick_ms

    def add(self, family: Family, labels: LabelValues, amount: float) -> None:
        totals = self.single.setdefault(family, {})
        totals[labels] = totals.get(labels, 0.0) + amount

    def set(self, family: Family, labels: LabelValues, value: float) -> None:
        self.single.setdefault(family, {})[labels] = value

    def observe(self, family: Family, labels: LabelValues, cells: Sequence[float]) -> None:
        totals = self.cells.setdefault(family, {}).setdefault(labels, [0.0] * len(cells))
        for place, count in enumerate(cells):
            if count:
                totals[place] += count
        if family.kind is FamilyKind.SUMMARY:
            self.windows.setdefault((family, labels), Window(self._window_ticks, len(cells))).push(cells)


class Window:
    """The observations of the last ticks, counted by cell."""

    def __init__(self, ticks: int, cells: int) -> None:
        self._ticks: list[Sequence[float]] = [(0.0,) * cells] * ticks
        self._next = 0
        self.cells = [0.0] * cells

    def push(self, cells: Sequence[float]) -> None:
        """Take in a tick and forget the oldest one."""
        oldest, self._ticks[self._next] = self._ticks[self._next], tuple(cells)
        self._next = (self._next + 1) % len(self._ticks)
        self.cells = [total + new - old for total, new, old in zip(self.cells, cells, oldest, strict=True)]


def histogram_samples(family: Family, labels: LabelValues, cells: Sequence[Amount]) -> Iterator[Flat[Amount]]:
    """Yield a histogram's buckets, its sum and its count."""
    own = dict(zip(family.labels, labels, strict=True))
    total, done = cells[0], 1
    for bound, end in zip(family.grid.bounds, family.grid.ends, strict=True):
        for cell in cells[done:end]:
            total = total + cell
        done = end
        yield f"{family.name}_bucket", {**own, "le": str(bound)}, total
    for cell in cells[done:]:
        total = total + cell
    yield f"{family.name}_bucket", {**own, "le": "+Inf"}, total
    yield from _sum_and_count(family, own, cells, total)


def summary_samples(family: Family, labels: LabelValues, cells: Sequence[Amount]) -> Iterator[Flat[Amount]]:
    """Yield a summary's sum and count; its quantiles come from a window."""
    total = cells[0]
    for cell in cells[1:]:
        total = total + cell
    yield from _sum_and_count(family, dict(zip(family.labels, labels, strict=True)), cells, total)


def _sum_and_count(
    family: Family, own: dict[str, str], cells: Sequence[Amount], count: Amount
) -> Iterator[Flat[Amount]]:
    weighted = cells[0] * family.grid.values[0]
    for cell, value in zip(cells[1:], family.grid.values[1:], strict=True):
        weighted = weighted + cell * value
    yield f"{family.name}_count", own, count
    yield f"{family.name}_sum", own, weighted


def quantile(cells: Sequence[float], values: Sequence[float], q: float) -> float:
    """Return the value of the cell in which the quantile lies; NaN when nothing was observed."""
    wanted = q * sum(cells)
    if not wanted:
        return float("nan")
    seen = 0.0
    for count, value in zip(cells, values, strict=True):
        seen += count
        if seen >= wanted:
            return value
    return values[-1]
