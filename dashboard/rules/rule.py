"""What recording and alerting rules have in common, and how their results are stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import FloatArray, IntArray
from dashboard.promql.ast import Expr
from dashboard.promql.results import Vector
from dashboard.rules.errors import RuleError
from dashboard.rules.status import RuleHealth, RuleKind, RuleStatus
from dashboard.storage import AppendResult

VectorQuery = Callable[[Expr | str, int], Vector]
"""Runs an instant query at a time in milliseconds; a scalar becomes a vector with one series without labels."""

Row = Mapping[Labels, float]
"""What one evaluation of a rule stores: series and their values."""


@dataclass(frozen=True, slots=True)
class EvalTime:
    """One evaluation of a group: when it is, and what it looks at. Milliseconds."""

    now: int
    query_offset: int = 0

    @property
    def data_time(self) -> int:
        """The time that queries ask for, and that what they give is stored under."""
        return self.now - self.query_offset


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rule's last evaluation went. ``duration`` is in seconds."""

    health: RuleHealth = RuleHealth.UNKNOWN
    error: str = ""
    duration: float = 0.0
    time: int | None = None


class RowAppender(Protocol):
    """Writes rows: one timestamp, and a value for each of many series (`dashboard.storage.RowAppender`)."""

    def append(self, timestamp: int, series: IntArray, values: FloatArray) -> AppendResult:
        """Append a row, and end the series that only the last one had."""

    def end(self, timestamp: int) -> None:
        """End every series of the last row."""


class RowStore(Protocol):
    """Where rows go: the storage, or the memory of a unit test."""

    def series_id(self, labels: Labels) -> int:
        """Return the number of a series."""

    def appender(self) -> RowAppender:
        """Return a writer of rows."""


class RowWriter:
    """Stores the rows of one rule, and ends the series that are in a row no more."""

    def __init__(self, store: RowStore) -> None:
        self._store = store
        self._appender = store.appender()
        self._numbers: dict[Labels, int] = {}

    def write(self, timestamp: int, row: Row) -> bool:
        """Store a row; say whether anything changed that a query could see.

        Raises:
            RuleError: samples were dropped since the store has newer ones for their series.
        """
        if not row:
            return self.end(timestamp)
        known = self._numbers
        self._numbers = {labels: known[labels] if labels in known else self._store.series_id(labels) for labels in row}
        series = np.fromiter(self._numbers.values(), dtype=np.int64, count=len(row))
        values = np.fromiter(row.values(), dtype=np.float64, count=len(row))
        result = self._appender.append(timestamp, series, values)
        if result.out_of_order or result.duplicates:
            raise RuleError(f"{result.out_of_order + result.duplicates} samples were out of order and are not stored")
        return True

    def end(self, timestamp: int) -> bool:
        """Put staleness markers behind the last row; say whether there was one."""
        ended = bool(self._numbers)
        if ended:
            self._appender.end(timestamp)
            self._numbers = {}
        return ended


class Rule(ABC):
    """A rule of a group. ``labels`` are those of the group and the rule together, as the file has them."""

    kind: ClassVar[RuleKind]

    def __init__(self, name: str, expr: Expr, query: str, labels: Labels, writer: RowWriter) -> None:
        self.name = name
        self.expr = expr
        self.query = query
        self.labels = labels
        self.writer = writer
        self.outcome = Outcome()

    @abstractmethod
    def evaluate(self, query: VectorQuery, time: EvalTime, limit: int) -> Row:
        """Evaluate the rule and return what is to be stored. A ``limit`` of 0 is none.

        Raises:
            RuleError: the result cannot be used.
            PromqlError: the query failed.
        """

    @abstractmethod
    def adopt(self, former: Rule) -> None:
        """Take over what the same rule knew before a reload."""

    def status(self) -> RuleStatus:
        """Tell how the rule stands."""
        return RuleStatus(
            kind=self.kind,
            name=self.name,
            query=self.query,
            labels=self.labels,
            health=self.outcome.health,
            last_error=self.outcome.error,
            evaluation_time=self.outcome.duration,
            last_evaluation=self.outcome.time,
        )
