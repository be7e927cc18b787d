"""The engine: takes a query, waits for its turn, evaluates it within limits, and orders the answer."""

from __future__ import annotations

import threading
import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, Summary

from dashboard.model.samples import IntArray
from dashboard.promql.ast import Expr, StringLiteral, unparenthesise
from dashboard.promql.context import Context, Limits, Queryable, Remarks, make_steps
from dashboard.promql.errors import ParseError, QueryTimeoutError
from dashboard.promql.evaluation import evaluate
from dashboard.promql.matrix import Matrix, row_order
from dashboard.promql.parser import parse
from dashboard.promql.ranges import range_batches
from dashboard.promql.resolution import resolve
from dashboard.promql.results import QueryResult, Ranges, Scalar, String, Value, Vector
from dashboard.promql.signatures import ValueType

__all__ = ["MAX_STEPS", "Engine", "Queryable"]

MAX_STEPS = 11_000
"""The most steps of a range query, as Prometheus counts them: without the first."""

_RANGED = (ValueType.SCALAR, ValueType.VECTOR)


class Engine:
    """Answers PromQL queries from a :class:`Queryable`.

    ``lookback`` and ``timeout`` are milliseconds and can be given for a single query too; ``default_step`` is the step
    of subqueries that name none. At most ``concurrency`` queries run at once; waiting counts to the timeout.
    ``monotonic`` returns seconds that never go back.
    """

    def __init__(
        self,
        queryable: Queryable,
        *,
        registry: CollectorRegistry,
        lookback: int = 300_000,
        timeout: int = 120_000,
        max_samples: int = 50_000_000,
        concurrency: int = 20,
        default_step: int = 60_000,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._queryable = queryable
        self._lookback = lookback
        self._timeout = timeout
        self._max_samples = max_samples
        self._default_step = default_step
        self._monotonic = monotonic
        self._turns = threading.BoundedSemaphore(concurrency)
        self._running = Gauge("prometheus_engine_queries", "Queries that run or wait now.", registry=registry)
        most = Gauge("prometheus_engine_queries_concurrent_max", "Queries that may run at once.", registry=registry)
        most.set(concurrency)
        self._durations = Summary(
            "prometheus_engine_query_duration_seconds", "How long queries take.", ["slice"], registry=registry
        )

    def instant(
        self, query: str | Expr, time: int, *, lookback: int | None = None, timeout: int | None = None
    ) -> QueryResult:
        """Evaluate a query at one time (milliseconds).

        Raises:
            ParseError: the query is none.
            ExecutionError: it cannot be evaluated.
            QueryTimeoutError: it took, or waited, too long.
        """
        expr, text = _read(query)
        expr = resolve(expr, 0, 0)
        steps = np.array([time], dtype=np.int64)
        with self._turn(timeout) as limits:
            context = self._context(steps, 0, lookback, limits, text)
            return _remarked(_instant_value(expr, context, time), context.remarks)

    def range(
        self,
        query: str | Expr,
        start: int,
        end: int,
        step: int,
        *,
        lookback: int | None = None,
        timeout: int | None = None,
    ) -> QueryResult:
        """Evaluate a query at many times, from ``start`` to ``end`` (milliseconds); the value is a Matrix.

        Raises:
            ParseError: the query is none, is of a type that has no place on a graph, or the times make no sense.
            ExecutionError: it cannot be evaluated.
            QueryTimeoutError: it took, or waited, too long.
        """
        expr, text = _read(query)
        steps = _checked_steps(start, end, step)
        if expr.type not in _RANGED:
            kind = expr.type.value
            raise ParseError(f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector')
        expr = resolve(expr, step, end - start)
        with self._turn(timeout) as limits:
            context = self._context(steps, step, lookback, limits, text)
            return _remarked(_range_value(expr, context), context.remarks)

    def _context(self, steps: IntArray, step: int, lookback: int | None, limits: Limits, text: str) -> Context:
        return Context(
            queryable=self._queryable,
            steps=steps,
            start=int(steps[0]),
            end=int(steps[-1]),
            query_step=step,
            lookback=lookback or self._lookback,
            default_step=self._default_step,
            limits=limits,
            remarks=Remarks(text),
        )

    @contextmanager
    def _turn(self, timeout: int | None) -> Iterator[Limits]:
        seconds = (self._timeout if timeout is None else timeout) / 1000
        begun = self._monotonic()
        with self._running.track_inprogress():
            if not self._turns.acquire(timeout=seconds):
                raise QueryTimeoutError("query queue")
            try:
                self._durations.labels("queue_time").observe(self._monotonic() - begun)
                with self._durations.labels("inner_eval").time():
                    yield Limits(self._max_samples, begun + seconds, self._monotonic)
            finally:
                self._turns.release()


def _read(query: str | Expr) -> tuple[Expr, str]:
    return (parse(query), query) if isinstance(query, str) else (query, "")


def _checked_steps(start: int, end: int, step: int) -> IntArray:
    if step <= 0:
        raise ParseError("zero or negative query resolution step widths are not accepted. Try a positive integer")
    if end < start:
        raise ParseError("end timestamp must not be before start time")
    if (end - start) // step > MAX_STEPS:
        raise ParseError(
            f"exceeded maximum resolution of {MAX_STEPS:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    return make_steps(start, end, step)


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
    if isinstance(value, Matrix):
        shown = value.compact()
        return shown.take(row_order(shown.labels))
    return Matrix.of_scalar(context.steps, value)


def _remarked(value: Value, remarks: Remarks) -> QueryResult:
    return QueryResult(value, tuple(remarks.warnings), tuple(remarks.infos))
