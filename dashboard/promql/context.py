"""What an evaluation carries from operator to operator: its steps, its limits, and the remarks made on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from dashboard.model.matcher import Matcher
from dashboard.model.samples import IntArray, SeriesBatch
from dashboard.promql.ast import Expr
from dashboard.promql.errors import QueryCancelledError, QueryTimeoutError, TooManySamplesError
from dashboard.promql.matrix import Operand
from dashboard.promql.places import Places
from dashboard.promql.plan import Plan
from dashboard.promql.position import NOWHERE, Span, line_and_column
from dashboard.promql.stats import SampleCount


class Queryable(Protocol):
    """Where samples come from."""

    def select(
        self, matchers: Sequence[Matcher], start: int, end: int, /, *, most: int | None = None
    ) -> list[SeriesBatch]:
        """Return the samples of the series that satisfy all matchers, from ``start`` to ``end``, both included.

        Raises:
            SampleLimitError: there are more samples than ``most``. It must be raised before they are in memory.
        """


HEAVY = 1 << 18
"""A query that reads or makes more samples than that needs a place among the heavy ones."""

_PATIENCE = 0.25
"""Seconds between two looks at whether waiting still makes sense."""


@dataclass(slots=True)
class Usage:
    """What a query has taken so far, in samples."""

    held: int = 0
    """In the matrices that were made."""
    peak: int = 0
    """The most that were held at once, together with those that were being looked at."""
    weight: int = 0
    """Read from storage and made, all together."""
    is_heavy: bool = False
    places: list[Places] = field(default_factory=list)
    """Where the query has a place now."""

    def reach(self, more: int = 0) -> None:
        """Note how many samples are in memory; ``more`` are those that are not held."""
        self.peak = max(self.peak, self.held + more)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may take, and what it has taken."""

    max_samples: int
    ends_at: float
    """The time of ``clock`` when the query is given up."""
    clock: Callable[[], float]
    cancelled: Callable[[], bool] = lambda: False
    """Whether nobody waits for the answer any more."""
    turns: Places = field(default_factory=lambda: Places(1))
    """The places of queries that run and are not heavy."""
    heavy: Places = field(default_factory=lambda: Places(1))
    """The places of heavy queries."""
    usage: Usage = field(default_factory=Usage)

    def check_time(self, where: str = "expression evaluation") -> None:
        """Raise QueryTimeoutError once the query has taken too long, QueryCancelledError once nobody waits for it."""
        if self.cancelled():
            raise QueryCancelledError(where)
        if self.clock() > self.ends_at:
            raise QueryTimeoutError(where)

    def take_turn(self) -> None:
        """Wait for a turn; :meth:`give_back` is to be called at the end."""
        self._enter(self.turns)

    def give_back(self) -> None:
        """Give back what places the query has."""
        self._leave(self.turns)
        self._leave(self.heavy)

    def become_heavy(self) -> bool:
        """Say whether the query had to wait for a place among the heavy ones.

        Others have its turn from now on: however many heavy queries wait, light ones go on.
        """
        if self.usage.is_heavy:
            return False
        self.usage.is_heavy = True
        self._leave(self.turns)
        if self.heavy in self.usage.places:
            return False
        self._enter(self.heavy)
        return True

    def _enter(self, places: Places) -> None:
        places.enter(self._patience)
        self.usage.places.append(places)

    def _leave(self, places: Places) -> None:
        if places in self.usage.places:
            self.usage.places.remove(places)
            places.leave()

    def _patience(self) -> float:
        self.check_time("query queue")
        return min(self.ends_at - self.clock(), _PATIENCE)

    @property
    def left(self) -> int:
        """How many samples may still be made."""
        return self.max_samples - self.usage.held

    def readable(self) -> int:
        """Return how many samples may be read at once; :meth:`read` is to be told how many these were.

        Where a place among the heavy queries is free, a light one has it meanwhile. Else it must not become heavy by
        what it reads, so that little of heavy queries is in memory while they wait.
        """
        if self.usage.is_heavy:
            return self.left
        if self.heavy.enter_if_free():
            self.usage.places.append(self.heavy)
            return self.left
        return min(self.left, HEAVY - self.usage.weight)

    def check_samples(self, count: int) -> None:
        """Raise TooManySamplesError before that many samples more are in memory."""
        if count > self.left:
            raise TooManySamplesError

    def hold(self, count: int) -> None:
        """Count samples that stay in memory; raises TooManySamplesError where they are too many."""
        self.check_samples(count)
        self.usage.held += count
        self.usage.reach()
        self._weigh(count)

    def read(self, count: int) -> None:
        """Count samples that were read from storage, to be looked at and let go."""
        self.usage.reach(count)
        self._weigh(count)

    def _weigh(self, count: int) -> None:
        """Wait for a place among the heavy queries if samples that were read or made make it one."""
        self.usage.weight += count
        if self.usage.weight > HEAVY:
            self.become_heavy()
        elif not self.usage.is_heavy:
            self._leave(self.heavy)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let go, at the end, of what is held within."""
        held = self.usage.held
        yield
        self.usage.held = held


@dataclass(frozen=True, slots=True)
class Remarks:
    """The warnings and infos of a query, in the order of their first appearance."""

    text: str
    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.warnings) + len(self.infos)

    def warn(self, reason: str, span: Span) -> None:
        """Add a warning about a place of the query."""
        self.warnings[f"PromQL warning: {reason}{self._where(span)}"] = None

    def inform(self, reason: str, span: Span) -> None:
        """Add an info about a place of the query."""
        self.infos[f"PromQL info: {reason}{self._where(span)}"] = None

    def _where(self, span: Span) -> str:
        known = self.text and span != NOWHERE
        return f" ({line_and_column(self.text, span.start)})" if known else ""


@dataclass(frozen=True, slots=True)
class Found:
    """What an expression was found to be, and the samples that it looked at for it."""

    operand: Operand
    samples: SampleCount | None


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that evaluating an expression needs beside the expression.

    ``steps`` is int64[T], the times at which it is evaluated; ``start``, ``end`` and ``query_step`` are those of the
    whole query (the step of an instant query is 0), which ``@ start()`` and its like mean in subqueries too. Durations
    and times are milliseconds.
    """

    queryable: Queryable
    steps: IntArray
    start: int
    end: int
    query_step: int
    lookback: int
    default_step: int
    limits: Limits
    remarks: Remarks
    plan: Plan
    samples: SampleCount | None = None
    """The samples that were looked at, if anybody wants to know."""
    known: dict[Expr, Found] = field(default_factory=dict)
    """What was found for the expressions that stand at several places."""

    def at(self, steps: IntArray) -> Context:
        """Return the same context at other steps, as a subquery has them. It counts its samples for itself."""
        return replace(self, steps=steps, samples=self._new_count(len(steps)), known={})

    def apart(self) -> Context:
        """Return a context that counts its samples for itself, and is the same but for that."""
        return self if self.samples is None else replace(self, samples=self._new_count(self.count))

    def count_all_of(self, inner: Context) -> None:
        """Count at every step the samples that another context has looked at in all."""
        if self.samples is not None and inner.samples is not None:
            self.samples.add(inner.samples.total)

    def _new_count(self, steps: int) -> SampleCount | None:
        return None if self.samples is None else SampleCount(steps)

    @property
    def count(self) -> int:
        """The number of steps."""
        return len(self.steps)


def make_steps(start: int, end: int, step: int) -> IntArray:
    """Return the times from ``start`` to ``end``, both included where the step meets them."""
    return np.arange(start, end + 1, step, dtype=np.int64)
