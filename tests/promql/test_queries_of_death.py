"""Queries that kill or stall other servers: each is answered or refused, within seconds and bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import IntArray, SampleLimitError, SeriesBatch
from dashboard.promql import Engine, PromqlError

STEP = 15_000
DAY = 86_400_000
SERIES = 150
END = 30 * DAY
MEMORY = 256 << 20


class Much:
    """A hundred and fifty series with 30 days of samples each, made when they are asked for."""

    def __init__(self) -> None:
        self.labels = [
            Labels.of({"__name__": "s", "i": str(number), "job": str(number % 7), "le": str(number % 11)})
            for number in range(SERIES)
        ]
        self.shape = np.linspace(1, 2, SERIES)[:, None]

    def select(
        self, matchers: Sequence[Matcher], start: int, end: int, /, *, most: int | None = None
    ) -> list[SeriesBatch]:
        chosen = [all(m.matches(each.get(m.name)) for m in matchers) for each in self.labels]
        times = self._times(start, end)
        if most is not None and sum(chosen) * len(times) > most:
            raise SampleLimitError(most, sum(chosen) * len(times))
        values = self.shape[chosen] * (times / 1e3 % 7777)
        return [SeriesBatch([each for each, kept in zip(self.labels, chosen, strict=True) if kept], times, values)]

    def _times(self, start: int, end: int) -> IntArray:
        first, last = max(start, 0), min(end, END)
        return np.arange(-(-first // STEP), last // STEP + 1, dtype=np.int64) * STEP


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Much(), registry=CollectorRegistry(), timeout=400)


@pytest.fixture
def bounded() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY, f"{peak / 2**20:.0f} MiB"


TEXTS = [
    "1" + "+1" * 20_000,
    "(" * 100_000 + "1" + ")" * 100_000,
    "(" * 30_000,
    "-" * 60_000 + "1",
    "2" + "^2" * 20_000,
    "s" + "[1m:1s]" * 9_000,
    "sum(" * 10_000 + "s" + ")" * 10_000,
    "s or " * 10_000 + "s",
    "s{" + 'a="b",' * 10_000 + "}",
    "s[" + "(" * 20_000 + "1" + ")" * 20_000 + "]",
    "s offset " + "-" * 60_000 + "1",
    "x" * 70_000,
    '"' + "\\x41" * 15_000 + '"',
    "label_join(s, 'a', 'b'" + ", 'i'" * 10_000 + ")",
    's{i=~"' + "(" * 5_000 + ")" * 5_000 + '"}',
    's{i=~"((a{1000}){1000}){1000}"}',
    's{i=~"(a+)+$"}',
    's{i=~"(.*)(.*)(.*)(.*)(.*)x"}',
    's{i=~"' + "(a?)" * 1000 + "a" * 1000 + '"}',
    "s == " * 200 + "s",
    "s + " * 200 + "s",
    "abs(" * 200 + "s" + ")" * 200,
    "sum(s) by (" + ",".join(f"l{number}" for number in range(8000)) + ")",
    "# " + "x" * 65_000,
    "s{i=~'" + "|".join(str(number) for number in range(9000)) + "'}",
]

INSTANTS = [
    "sum_over_time(s[1000d:1ms])",
    "sum(sum_over_time(s[1d:10ms]))",
    "max_over_time(vector(1)[1000y:1ms])",
    "sum_over_time(sum_over_time(s[30d:1s])[30d:1s])",
    "count(s[30d])",
    "s[30d]",
    "{__name__=~'.+'}[30d]",
    "count_over_time(s[290y])",
    "s offset 290y",
    "s @ 9007199254740991",
    "rate(s[30d])",
    "quantile_over_time(0.5, s[30d])",
    "mad_over_time(s[10d])",
    "double_exponential_smoothing(s{i='1'}[30d], 0.5, 0.5)",
    "predict_linear(s[30d], 1)",
    "s * on () group_left s",
    "s * ignoring (i) group_left () s",
    "count_values('v', s)",
    "label_replace(s, 'a', '" + "$1" * 20_000 + "', 'i', '(.*)')",
    "topk(9e18, s)",
    "bottomk(-9e18, s)",
    "limit_ratio(0.5, s)",
    "histogram_quantile(0.5, s)",
    "sort_by_label(s" + ", 'i'" * 1000 + ")",
    "absent_over_time(s[30d:1s])",
]

RANGES = [
    "s",
    "rate(s[5m])",
    "rate(s[30d])",
    "sum(rate(s[1d]))",
    "avg_over_time(s[30d] @ end())",
    "quantile_over_time(0.9, s[1d])",
    "stddev_over_time(s[1d])",
    "deriv(s[1d])",
    "max_over_time(rate(s[1h])[1d:1m])",
    "s / s - s * s + s ^ s",
    "count_values('v', s)",
    "count_values('v', vector(time()))",
    "topk(3, s)",
    "s * on (job) group_left () s",
    "histogram_quantile(0.5, sum by (le) (rate(s[5m])))",
    "increase(s[1d] smoothed)",
    "double_exponential_smoothing(s[1d], 0.1, 0.1)",
]


def ask(engine: Engine, query: str, steps: int) -> None:
    try:
        if steps:
            engine.range(query, END - steps * (END // steps), END, END // steps)
        else:
            engine.instant(query, END)
    except PromqlError as error:
        assert str(error)  # noqa: PT017 - either way is right.


@pytest.mark.parametrize("query", TEXTS, ids=lambda query: query[:40])
def test_a_text_of_death_is_answered_or_refused(engine: Engine, query: str) -> None:
    ask(engine, query, 0)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("query", INSTANTS, ids=lambda query: query[:40])
def test_a_query_of_death_is_answered_or_refused(engine: Engine, query: str) -> None:
    ask(engine, query, 0)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("query", RANGES)
def test_a_range_of_death_is_answered_or_refused(engine: Engine, query: str) -> None:
    ask(engine, query, 11_000)
