"""The engine: kinds of answers, their order, and the limits that every query has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import SampleLimitError, SeriesBatch
from dashboard.promql import (
    Engine,
    ExecutionError,
    Matrix,
    ParseError,
    QueryCancelledError,
    QueryTimeoutError,
    Ranges,
    Scalar,
    String,
    Vector,
    parse,
)
from dashboard.promql.context import HEAVY
from dashboard.promql.engine import MAX_STEPS
from dashboard.promql.errors import TooManySamplesError
from dashboard.promql.functions import FUNCTIONS
from dashboard.promql.signatures import SIGNATURES
from tests.promql.conftest import MemoryStorage

Load = Callable[..., None]


def test_an_instant_query_answers_in_the_type_of_its_expression(engine: Engine, load: Load) -> None:
    load("x 1 2")
    assert engine.instant("1 + 1", 5000).value == Scalar(5000, 2)
    assert engine.instant("('text')", 5000).value == String(5000, "text")
    vector = engine.instant("x", 30_000).value
    assert isinstance(vector, Vector)
    assert (vector.time, vector.values.tolist()) == (30_000, [2])
    ranges = engine.instant("(x[1m])", 30_000).value
    assert isinstance(ranges, Ranges)
    assert [batch.timestamps.tolist() for batch in ranges.batches] == [[0, 30_000]]


def test_a_range_query_answers_with_a_matrix_in_the_order_of_labels(engine: Engine, load: Load) -> None:
    load('x{i="2"} 1 2\nx{i="1"} 3 4\ny 5 6')
    matrix = engine.range("sort_desc({__name__!=''})", 0, 30_000, 30_000).value
    assert isinstance(matrix, Matrix)
    assert [str(labels) for labels in matrix.labels] == ['x{i="1"}', 'x{i="2"}', "y"]
    assert matrix.steps.tolist() == [0, 30_000]
    assert matrix.values.tolist() == [[3, 4], [1, 2], [5, 6]]


def test_a_scalar_over_time_is_a_series_without_labels(engine: Engine) -> None:
    matrix = engine.range("time()", 1000, 3000, 1000).value
    assert isinstance(matrix, Matrix)
    assert (matrix.labels, matrix.values.tolist()) == ([Labels()], [[1, 2, 3]])


def test_a_parsed_query_is_asked_as_its_text_is(engine: Engine, load: Load) -> None:
    load("x 1 2")
    result = engine.instant(parse("rate(x[1m])"), 30_000)
    assert result.infos[0].endswith('"x"')


def test_one_step_of_a_range_is_an_instant(engine: Engine, load: Load) -> None:
    load('x_total{i="1"} 0+1x20\nx_total{i="2"} 0+2x20')
    query = "sum by (i) (rate(x_total[2m])) / on () group_left sum(x_total)"
    vector, matrix = engine.instant(query, 300_000).value, engine.range(query, 60_000, 300_000, 60_000).value
    assert isinstance(vector, Vector)
    assert isinstance(matrix, Matrix)
    assert np.array_equal(vector.values, matrix.values[:, -1])


@pytest.mark.parametrize(
    ("query", "times", "reason"),
    [
        ("'a'", (0, 1, 1), 'invalid expression type "string" for range query, must be Scalar or instant Vector'),
        ("x[1m]", (0, 1, 1), 'invalid expression type "range vector" for range query'),
        ("x", (0, 1, 0), "zero or negative query resolution step widths are not accepted"),
        ("x", (1, 0, 1), "end timestamp must not be before start time"),
        ("x", (0, MAX_STEPS + 1, 1), "exceeded maximum resolution of 11,000 points per timeseries"),
    ],
)
def test_a_range_query_that_makes_no_sense_is_refused(
    engine: Engine, query: str, times: tuple[int, int, int], reason: str
) -> None:
    with pytest.raises(ParseError, match=reason):
        engine.range(query, *times)


def test_the_most_steps_are_those_of_prometheus(engine: Engine) -> None:
    matrix = engine.range("vector(1)", 0, MAX_STEPS, 1).value
    assert isinstance(matrix, Matrix)
    assert len(matrix.steps) == MAX_STEPS + 1


def test_a_deep_query_is_evaluated(engine: Engine, load: Load) -> None:
    load("x 1")
    depth = 240
    assert engine.instant("(" * depth + "1" + ")" * depth, 0).value == Scalar(0, 1)
    assert engine.instant("1" + "+1" * depth, 0).value == Scalar(0, depth + 1)
    nested = engine.instant("abs(" * depth + "x" + ")" * depth, 0).value
    assert isinstance(nested, Vector)
    assert nested.values.tolist() == [1]


def test_every_function_that_can_be_read_can_be_evaluated() -> None:
    assert set(FUNCTIONS) == set(SIGNATURES)


class Slow:
    """A storage that answers only when it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()

    def select(self, *_: object, **__: object) -> list[SeriesBatch]:
        self.asked.release()
        assert self.go.wait(20)
        return []


