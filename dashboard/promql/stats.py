"""What a query has cost (``stats=`` of the API): where its time went, and how many samples it looked at (util/stats).

Samples are counted as Prometheus counts them. An instant selector looks at one sample of each series that it finds at a
step; a range at all samples in it, so that one sample counts at every step whose range it is in. Subqueries in the
place of a range count what they hold, not what they were made of.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from prometheus_client import Summary

from dashboard.model.samples import IntArray

_EVERYWHERE = slice(None)


class Phase(enum.Enum):
    """The parts of a query that Prometheus measures."""

    QUEUE = "execQueueTime"
    """It waits for its turn."""
    PREPARATION = "queryPreparationTime"
    """The expression is looked through. Samples are read while it is evaluated, and that counts there."""
    EVALUATION = "innerEvalTime"
    SORT = "resultSortTime"
    """The series of a range query are put in order."""


class Stopwatch:
    """Measures the phases of a query in seconds, and tells ``observers`` of each; the first is that it waits.

    ``monotonic`` returns seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float], observers: Mapping[Phase, Summary]) -> None:
        self._monotonic = monotonic
        self._observers = observers
        self._phase: Phase | None = Phase.QUEUE
        self._begun = self._since = monotonic()
        self._seconds: dict[Phase, float] = {}

    def enter(self, phase: Phase | None) -> None:
        """End the phase that is being measured, and begin another one, or none."""
        now = self._monotonic()
        if self._phase is not None:
            self._seconds[self._phase] = now - self._since
            self._observers[self._phase].observe(now - self._since)
        self._phase, self._since = phase, now

    def timings(self) -> Timings:
        """Return how long each phase took that has ended."""
        return Timings(self._seconds, self._since - self._begun)


@dataclass(frozen=True, slots=True)
class Timings:
    """How long the phases of a query took, and all of it, in seconds."""

    phases: Mapping[Phase, float]
    total: float

    def of(self, phase: Phase) -> float:
        """Return how long a phase took; no time if there was none."""
        return self.phases.get(phase, 0.0)


class SampleCount:
    """How many samples each step of a query has looked at."""

    def __init__(self, steps: int) -> None:
        self.per_step: IntArray = np.zeros(steps, dtype=np.int64)

    @property
    def total(self) -> int:
        """All steps together."""
        return int(self.per_step.sum())

    def add(self, counts: IntArray | int, steps: slice = _EVERYWHERE) -> None:
        """Count samples at some of the steps."""
        self.per_step[steps] += counts


@dataclass(frozen=True, slots=True)
class QueryStats:
    """What a query has cost; ``steps`` is int64[T]."""

    timings: Timings
    steps: IntArray
    samples: SampleCount
    peak_samples: int
    """The most samples that lay in memory at once: in the matrices that were made, and in the slice that was read."""
