"""Same samples, same answers: our engine beside a real Prometheus that holds the same series."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dashboard.promql import Engine, PromqlError, QueryResult
from tests.promql.expressions import expressions
from tests.promql.peer import AT, LATE, WINDOW, Prometheus, Samples, assert_same, ours, running, theirs

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def samples() -> Samples:
    return Samples()


@pytest.fixture(scope="module")
def engine(samples: Samples) -> Engine:
    return Engine(samples, registry=CollectorRegistry())


@pytest.fixture(scope="module")
def prometheus(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with running(tmp_path_factory.mktemp("peer"), samples) as peer:
        yield peer


RATES = [
    "rate(http_requests_total[1m])",
    "rate(http_requests_total[5m])",
    "rate(http_requests_total[29s])",
    "rate(http_requests_total[30m] offset 10m)",
    "sum by (job) (rate(http_requests_total[2m]))",
    'sum without (instance, status) (rate(http_requests_total{status=~"5.."}[10m]))',
    "increase(http_requests_total[5m])",
    "increase(http_requests_total[1h])",
    "increase(young_total[10m])",
    "increase(gappy_total[30m])",
    "rate(gappy_total[7m])",
    "rate(large_total[5m])",
    "increase(fractions_total[3m])",
    "irate(http_requests_total[2m])",
    "irate(gappy_total[20m])",
    "delta(temperature[5m])",
    "idelta(temperature[2m])",
    "delta(sparse[20m])",
    "delta(strange[10m])",
    "deriv(temperature[10m])",
    "deriv(strange[3m])",
    "deriv(third[5m])",
    "predict_linear(third[5m], 3600)",
    "predict_linear(temperature[15m], 600)",
    "predict_linear(sparse[15m] offset 3m, 60)",
    "resets(http_requests_total[40m])",
    "changes(steps[10m])",
    "changes(strange[40m])",
    "rate(latency_seconds_sum[5m]) / rate(latency_seconds_count[5m])",
]

OVER_TIME = [
    "avg_over_time(temperature[5m])",
    "min_over_time(strange[10m])",
    "max_over_time(strange[10m])",
    "sum_over_time(temperature[15m])",
    "sum_over_time(huge[5m])",
    "avg_over_time(strange[3m])",
    "count_over_time(sparse[20m])",
    "last_over_time(ended[30m])",
    "present_over_time(sparse[2m])",
    "stddev_over_time(temperature[10m])",
    "stdvar_over_time(steps[10m])",
    "quantile_over_time(0.9, temperature[10m])",
    "quantile_over_time(0.3, strange[20m])",
    "quantile_over_time(1.5, temperature[1m])",
    "absent_over_time(ended[3m])",
    'absent_over_time(nothing{job="api",x=~"y"}[3m])',
    "max_over_time(rate(http_requests_total[1m])[10m:30s])",
    "avg_over_time(sum(temperature)[10m:])",
    "sum_over_time(temperature[10m:1m] offset 2m)",
    "rate(sum(gappy_total)[10m:15s])",
]

HISTOGRAMS = [
    "histogram_quantile(0.5, rate(latency_seconds_bucket[5m]))",
    "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "histogram_quantile(0.99, sum by (job, le) (rate(latency_seconds_bucket[2m])))",
    "histogram_quantile(0, latency_seconds_bucket)",
    "histogram_quantile(1, latency_seconds_bucket)",
    "histogram_quantile(-1, latency_seconds_bucket)",
    "histogram_quantile(2, latency_seconds_bucket)",
    "histogram_quantile(0.3, uneven_bucket)",
    "histogram_quantile(0.6, uneven_bucket)",
    "histogram_quantile(0.5, topless_bucket)",
    'histogram_quantile(0.5, latency_seconds_bucket{le!="0.25"})',
    "histogram_quantile(scalar(steps{room='attic'}) / 4, latency_seconds_bucket)",
    "histogram_quantile(0.5, increase(latency_seconds_bucket[1m]) > 3)",
    "histogram_quantile(0.5, {__name__=~'uneven_bucket|latency_seconds_bucket'})",
]

MATCHINGS = [
    "http_requests_total / on (job) group_left (version) build_info",
    "http_requests_total * on (job) group_left build_info",
    "build_info * on (job) group_right (version) http_requests_total",
    'http_requests_total{status="500"} / ignoring (status) http_requests_total{status="200"}',
    'http_requests_total / ignoring (status) group_left http_requests_total{status="200"}',
    "sum by (job) (http_requests_total) + on (job) sum by (job) (build_info)",
    "temperature - on (room) steps",
    "temperature > on (room) steps",
    "temperature > bool on (room) steps",
    "steps < on (room) group_right temperature",
    "temperature and on (room) steps",
    "temperature unless on (room) steps",
    "temperature or on (room) steps",
    "steps or temperature",
    "http_requests_total and ignoring (status, instance) build_info",
    "temperature * temperature",
    "temperature == temperature",
    "temperature != bool temperature",
    "steps % on (room) temperature",
    "temperature ^ on (room) steps",
    "temperature atan2 on (room) steps",
    "1 - sum by (job) (http_requests_total{status='500'}) / sum by (job) (http_requests_total)",
    "temperature > 0 and temperature < 5",
    "temperature + sparse",
    "vector(1) + on () sum(steps)",
]

AGGREGATIONS = [
    "sum(temperature)",
    "sum by (floor) (temperature)",
    "avg without (room) (temperature)",
    "min by (floor) (strange or temperature)",
    "max(strange)",
    "count by (job) (http_requests_total)",
    "count({__name__=~'s.*'}) by (__name__)",
    "group by (status) (http_requests_total)",
    "stddev by (floor) (temperature)",
    "stdvar(temperature)",
    "topk(2, temperature)",
    "topk by (job) (1, http_requests_total)",
    "bottomk by (room) (1, temperature)",
    "bottomk(2, strange or temperature)",
    "topk(scalar(steps{room='attic'}), temperature)",
    "quantile(0.7, temperature)",
    "quantile by (job) (0.25, http_requests_total)",
    "quantile(-1, temperature)",
    "count_values('v', steps)",
    "count_values by (room) ('v', steps)",
    "sum(http_requests_total) by (job, missing)",
]

FUNCTIONS = [
    "abs(temperature)",
    "ceil(temperature) + floor(temperature)",
    "round(temperature)",
    "round(temperature, 0.25)",
    "clamp(temperature, -2, 2)",
    "clamp(temperature, 2, -2)",
    "clamp_min(strange, 1)",
    "clamp_max(strange, 1)",
    "exp(temperature)",
    "ln(temperature)",
    "log2(temperature) + log10(temperature)",
    "sqrt(temperature)",
    "sgn(strange)",
    "-temperature",
    "scalar(sum(temperature))",
    "scalar(temperature)",
    "vector(time())",
    "time()",
    "timestamp(temperature)",
    "timestamp(http_requests_total)",
    "timestamp(-temperature)",
    "sort(temperature)",
    "sort_desc(temperature)",
    "absent(nothing{job='api', job='web', x='y'})",
    "absent(ended)",
    "absent(nothing{job=~'api|web', job='db'})",
    "absent(nothing{job='db', job!='api', x='y'})",
    "absent(sum(nothing))",
    "label_replace(temperature, 'where', '$1-x', 'room', '(.).*')",
    "label_replace(temperature, 'room', '', 'room', 'attic|porch')",
    "label_replace(temperature, 'where', '${first}$$', 'room', '(?P<first>.).*')",
    "label_join(temperature, 'where', '/', 'floor', 'room', 'missing')",
    "hour() + minute() / 100",
    "day_of_week(vector(time())) + day_of_month() + day_of_year() + days_in_month() + month() + year()",
    "temperature @ 1699999999.7 + temperature offset 1m",
    "sum(temperature @ start()) - sum(temperature @ end())",
    "rate(http_requests_total[5m] @ end())",
    "temperature offset -5m",
    "sin(temperature) + cos(temperature) * tan(temperature) + deg(temperature) - rad(temperature)",
    "5 % 3 - 2 ^ 3 ^ 0.5 / -7",
    "1 > bool 2",
    "sparse",
    "ended",
    "strange / 0",
    "{__name__=~'s.*', room='attic'}",
    "temperature{room!~'a.*|h.*'}",
]

QUERIES = [*RATES, *OVER_TIME, *HISTOGRAMS, *MATCHINGS, *AGGREGATIONS, *FUNCTIONS]

AT_ONE_TIME = [
    "temperature[3m]",
    "temperature[3m] @ 1699999999.7",
    "sum(temperature)[5m:1m]",
    "rate(http_requests_total[1m])[5m:1m] @ end()",
    "{room='attic'}[1h] offset 20m",
]


@pytest.mark.parametrize("query", [*QUERIES, *AT_ONE_TIME])
def test_an_instant_query_answers_as_prometheus_does(engine: Engine, prometheus: Prometheus, query: str) -> None:
    for at in (AT, LATE):
        answer = prometheus.ask("query", query=query, time=at)
        assert answer["status"] == "success", answer
        assert_same(ours(engine.instant(query, round(at * 1000))), theirs(answer))


@pytest.mark.parametrize("query", [*QUERIES, *AT_ONE_TIME])
def test_an_instant_query_looks_at_as_many_samples_as_in_prometheus(
    engine: Engine, prometheus: Prometheus, query: str
) -> None:
    for at in (AT, LATE):
        answer = prometheus.ask("query", query=query, time=at, stats="all")
        assert samples_of(engine.instant(query, round(at * 1000), stats=True)) == their_samples(answer)


@pytest.mark.parametrize("query", QUERIES)
def test_each_step_of_a_range_query_looks_at_as_many_samples_as_in_prometheus(
    engine: Engine, prometheus: Prometheus, query: str
) -> None:
    start, end, step = WINDOW
    answer = prometheus.ask("query_range", query=query, start=start, end=end, step=step, stats="all")
    result = engine.range(query, round(start * 1000), round(end * 1000), step * 1000, stats=True)
    assert samples_of(result) == their_samples(answer)


@pytest.mark.parametrize("query", QUERIES)
def test_a_range_query_answers_as_prometheus_does(engine: Engine, prometheus: Prometheus, query: str) -> None:
    start, end, step = WINDOW
    answer = prometheus.ask("query_range", query=query, start=start, end=end, step=step)
    assert answer["status"] == "success", answer
    result = engine.range(query, round(start * 1000), round(end * 1000), step * 1000)
    assert_same(ours(result), theirs(answer))


@pytest.mark.parametrize(
    "query", ["sort(temperature)", "sort_desc(temperature)", "topk(3, temperature)", "bottomk(4, temperature)"]
)
def test_an_instant_query_is_ordered_as_prometheus_does(engine: Engine, prometheus: Prometheus, query: str) -> None:
    answer = theirs(prometheus.ask("query", query=query, time=AT))
    assert list(ours(engine.instant(query, round(AT * 1000)))) == list(answer)


@pytest.mark.parametrize(
    "query",
    [
        "http_requests_total / on (job) build_info",
        "build_info / on (job) http_requests_total",
        "steps / on (room) group_left http_requests_total",
        "http_requests_total * on () group_left build_info",
        "http_requests_total * on (job) group_left (status) http_requests_total{instance='1'}",
        "rate({__name__=~'strange|steps',room='attic'}[5m])",
        "-{__name__=~'strange|steps', room='attic'}",
        "label_replace(temperature, 'room', 'same', '', '')",
        "topk(1e30, temperature)",
        "histogram_quantile(0.5, {__name__=~'uneven_bucket|topless_bucket'})",
        "temperature @ 1e30",
        "temperature == ignoring(room) temperature",
        "rate(temperature)",
        "sum by (room (temperature)",
        "temperature{room='attic'",
        "1 + on (room) temperature and",
        "nothing(temperature)",
        "\n  temperature\n  temperature",
    ],
)
def test_what_prometheus_refuses_is_refused_in_its_words(engine: Engine, prometheus: Prometheus, query: str) -> None:
    answer = prometheus.ask("query", query=query, time=AT)
    assert answer["status"] == "error", answer
    with pytest.raises(PromqlError) as caught:
        engine.instant(query, round(AT * 1000))
    assert str(caught.value) == answer["error"].removeprefix('invalid parameter "query": ')


# Expressions made by chance.

CHANCE = settings(
    deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate), database=None
)


@settings(CHANCE, max_examples=200, derandomize=True)
@given(data=st.data())
def test_an_expression_made_by_chance_answers_as_prometheus_does(
    engine: Engine, prometheus: Prometheus, data: st.DataObject
) -> None:
    assert_agree(engine, prometheus, data.draw(expressions(prometheus.major)))


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(CHANCE, max_examples=10_000)
@given(data=st.data())
def test_ten_thousand_expressions_answer_as_prometheus_does(
    engine: Engine, prometheus: Prometheus, data: st.DataObject
) -> None:
    assert_agree(engine, prometheus, data.draw(expressions(prometheus.major)))


def assert_agree(engine: Engine, prometheus: Prometheus, query: str) -> None:
    start, end, step = WINDOW
    answer = prometheus.ask("query_range", query=query, start=start, end=end, step=step, stats="all")
    mine = result_or_error(engine, query)
    assert (answer["status"] == "error") == isinstance(mine, str), (query, mine, answer.get("error"))
    if isinstance(mine, str):
        assert told(mine) == told(answer["error"].removeprefix('invalid parameter "query": ')), query
    else:
        assert_same(ours(mine), theirs(answer))
        assert samples_of(mine) == their_samples(answer), query


def result_or_error(engine: Engine, query: str) -> QueryResult | str:
    start, end, step = WINDOW
    try:
        return engine.range(query, round(start * 1000), round(end * 1000), step * 1000, stats=True)
    except PromqlError as error:
        return str(error)


def samples_of(result: QueryResult) -> list[list[float]]:
    """Return how many samples each step looked at."""
    assert result.stats is not None
    return [[step / 1000, count] for step, count in zip(result.stats.steps, result.stats.samples.per_step, strict=True)]


def their_samples(answer: dict[str, Any]) -> list[list[float]]:
    counted = answer["data"]["stats"]["samples"]
    steps: list[list[float]] = counted["totalQueryableSamplesPerStep"]
    assert sum(count for _, count in steps) == counted["totalQueryableSamples"]
    return steps


def told(error: str) -> str:
    """Return what an error says, but not of which series: where there are several, either names another one."""
    return re.sub(r"\{.*?\}", "{}", error).partition(":")[0]
