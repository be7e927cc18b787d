"""What an evaluation carries from operator to operator: its steps, its limits, and the remarks made on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from dashboard.model.matcher import Matcher
from dashboard.model.samples import IntArray, SeriesBatch
from dashboard.promql.errors import QueryTimeoutError, TooManySamplesError
from dashboard.promql.position import NOWHERE, Span, line_and_column


class Queryable(Protocol):
    """Where samples come from."""

    def select(
        self, matchers: Sequence[Matcher], start: int, end: int, /, *, most: int | None = None
    ) -> list[SeriesBatch]:
        """Return the samples of the series that satisfy all matchers, from ``start`` to ``end``, both included.

        Raises:
            SampleLimitError: there are more samples than ``most``. It must be raised before they are in memory.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may take."""

    max_samples: int
    ends_at: float
    """The time of ``clock`` when the query is given up."""
    clock: Callable[[], float]

    def check_time(self, where: str = "expression evaluation") -> None:
        """Raise QueryTimeoutError once the query has taken too long."""
        if self.clock() > self.ends_at:
            raise QueryTimeoutError(where)

    def check_samples(self, count: int) -> None:
        """Raise TooManySamplesError before that many samples are made or kept at once."""
        if count > self.max_samples:
            raise TooManySamplesError


@dataclass(frozen=True, slots=True)
class Remarks:
    """The warnings and infos of a query, in the order of their first appearance."""

    text: str
    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

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

    def at(self, steps: IntArray) -> Context:
        """Return the context of a subquery, which has steps of its own."""
        return replace(self, steps=steps)

    @property
    def count(self) -> int:
        """The number of steps."""
        return len(self.steps)


def make_steps(start: int, end: int, step: int) -> IntArray:
    """Return the times from ``start`` to ``end``, both included where the step meets them."""
    return np.arange(start, end + 1, step, dtype=np.int64)
