"""Where the figures come from: draws, and walks of state machines through time.

An app's model is written once. It runs on single numbers, one tick at a time, in a live process (``ScalarChance``), and
on numpy arrays, all ticks of a day at once, when a history is made (``simulators.history``).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeVar

from simulators.families import Grid

if TYPE_CHECKING:
    # numpy is never loaded by a live process: it would double its memory.
    import numpy as np
    from numpy.typing import NDArray

Amount = TypeVar("Amount", "float", "NDArray[np.float64]")
"""A number of one tick, or an array of the numbers of many ticks."""

Amount_contra = TypeVar("Amount_contra", "float", "NDArray[np.float64]", contravariant=True)
"""The same for what only takes amounts."""

Step = Callable[[int, Sequence[float]], Sequence[float]]
"""One step of a state machine: the time in ms and the inputs of a tick give the outputs of that tick."""


@dataclass(frozen=True, slots=True)
class LogLogistic:
    """A distribution of durations with a long tail: ``median`` in seconds, a larger ``shape`` has a shorter tail."""

    median: float
    shape: float = 3.2


class Chance(Protocol[Amount]):
    """Draws for one tick or for many. Amounts are whole numbers unless it says otherwise."""

    def constant(self, value: float) -> Amount:
        """Return the value for every tick."""

    def at_most(self, value: Amount, limit: float) -> Amount:
        """Return the value, or the limit where it is higher."""

    def poisson(self, mean: Amount) -> Amount:
        """Draw the number of events where ``mean`` are expected."""

    def binomial(self, count: Amount, share: Amount) -> Amount:
        """Draw how many of ``count`` fall into a share of 0 to 1."""

    def spread(self, count: Amount, law: LogLogistic, slowdown: Amount, grid: Grid) -> list[Amount]:
        """Draw ``count`` durations, ``slowdown`` times as long as by the law, and return how many fell in each cell."""

    def walk(self, step: Step, *inputs: Amount) -> list[Amount]:
        """Lead a state machine through the ticks in their order and return its outputs."""


def split(chance: Chance[Amount], count: Amount, shares: Sequence[Amount]) -> list[Amount]:
    """Divide ``count`` at random into shares, whose sum is less than 1, and a rest, which comes last."""
    parts: list[Amount] = []
    rest, left = count, chance.constant(1.0)
    for share in shares:
        part = chance.binomial(rest, chance.at_most(share / left, 1.0))
        parts.append(part)
        rest, left = rest - part, left - share
    parts.append(rest)
    return parts


def split_evenly(chance: Chance[Amount], count: Amount, weights: Sequence[float]) -> list[Amount]:
    """Divide ``count`` at random by constant weights."""
    total = sum(weights)
    return split(chance, count, [chance.constant(weight / total) for weight in weights[:-1]])


class ScalarChance:
    """Draws for one tick from a seeded generator."""

    def __init__(self, random: Random, now_ms: int) -> None:
        self._random = random
        self._now_ms = now_ms

    def constant(self, value: float) -> float:
        return value

    def at_most(self, value: float, limit: float) -> float:
        return min(value, limit)

    def poisson(self, mean: float) -> float:
        if mean > 30:
            return float(max(0, round(self._random.gauss(mean, math.sqrt(mean)))))
        # Knuth's method: events fit into a tick until the product of uniform draws falls below exp(-mean).
        floor, product, events = math.exp(-mean), self._random.random(), 0
        while product > floor:
            product *= self._random.random()
            events += 1
        return float(events)

    def binomial(self, count: float, share: float) -> float:
        if share <= 0:
            return 0.0
        draw = self._random.random
        return float(sum(draw() < share for _ in range(int(count))))

    def spread(self, count: float, law: LogLogistic, slowdown: float, grid: Grid) -> list[float]:
        cells = [0.0] * len(grid.values)
        edges, scale, power, draw = grid.edges, law.median * slowdown, 1 / law.shape, self._random.random
        for _ in range(int(count)):
            u = draw()
            cells[bisect_left(edges, scale * (u / (1 - u)) ** power)] += 1
        return cells

    def walk(self, step: Step, *inputs: float) -> list[float]:
        return list(step(self._now_ms, inputs))