def test_a_query_waits_for_its_turn_and_gives_up_in_time() -> None:
    slow, registry = Slow(), CollectorRegistry()
    engine = Engine(slow, registry=registry, concurrency=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(engine.instant, "x", 0)
        assert slow.asked.acquire(timeout=20)
        assert registry.get_sample_value("prometheus_engine_queries") == 1
        with pytest.raises(QueryTimeoutError, match="query timed out in query queue"):
            engine.instant("x", 0, timeout=20)
        slow.go.set()
        assert isinstance(first.result(20).value, Vector)
    assert isinstance(engine.instant("x", 0, timeout=20).value, Vector)
    assert registry.get_sample_value("prometheus_engine_queries") == 0
    assert registry.get_sample_value("prometheus_engine_queries_concurrent_max") == 1


def test_a_lane_of_its_own_waits_for_nobody_else() -> None:
    slow = Slow()
    engine = Engine(slow, registry=CollectorRegistry(), concurrency=1)
    rules = engine.lane(1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(engine.instant, "x", 0)
        assert slow.asked.acquire(timeout=20)
        assert rules.instant("1 + 1", 0, timeout=20).value == Scalar(0, 2)
        slow.go.set()
        first.result(20)


class Much:
    """A storage with long series, but for ``light``, which has one sample; ``wait`` comes when it is told to."""

    def __init__(self) -> None:
        self.slow = Slow()
        self.asked: list[int] = []
        self.read = 0

    def select(self, matchers: list[Matcher], *_: object, most: int) -> list[SeriesBatch]:
        name = matchers[-1].value
        if name == "wait":
            self.slow.select()
        self.asked.append(most)
        count = 1 if name == "light" else HEAVY + 1
        if count > most:
            raise SampleLimitError(most, count)
        self.read += count
        return [SeriesBatch([Labels.of({"__name__": "x"})], np.arange(count, dtype=np.int64), np.zeros((1, count)))]


LONG = "sum_over_time(x[1h])"


def test_heavy_queries_wait_for_each_other_and_light_ones_do_not() -> None:
    much = Much()
    engine = Engine(much, registry=CollectorRegistry(), heavy=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(engine.instant, f"{LONG} + wait", HEAVY)
        assert much.slow.asked.acquire(timeout=20)
        read = much.read
        with pytest.raises(QueryTimeoutError, match="query timed out in query queue"):
            engine.instant(LONG, HEAVY, timeout=20)
        assert much.read == read, "what waits has nothing in memory"
        assert isinstance(engine.instant("light", 0).value, Vector)
        much.slow.go.set()
        first.result(20)
    assert isinstance(engine.instant(LONG, HEAVY).value, Vector)


def test_heavy_queries_that_wait_have_no_turn_of_light_ones() -> None:
    much = Much()
    engine = Engine(much, registry=CollectorRegistry(), concurrency=1, heavy=1)
    with ThreadPoolExecutor(4) as pool:
        running = pool.submit(engine.instant, f"{LONG} + wait", HEAVY)
        assert much.slow.asked.acquire(timeout=20)
        waiting = [pool.submit(engine.instant, LONG, HEAVY) for _ in range(3)]
        while sum(most <= HEAVY for most in much.asked) < len(waiting):
            assert not threading.Event().wait(0.01)
        assert isinstance(engine.instant("light", 0, timeout=10_000).value, Vector)
        much.slow.go.set()
        assert all(isinstance(each.result(20).value, Vector) for each in (running, *waiting))


def test_a_light_query_needs_no_place_of_heavy_ones_and_a_free_one_is_not_missed() -> None:
    much = Much()
    engine = Engine(much, registry=CollectorRegistry(), heavy=1)
    for _ in range(3):
        assert isinstance(engine.instant("light + light", 0).value, Vector)
        assert isinstance(engine.instant(f"light + {LONG}", HEAVY).value, Vector)
    assert min(much.asked) > HEAVY


def test_a_query_has_its_place_until_its_answer_is_written() -> None:
    registry = CollectorRegistry()
    engine = Engine(Much(), registry=registry, concurrency=1, heavy=1)
    for query in ("light", LONG):
        with ExitStack() as written:
            engine.instant(query, HEAVY, until=written)
            assert registry.get_sample_value("prometheus_engine_queries") == 1
            with pytest.raises(QueryTimeoutError, match="query timed out in query queue"):
                engine.instant(query, HEAVY, timeout=20)
        assert registry.get_sample_value("prometheus_engine_queries") == 0
        assert isinstance(engine.instant(query, HEAVY).value, Vector)


def test_a_failed_query_keeps_no_place() -> None:
    engine = Engine(Much(), registry=CollectorRegistry(), concurrency=1, heavy=1, max_samples=HEAVY)
    with ExitStack() as written, pytest.raises(TooManySamplesError):
        engine.instant(LONG, HEAVY, until=written)
    assert isinstance(engine.instant("light", 0, timeout=20).value, Vector)


def test_a_query_that_nobody_waits_for_any_more_is_given_up() -> None:
    slow = Slow()
    engine = Engine(slow, registry=CollectorRegistry(), concurrency=1)
    gone = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(engine.instant, "x + y", 0, cancelled=gone.is_set)
        assert slow.asked.acquire(timeout=20)
        waiting = pool.submit(engine.instant, "x", 0, cancelled=gone.is_set)
        gone.set()
        with pytest.raises(QueryCancelledError, match="query was canceled in query queue"):
            waiting.result(20)
        slow.go.set()
        with pytest.raises(QueryCancelledError, match="query was canceled in expression evaluation"):
            running.result(20)
    assert engine.instant("1", 0).value == Scalar(0, 1)


def test_what_stands_twice_is_evaluated_once(storage: MemoryStorage, engine: Engine, load: Load) -> None:
    load("x_total 0+1x20\ny 1 2 3")
    query = "rate(x_total[2m]) / (1 + rate(x_total[2m])) + sum(rate(x_total[2m]))"
    vector = engine.instant(query, 300_000).value
    assert isinstance(vector, Vector)
    assert vector.values[0] == pytest.approx((1 / 30) / (1 + 1 / 30) + 1 / 30)
    assert len(storage.asked) == 1
    # What there is to remark is remarked at both places.
    assert len(engine.instant("rate(y[2m]) + rate(y[2m])", 60_000).infos) == 2


def test_what_is_fixed_in_time_is_evaluated_once(storage: MemoryStorage, engine: Engine, load: Load) -> None:
    load("x 0+1x20")
    matrix = engine.range("sum(x @ 60 + x offset 1m @ end()) + x", 100_000, 310_000, 60_000).value
    assert isinstance(matrix, Matrix)
    # The end of the query is no step of it.
    assert matrix.values.tolist() == [[2 + 8 + 3, 2 + 8 + 5, 2 + 8 + 7, 2 + 8 + 9]]
    assert sorted(end - start for start, end in storage.asked) == [299_999, 299_999, 299_999 + 180_000]


def test_a_failed_query_gives_its_turn_back(engine: Engine, load: Load) -> None:
    load('x{i="1"} 1\nx{i="2"} 1')
    for _ in range(30):
        with pytest.raises(ExecutionError):
            engine.instant("x + on () x", 0)
    assert engine.instant("1", 0).value == Scalar(0, 1)


def test_a_query_that_takes_too_long_is_given_up() -> None:
    seconds = iter(range(1000))

    class Empty:
        def select(self, *_: object, **__: object) -> list[SeriesBatch]:
            return []

    engine = Engine(Empty(), registry=CollectorRegistry(), timeout=30_000, monotonic=lambda: float(next(seconds)))
    with pytest.raises(QueryTimeoutError, match="query timed out in expression evaluation"):
        engine.instant("1" + "+1" * 40, 0)


@pytest.mark.parametrize("query", ["x", "rate(x[5m])", "x * on (j) group_left (i) y"])
def test_a_query_that_takes_too_many_samples_is_refused(query: str) -> None:
    times = np.arange(10, dtype=np.int64) * 30_000

    class Wide:
        def select(self, matchers: list, *_: object, **__: object) -> list[SeriesBatch]:
            name = matchers[-1].value
            labels = [Labels.of({"__name__": name, "i": str(number)}) for number in range(50)]
            return [SeriesBatch(labels[: 1 if name == "y" else 50], times, np.zeros((len(labels), 10)))]

    engine = Engine(Wide(), registry=CollectorRegistry(), max_samples=1000)
    with pytest.raises(TooManySamplesError):
        engine.range(query, 0, 300_000, 10_000)


@pytest.mark.parametrize("query", ["x", "x[10m]", "sum(rate(x[10m]))", "timestamp(x)"])
def test_a_query_allows_its_limit_of_samples_and_says_when_there_are_more(
    storage: MemoryStorage, load: Load, query: str
) -> None:
    load('x{i="1"} 1+1x9\nx{i="2"} 1+1x9')
    Engine(storage, registry=CollectorRegistry(), max_samples=20).instant(query, 280_000)
    with pytest.raises(TooManySamplesError, match="query processing would load too many samples into memory in query"):
        Engine(storage, registry=CollectorRegistry(), max_samples=19).instant(query, 280_000)


def test_values_that_become_too_many_series_are_refused_before_they_are_made() -> None:
    class Empty:
        def select(self, *_: object, **__: object) -> list[SeriesBatch]:
            return []

    engine = Engine(Empty(), registry=CollectorRegistry(), max_samples=1000)
    with pytest.raises(TooManySamplesError):
        engine.range("count_values('v', vector(time()))", 0, 40_000, 1000)


def test_an_answer_belongs_to_who_asked(engine: Engine, load: Load) -> None:
    load("x 1 2")
    vector = engine.instant("x", 30_000).value
    assert isinstance(vector, Vector)
    vector.values[0] = 99
    again = engine.instant("x", 30_000).value
    assert isinstance(again, Vector)
    assert again.values.tolist() == [2]
