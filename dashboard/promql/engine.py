"""The engine: takes a query, waits for its turn, evaluates it within limits, and orders the answer."""

from __future__ import annotations

import copy
import functools
import os
import time as clock
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Summary

from dashboard.promql.ast import Expr, StringLiteral, unparenthesise
from dashboard.promql.context import Context, Limits, Queryable, Remarks, make_steps
from dashboard.promql.errors import ParseError
from dashboard.promql.evaluation import evaluate
from dashboard.promql.matrix import Matrix
from dashboard.promql.parser import parse
from dashboard.promql.places import Places
from dashboard.promql.plan import Plan
from dashboard.promql.ranges import range_batches
from dashboard.promql.resolution import is_open, resolve
from dashboard.promql.results import QueryResult, Ranges, Scalar, String, Value, Vector
from dashboard.promql.selector import sort_rows
from dashboard.promql.signatures import ValueType
from dashboard.promql.stats import Phase, QueryStats, SampleCount, Stopwatch

__all__ = ["MAX_STEPS", "Engine", "Queryable"]

MAX_STEPS = 11_000
"""The most steps of a range query, as Prometheus counts them: without the first."""

HEAVY_AT_ONCE = 1 if (os.cpu_count() or 1) <= 2 else 2
"""Python runs one thread at a time: a second heavy query gains by what others do on another processor, if there is one.

With two processors, what it gains is taken from light queries and from scrapes.
"""

_SHORT = 2048
"""Longer texts are not remembered: what they mean would take much memory."""

_RANGED = (ValueType.SCALAR, ValueType.VECTOR)

_PHASE_LABELS = {
    Phase.QUEUE: "queue_time",
    Phase.PREPARATION: "prepare_time",
    Phase.EVALUATION: "inner_eval",
    Phase.SORT: "result_sort",
}


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Lane:
    """How many queries may run at once."""

    turns: Places
    heavy: Places


@dataclass(frozen=True, slots=True)
class _Query:
    """An expression, the text it was read from (empty where it was not), and when to evaluate it."""

    expr: Expr
    plan: Plan
    text: str
    start: int
    end: int
    step: int

    @classmethod
    def read(cls, query: str | Expr, start: int, end: int, step: int) -> _Query:
        text = query if isinstance(query, str) else ""
        expr, plan = _prepared(query) if isinstance(query, str) else (query, None)
        if plan is None:
            expr = resolve(expr, step, end - start)
            plan = Plan.of(expr)
        return cls(expr, plan, text, start, end, step)


def _prepared(text: str) -> tuple[Expr, Plan | None]:
    """Return what a text means; pages and panels ask the same again and again."""
    return _remembered(text) if len(text) <= _SHORT else _read(text)


def _read(text: str) -> tuple[Expr, Plan | None]:
    """Return the expression that a text is, and its plan, if that is the same for all queries."""
    expr = parse(text)
    return expr, None if is_open(expr) else Plan.of(expr)


_remembered = functools.lru_cache(256)(_read)


@dataclass(frozen=True, slots=True)
class _Run:
    """A query while it is evaluated."""

    context: Context
    watch: Stopwatch

    def result(self, value: Value) -> QueryResult:
        """Return what the query answers."""
        self.watch.enter(None)
        remarks = self.context.remarks
        return QueryResult(value, tuple(remarks.warnings), tuple(remarks.infos), self._stats())

    def _stats(self) -> QueryStats | None:
        context = self.context
        if context.samples is None:
            return None
        return QueryStats(self.watch.timings(), context.steps, context.samples, context.limits.usage.peak)


