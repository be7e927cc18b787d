"""Same samples, same answers: our engine beside a real Prometheus that serves the same series.

The Prometheus that Debian ships is older than the one we follow, so that samples stay off the left edges of ranges,
and counters that begin within a range begin at 0: there the two are known to differ.
"""

from __future__ import annotations

import json
import math
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dashboard.model.labels import Labels
from dashboard.model.samples import FloatArray, IntArray, SeriesBatch
from dashboard.promql import Engine, Matrix, PromqlError, QueryResult, Ranges, Scalar, Vector

pytestmark = pytest.mark.peers

START = 1_700_000_000 // 7200 * 7200
STEP = 15
COUNT = 480
AT = START + 5403.3
LATE = START + COUNT * STEP + 100.7
OFF = 400
WINDOW = (START + 603.3, START + 6603.3, 75)

Points = list[tuple[float, float]]
Answer = dict[tuple[tuple[str, str], ...], Points]


class Samples:
    """The series of both servers."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(20)
        self.series: dict[Labels, tuple[IntArray, FloatArray]] = {}
        self.types: dict[str, str] = {}
        for fill in (self._counters, self._gauges, self._histograms, self._infos):
            fill()

    def add(
        self, kind: str, name: str, labels: dict[str, str], values: FloatArray, *, first: int = 0, late: int = 0
    ) -> None:
        """Add a series whose samples start at a step, each ``late`` milliseconds later."""
        times = (START + (first + np.arange(len(values))) * STEP) * 1000 + late + OFF
        self.types[name] = kind
        self.series[Labels.of({"__name__": name, **labels})] = (times.astype(np.int64), values)

    def thin(self, name: str, gaps: slice) -> None:
        for labels, (times, values) in self.series.items():
            if labels.metric_name == name:
                kept = np.ones(len(times), dtype=bool)
                kept[gaps] = False
                self.series[labels] = (times[kept], values[kept])

    def _counters(self) -> None:
        for number, job in enumerate(("api", "web", "db")):
            for instance in ("1", "2"):
                for status in ("200", "500"):
                    labels = {"job": job, "instance": instance, "status": status}
                    values = np.cumsum(self.random.poisson(3 if status == "200" else 0.3, COUNT)).astype(float)
                    values -= values[0]
                    for reset in self.random.integers(20, COUNT, 3):
                        values[reset:] -= values[reset]
                    self.add("counter", "http_requests_total", labels, values, late=number * 1234)
        self.add("counter", "large_total", {"job": "api"}, 1e15 + np.cumsum(self.random.random(COUNT) * 1e3))
        self.add("counter", "fractions_total", {"job": "web"}, np.arange(COUNT) + np.sin(np.arange(COUNT)) / 2)
        self.add("counter", "young_total", {"job": "web"}, np.arange(120) * 2.0, first=300)
        self.add("counter", "gappy_total", {"job": "web"}, np.arange(COUNT) * 1.5)
        self.thin("gappy_total", slice(100, 160))

    def _gauges(self) -> None:
        steps = np.arange(COUNT)
        for number, room in enumerate(("attic", "cellar", "hall", "porch")):
            wave = 10 * np.sin(steps / (20 + number)) + self.random.normal(0, 1, COUNT)
            self.add("gauge", "temperature", {"room": room, "floor": str(number % 2)}, wave)
        strange = self.random.normal(0, 5, COUNT)
        strange[50:60], strange[100:110], strange[200:210] = math.nan, math.inf, -math.inf
        self.add("gauge", "strange", {"room": "attic"}, strange)
        self.add("gauge", "steps", {"room": "attic"}, np.round(self.random.random(COUNT) * 3))
        self.add("gauge", "steps", {"room": "hall"}, np.round(self.random.random(COUNT) * 3))
        self.add("gauge", "ended", {"room": "attic"}, np.full(100, 7.0))
        self.add("gauge", "third", {"room": "attic"}, np.full(COUNT, 1 / 3))
        self.add("gauge", "sparse", {"room": "hall"}, steps * 1.0)
        self.thin("sparse", slice(60, 90))
        self.add("gauge", "huge", {"room": "hall"}, np.tile([1e100, 1.0, -1e100, 1.0], COUNT // 4))

    def _histograms(self) -> None:
        bounds = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
        for job in ("api", "web"):
            observed = self.random.poisson(1.5, (len(bounds) + 1, COUNT)).cumsum(axis=0).cumsum(axis=1).astype(float)
            observed -= observed[:, :1]
            for bound, values in zip((*map(str, bounds), "+Inf"), observed, strict=True):
                self.add("counter", "latency_seconds_bucket", {"job": job, "le": bound}, values)
            self.add("counter", "latency_seconds_count", {"job": job}, observed[-1])
            self.add("counter", "latency_seconds_sum", {"job": job}, observed[-1] * 0.3)
        for bound, level in (("-1", 2.0), ("0", 5.0), ("1", 4.0), ("+Inf", 9.0)):
            self.add("counter", "uneven_bucket", {"le": bound}, np.arange(COUNT) * level)
        for bound in ("1", "2"):
            self.add("counter", "topless_bucket", {"le": bound}, np.arange(COUNT) * float(bound))

    def _infos(self) -> None:
        for job, version in (("api", "1.0"), ("web", "2.0"), ("db", "3.0")):
            self.add("gauge", "build_info", {"job": job, "version": version}, np.ones(240))
            self.add("gauge", "build_info", {"job": job, "version": version + ".1"}, np.ones(200), first=280)

    def select(self, matchers: Any, start: int, end: int, **_: object) -> list[SeriesBatch]:
        batches = []
        for labels, (times, values) in self.series.items():
            if all(matcher.matches(labels.get(matcher.name)) for matcher in matchers):
                inside = (times >= start) & (times <= end)
                batches.append(SeriesBatch([labels], times[inside], values[None, inside]))
        return self._shared(batches)

    def _shared(self, batches: list[SeriesBatch]) -> list[SeriesBatch]:
        groups: dict[bytes, list[SeriesBatch]] = {}
        for batch in batches:
            groups.setdefault(batch.timestamps.tobytes(), []).append(batch)
        return [
            SeriesBatch([b.labels[0] for b in group], group[0].timestamps, np.concatenate([b.values for b in group]))
            for group in groups.values()
        ]

    def openmetrics(self) -> Iterator[str]:
        """Write all series as a page of OpenMetrics with timestamps."""
        for name in self.types:
            yield f"# TYPE {name.removesuffix('_total')} {'unknown' if not name.endswith('_total') else 'counter'}"
            for labels, (times, values) in self.series.items():
                if labels.metric_name == name:
                    inner = ",".join(f'{key}="{value}"' for key, value in labels.without_name())
                    for at, value in zip(times.tolist(), values.tolist(), strict=True):
                        yield f"{name}{{{inner}}} {_number(value)} {at / 1000:.3f}"
        yield "# EOF\n"


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def ask(self, path: str, **parameters: object) -> dict[str, Any]:
        body = urllib.parse.urlencode(parameters).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=30) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.load(error))


@pytest.fixture(scope="module")
def samples() -> Samples:
    return Samples()


@pytest.fixture(scope="module")
def engine(samples: Samples) -> Engine:
    return Engine(samples, registry=CollectorRegistry())


@pytest.fixture(scope="module")
def prometheus(samples: Samples, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("peer")
    page, data, config = folder / "page.txt", folder / "data", folder / "prometheus.yml"
    page.write_text("\n".join(samples.openmetrics()))
    config.write_text("{}\n")
    blocks = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(page), str(data)]
    subprocess.run(blocks, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(_command(data, config, port), stdout=log, stderr=log)
        try:
            peer = Prometheus(port)
            until = time.monotonic() + 30
            while not peer.ready():
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
            yield peer
        finally:
            process.terminate()
            process.wait(timeout=20)


def _command(data: Path, config: Path, port: int) -> list[str]:
    return [
        "prometheus",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--config.file={config}",
        "--storage.tsdb.retention.time=10y",
    ]


def theirs(answer: dict[str, Any]) -> Answer:
    result = answer["data"]["result"]
    if answer["data"]["resultType"] == "scalar":
        return {(): [(float(result[0]), float(result[1]))]}
    return {
        tuple(sorted(series["metric"].items())): [
            (float(at), float(value)) for at, value in series.get("values", [series.get("value")])
        ]
        for series in result
    }


def ours(result: QueryResult) -> Answer:
    match result.value:
        case Scalar(at, value):
            return {(): [(at / 1000, value)]}
        case Vector(labels, at, values):
            return {tuple(key): [(at / 1000, value)] for key, value in zip(labels, values.tolist(), strict=True)}
        case Matrix(labels, steps, values, present):
            return {
                tuple(key): list(zip((steps[there] / 1000).tolist(), row[there].tolist(), strict=True))
                for key, row, there in zip(labels, values, present, strict=True)
            }
        case Ranges(batches):
            return {
                tuple(key): list(zip((batch.timestamps / 1000).tolist(), row.tolist(), strict=True))
                for batch in batches
                for key, row in zip(batch.labels, batch.values, strict=True)
            }
    raise TypeError(result)


def assert_same(mine: Answer, other: Answer) -> None:
    assert mine.keys() == other.keys()
    for labels, points in other.items():
        assert [at for at, _ in mine[labels]] == pytest.approx([at for at, _ in points], abs=1e-3), labels
        for (at, value), (_, wanted) in zip(mine[labels], points, strict=True):
            close = math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-11)
            assert close or (math.isnan(value) and math.isnan(wanted)), (labels, at, value, wanted)


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


@pytest.mark.parametrize(
    "query", [*QUERIES, "temperature[3m]", "sum(temperature)[5m:1m]", "{room='attic'}[1h] offset 20m"]
)
def test_an_instant_query_answers_as_prometheus_does(engine: Engine, prometheus: Prometheus, query: str) -> None:
    for at in (AT, LATE):
        answer = prometheus.ask("query", query=query, time=at)
        assert answer["status"] == "success", answer
        assert_same(ours(engine.instant(query, round(at * 1000))), theirs(answer))


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

COUNTERS = ["http_requests_total", "gappy_total", "latency_seconds_bucket"]
NAMES = [*COUNTERS, "temperature", "steps", "sparse", "strange"]
MATCHERS = ["", '{job="api"}', '{room!="hall"}', '{status=~"5..|"}', '{le!="0.5"}']
WINDOWS = st.sampled_from(["40s", "1m", "3m", "10m", "33m"])
OFFSETS = st.sampled_from(["", "", "", " offset 4m", " offset -2m", f" @ {START + 3000.7}"])
OF_COUNTERS = ["rate", "increase", "irate", "resets"]
OF_ANY = ["delta", "idelta", "changes"] + [
    f"{name}_over_time" for name in ("avg", "sum", "min", "max", "count", "last", "present", "stddev", "stdvar")
]
UNARY = ["abs", "ceil", "floor", "sgn", "sqrt", "round", "timestamp", "-", "absent", "sort"]
GROUPINGS = ["", "by (job)", "by (room)", "without (status, le)", "by (job, le)", "without ()"]
JOINS = ["", "on (job)", "on (room)", "ignoring (status, le)", "on (job) group_left", "on (room) group_right"]
OPERATORS = ["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<= bool", "> bool", "and", "or", "unless"]


def selectors(names: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(names), st.sampled_from(MATCHERS)).map("".join)


def over_ranges(functions: list[str], names: list[str]) -> st.SearchStrategy[str]:
    return st.builds("{}({}[{}]{})".format, st.sampled_from(functions), selectors(names), WINDOWS, OFFSETS)


instants = st.tuples(selectors(NAMES), OFFSETS).map("".join)
leaves = st.one_of(instants, over_ranges(OF_COUNTERS, COUNTERS), over_ranges(OF_ANY, NAMES))


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    number = st.sampled_from(["0", "1", "2.5", "-3", "scalar(steps{room='hall'})", "time()"])
    aggregators = st.sampled_from(["sum", "avg", "min", "max", "count", "group", "quantile"])
    operators, joins = st.sampled_from(OPERATORS), st.sampled_from(JOINS)
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(UNARY), inner),
        st.builds(aggregation, aggregators, st.sampled_from(GROUPINGS), inner),
        st.builds("({}) {} {} ({})".format, inner, operators, joins, inner),
        st.builds("({}) {} {}".format, inner, st.sampled_from(OPERATORS[:11]), number),
        st.builds("{} {} ({})".format, number, st.sampled_from(OPERATORS[:11]), inner),
        st.builds("histogram_quantile({}, {})".format, st.sampled_from(["0.1", "0.9", "1"]), inner),
        st.builds("clamp_min({}, {})".format, inner, number),
        st.builds("label_replace({}, 'room', '$1', 'job', '(.).*')".format, inner),
        st.builds("max_over_time(({})[{}:47s])".format, inner, WINDOWS),
    )


def aggregation(name: str, grouping: str, inner: str) -> str:
    return f"{name} {grouping} ({'0.3, ' if name == 'quantile' else ''}{inner})"


expressions = st.recursive(leaves, deeper, max_leaves=4)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=expressions)
def test_an_expression_made_by_chance_answers_as_prometheus_does(
    engine: Engine, prometheus: Prometheus, query: str
) -> None:
    start, end, step = WINDOW
    answer = prometheus.ask("query_range", query=query, start=start, end=end, step=step)
    mine = answer_or_error(engine, query)
    assert (answer["status"] == "error") == isinstance(mine, str), (mine, answer.get("error"))
    if isinstance(mine, str):
        assert mine.partition(":")[0] == answer["error"].partition(":")[0]
    else:
        assert_same(mine, theirs(answer))


def answer_or_error(engine: Engine, query: str) -> Answer | str:
    start, end, step = WINDOW
    try:
        return ours(engine.range(query, round(start * 1000), round(end * 1000), step * 1000))
    except PromqlError as error:
        return str(error)
