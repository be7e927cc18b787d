"""What a query has cost: the samples that its steps looked at, the most that lay in memory, and where its time went."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from dashboard.promql import Engine, Phase, QueryTimeoutError
from tests.promql.conftest import MemoryStorage

# Two series with samples every 30 s from 0 to 300 s; the second begins at 120 s.
SERIES = 'a{i="1"} 0+1x10\na{i="2"} _x4 0+1x6'


@pytest.fixture
def engine(storage: MemoryStorage) -> Engine:
    storage.load(SERIES)
    return Engine(storage, registry=CollectorRegistry())


@pytest.fixture
def count(engine: Engine) -> Callable[[str], list[int]]:
    """Return how many samples a query looks at, at 45, 105, 165 and 225 s."""

    def per_step(query: str) -> list[int]:
        stats = engine.range(query, 45_000, 225_000, 60_000, stats=True).stats
        assert stats is not None
        assert stats.steps.tolist() == [45_000, 105_000, 165_000, 225_000]
        return [int(samples) for samples in stats.samples.per_step]

    return per_step


@pytest.mark.parametrize(
    ("query", "samples"),
    [
        ("time() + 1", [0, 0, 0, 0]),
        ("a", [1, 1, 2, 2]),
        ("a offset 1m", [0, 1, 1, 2]),
        ("sum(a) > 1000", [1, 1, 2, 2]),
        # What stands twice is evaluated once, and counts twice.
        ("a + a", [2, 2, 4, 4]),
        ("rate(a[1m]) / rate(a[1m])", [4, 4, 8, 8]),
        ("timestamp(a)", [1, 1, 2, 2]),
        ("count_over_time(a[2m])", [2, 4, 6, 8]),
        # Of a range with one sample there is no rate; it was looked at all the same.
        ('rate(a{i="1"}[30s])', [1, 1, 1, 1]),
        ("absent_over_time(a[30s])", [1, 1, 2, 2]),
        ("quantile_over_time(scalar(sum(a)), a[1m])", [3, 3, 6, 6]),
        # A subquery in the place of a range counts what it holds, whatever that was made of.
        ("max_over_time(sum(a)[1m:20s])", [3, 3, 3, 3]),
        ("max_over_time(sum_over_time(a[2m])[1m:20s])", [3, 3, 6, 6]),
        # What @ fixes is evaluated once, and counts at every step.
        ("a @ 200", [2, 2, 2, 2]),
        ("rate(a[1m] @ 200) + a", [5, 5, 6, 6]),
        ("predict_linear(a[1m] @ 200, 60)", [4, 4, 4, 4]),
        ("max_over_time(sum(a)[1m:20s] @ 200)", [3, 3, 3, 3]),
        # An extended range is read as far as it may have to be extended; a smoothed instant is not counted.
        ("increase(a[30s] anchored)", [2, 4, 8, 12]),
        ("increase(a[30s] smoothed)", [18, 18, 18, 18]),
        ("a smoothed", [0, 0, 0, 0]),
    ],
)
def test_samples_are_counted_at_each_step(count: Callable[[str], list[int]], query: str, samples: list[int]) -> None:
    assert count(query) == samples


@pytest.mark.parametrize(
    ("query", "samples"),
    [
        ("a", 2),
        ("a[1m]", 4),
        ("a[1m] @ 100", 2),
        ("(a[1m] smoothed)", 8),
        # A subquery that is the whole query counts what it was made of.
        ("a[1m:20s]", 6),
        ("sum(a)[1m:20s]", 6),
        ("rate(a[1m])[1m:20s]", 12),
        ("'text'", 0),
    ],
)
def test_an_instant_query_has_one_step(engine: Engine, query: str, samples: int) -> None:
    stats = engine.instant(query, 225_000, stats=True).stats
    assert stats is not None
    assert (stats.steps.tolist(), stats.samples.per_step.tolist()) == ([225_000], [samples])


def test_only_the_info_series_that_may_belong_are_counted(engine: Engine, storage: MemoryStorage) -> None:
    storage.load('b{instance="1", job="x"} 1\nb{instance="2", job="y"} 1')
    for instance, job in (("1", "x"), ("1", "y"), ("2", "x"), ("3", "x"), ("1", "z")):
        storage.load(f'target_info{{instance="{instance}",job="{job}"}} 1')
    stats = engine.instant("info(b)", 0, stats=True).stats
    assert stats is not None
    assert stats.samples.total == 2 + 3


def test_a_query_counts_nothing_unless_it_is_asked_to(engine: Engine) -> None:
    assert engine.instant("a", 0).stats is None
    assert engine.range("a", 0, 1, 1).stats is None


def test_the_peak_is_what_was_made_and_what_was_being_read(engine: Engine) -> None:
    read = engine.instant("sum(sum_over_time(a[225s]))", 225_000, stats=True).stats
    assert read is not None
    assert read.peak_samples == read.samples.total == 11
    made = engine.instant("vector(1) + vector(2)", 0, stats=True).stats
    assert made is not None
    assert made.peak_samples == 3


def test_the_times_of_the_phases_are_parts_of_the_whole(storage: MemoryStorage) -> None:
    ticks = itertools.count()
    engine = Engine(storage, registry=CollectorRegistry(), monotonic=lambda: float(next(ticks)))
    stats = engine.range("a", 0, 1, 1, stats=True).stats
    assert stats is not None
    assert all(stats.timings.of(phase) >= 1 for phase in Phase)
    assert sum(map(stats.timings.of, Phase)) == stats.timings.total
    instant = engine.instant("a", 0, stats=True).stats
    assert instant is not None
    assert instant.timings.of(Phase.SORT) == 0


def test_the_phases_are_told_by_the_metric(storage: MemoryStorage) -> None:
    registry = CollectorRegistry()
    engine = Engine(storage, registry=registry)
    engine.instant("a", 0)
    engine.range("a", 0, 1, 1)
    with pytest.raises(QueryTimeoutError):
        engine.instant("a", 0, timeout=-1)
    name = "prometheus_engine_query_duration_seconds_count"
    counts = {
        slice_: registry.get_sample_value(name, {"slice": slice_})
        for slice_ in ("queue_time", "prepare_time", "inner_eval", "result_sort")
    }
    assert counts == {"queue_time": 3, "prepare_time": 3, "inner_eval": 3, "result_sort": 1}