class Engine:
    """Answers PromQL queries from a :class:`Queryable`.

    ``lookback`` and ``timeout`` are milliseconds and can be given for a single query too; ``default_step`` is the step
    of subqueries that name none. At most ``concurrency`` queries run at once, and of those that take many samples at
    most ``heavy``; waiting counts to the timeout. ``max_samples`` is what one query may hold in memory.
    ``monotonic`` returns seconds that never go back.
    """

    def __init__(
        self,
        queryable: Queryable,
        *,
        registry: CollectorRegistry,
        lookback: int = 300_000,
        timeout: int = 120_000,
        max_samples: int = 20_000_000,
        concurrency: int = 20,
        heavy: int = HEAVY_AT_ONCE,
        default_step: int = 60_000,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._queryable = queryable
        self._lookback = lookback
        self._timeout = timeout
        self._max_samples = max_samples
        self._default_step = default_step
        self._monotonic = monotonic
        self._lane = _Lane(Places(concurrency), Places(heavy))
        self._running = Gauge("prometheus_engine_queries", "Queries that run or wait now.", registry=registry)
        most = Gauge("prometheus_engine_queries_concurrent_max", "Queries that may run at once.", registry=registry)
        most.set(concurrency)
        durations = Summary(
            "prometheus_engine_query_duration_seconds", "How long queries take.", ["slice"], registry=registry
        )
        self._durations = {phase: durations.labels(name) for phase, name in _PHASE_LABELS.items()}

    def lane(self, concurrency: int, heavy: int = 1) -> Engine:
        """Return an engine over the same storage whose queries wait only for each other."""
        lane = copy.copy(self)
        lane._lane = _Lane(Places(concurrency), Places(heavy))  # noqa: SLF001 - an engine like this one.
        return lane

    def instant(
        self,
        query: str | Expr,
        time: int,
        *,
        lookback: int | None = None,
        timeout: int | None = None,
        cancelled: Callable[[], bool] = _never,
        stats: bool = False,
        until: ExitStack | None = None,
    ) -> QueryResult:
        """Evaluate a query at one time (milliseconds).

        ``cancelled`` is asked now and then whether anybody still waits for the answer. With ``stats`` the result says
        what the query has cost. The query counts as running, and has its place, until ``until`` is closed: whoever goes
        on to write a large answer says so by it.

        Raises:
            ParseError: the query is none.
            ExecutionError: it cannot be evaluated.
            QueryTimeoutError: it took, or waited, too long.
            QueryCancelledError: nobody waits for it any more.
        """
        asked = _Query.read(query, time, time, 0)
        with self._run(asked, lookback, timeout, cancelled, until, stats=stats) as run:
            return run.result(_instant_value(asked.expr, run.context, time))

    def range(
        self,
        query: str | Expr,
        start: int,
        end: int,
        step: int,
        *,
        lookback: int | None = None,
        timeout: int | None = None,
        cancelled: Callable[[], bool] = _never,
        stats: bool = False,
        until: ExitStack | None = None,
    ) -> QueryResult:
        """Evaluate a query at many times, from ``start`` to ``end`` (milliseconds); the value is a Matrix.

        ``cancelled``, ``stats`` and ``until`` are as in :meth:`instant`.

        Raises:
            ParseError: the query is none, is of a type that has no place on a graph, or the times make no sense.
            ExecutionError: it cannot be evaluated.
            QueryTimeoutError: it took, or waited, too long.
            QueryCancelledError: nobody waits for it any more.
        """
        _check_times(start, end, step)
        asked = _Query.read(query, start, end, step)
        if asked.expr.type not in _RANGED:
            kind = asked.expr.type.value
            raise ParseError(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
        with self._run(asked, lookback, timeout, cancelled, until, stats=stats) as run:
            matrix = _range_value(asked.expr, run.context)
            run.watch.enter(Phase.SORT)
            return run.result(sort_rows(matrix))

    @contextmanager
    def _run(
        self,
        query: _Query,
        lookback: int | None,
        timeout: int | None,
        cancelled: Callable[[], bool],
        until: ExitStack | None,
        *,
        stats: bool,
    ) -> Iterator[_Run]:
        """Wait for a turn, and return the run of a query in it."""
        watch = Stopwatch(self._monotonic, self._durations)
        ends_at = self._monotonic() + (self._timeout if timeout is None else timeout) / 1000
        lane = self._lane
        limits = Limits(self._max_samples, ends_at, self._monotonic, cancelled, lane.turns, lane.heavy)
        with ExitStack() as own:
            running = own if until is None else until
            own.callback(watch.enter, None)
            self._running.inc()
            running.callback(self._running.dec)
            running.callback(limits.give_back)
            limits.take_turn()
            watch.enter(Phase.PREPARATION)
            context = self._context(query, lookback, limits, stats=stats)
            watch.enter(Phase.EVALUATION)
            yield _Run(context, watch)

    def _context(self, query: _Query, lookback: int | None, limits: Limits, *, stats: bool) -> Context:
        steps = make_steps(query.start, query.end, query.step or 1)
        return Context(
            queryable=self._queryable,
            steps=steps,
            start=query.start,
            end=query.end,
            query_step=query.step,
            lookback=lookback or self._lookback,
            default_step=self._default_step,
            limits=limits,
            remarks=Remarks(query.text),
            plan=query.plan,
            samples=SampleCount(len(steps)) if stats else None,
        )


def _check_times(start: int, end: int, step: int) -> None:
    if step <= 0:
        raise ParseError("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if end < start:
        raise ParseError("end timestamp must not be before start time")
    if (end - start) // step > MAX_STEPS:
        raise ParseError(
            f"exceeded maximum resolution of {MAX_STEPS:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )


def _instant_value(expr: Expr, context: Context, time: int) -> Value:
    bare = unparenthesise(expr)
    if isinstance(bare, StringLiteral):
        return String(time, bare.value)
    if expr.type is ValueType.MATRIX:
        return Ranges(range_batches(context, expr, evaluate))
    value = evaluate(expr, context)
    if not isinstance(value, Matrix):
        return Scalar(time, float(value[0]))
    shown = value.compact()
    return Vector(list(shown.labels), time, shown.values[:, 0].copy())


def _range_value(expr: Expr, context: Context) -> Matrix:
    value = evaluate(expr, context)
    return value.compact() if isinstance(value, Matrix) else Matrix.of_scalar(context.steps, value)
