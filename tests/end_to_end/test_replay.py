"""Same samples, same answers: recorded pages with explicit timestamps, served to us and to the real Prometheus."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import Launcher, Server, Target, get_json, wait_for

from simulators.apps import APPS
from simulators.history import history

pytestmark = pytest.mark.peers

STEP = 15_000
PAGES = 60
RESET_AT = 33
"""The page from which some counters have begun anew."""

QUERIES = [
    "rate(http_requests_total[2m])",
    "sum by (status) (rate(http_requests_total[3m]))",
    "increase(http_requests_total[5m])",
    'rate(http_request_duration_seconds_count{app="wargaming"}[1m])',
    "sum(increase(queue_processed_total[4m]))",
    "rate(inference_requests_total[45s])",
    "max by (app) (rate(http_request_duration_seconds_sum[2m]))",
    "increase(wargaming_rate_limit_requests_total[10m])",
    'sum without (path, method) (rate(http_requests_total{status!~"5.."}[90s]))',
    "increase(http_requests_total[2m] offset 3m)",
    "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "histogram_quantile(0.95, sum by (app, le) (rate(http_request_duration_seconds_bucket[2m])))",
    "histogram_quantile(0.99, rate(inference_latency_seconds_bucket[3m]))",
    "histogram_quantile(0.9, sum by (middleware, le) (rate(wargaming_middleware_latency_seconds_bucket[4m])))",
    "histogram_quantile(0.25, ml_confidence_bucket)",
    'sum by (app) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (app) (rate(http_requests_total[5m]))',
    "rate(http_request_duration_seconds_sum[2m]) / rate(http_request_duration_seconds_count[2m])",
    "http_requests_total * on (app) group_left (version) app_build_info",
    "wargaming_rate_limit_bucket_tokens / ignoring (client_ip) group_left max without (client_ip) "
    "(wargaming_rate_limit_bucket_tokens)",
    "queue_depth + on (app) active_connections",
    "http_requests_total > 5 unless http_requests_total > 500",
    "active_connections and on (app) storage_healthy == 1",
    "avg_over_time(active_connections[3m])",
    "max_over_time(queue_depth[10m]) - min_over_time(queue_depth[10m])",
    "quantile_over_time(0.9, wargaming_rate_limit_bucket_tokens[5m])",
    "count_over_time(storage_healthy[5m])",
    "irate(http_requests_total[1m])",
    "delta(active_connections[4m])",
    "sum by (job) ({app=~'w.*'}) > bool 100",
    "last_over_time(app_build_info[1m]) or storage_healthy",
    "count by (__name__) ({app='chimera-inference'})",
]


class Recording:
    """Hands each client (told apart by the path) every page once, in order, and then nothing."""

    def __init__(self, pages: list[bytes]) -> None:
        self.pages = pages
        self.served = dict.fromkeys(("/glass", "/prometheus"), 0)

    def __call__(self, path: str) -> bytes:
        number = self.served[path]
        self.served[path] += 1
        return self.pages[number] if number < len(self.pages) else b""

    @property
    def finished(self) -> bool:
        return min(self.served.values()) > len(self.pages)


def recorded_pages(end: int) -> list[bytes]:
    """Write the figures of two apps as pages of text, one a step; some counters begin anew on the way."""
    pages: list[list[str]] = [[] for _ in range(PAGES)]
    for app in APPS:
        if app.name not in ("chimera-inference", "wargaming"):
            continue
        table = history(app, start_ms=end - PAGES * STEP, end_ms=end, step_ms=STEP, seed=3)
        for labels, values in zip(table.labels, table.values[:, -PAGES:], strict=True):
            inner = ",".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
            name = labels["__name__"]
            base = values[RESET_AT] if labels.get("method") == "GET" and name.endswith("_total") else 0.0
            for number, value in enumerate(values):
                shown = value - base if number >= RESET_AT else value
                pages[number].append(f"{name}{{{inner}}} {float(shown)!r} {end - (PAGES - 1 - number) * STEP}")
    return [("\n".join(lines) + "\n").encode() for lines in pages]


def config(folder: Path, path: str, port: int) -> Path:
    file = folder / f"{path}.yml"
    file.write_text(
        "global: {scrape_interval: 300ms, scrape_timeout: 300ms}\n"
        f"scrape_configs: [{{job_name: replay, metrics_path: /{path}, static_configs: "
        f"[{{targets: ['127.0.0.1:{port}'], labels: {{instance: replay}}}}]}}]\n"
    )
    return file


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server, int]]:
    """Both servers with all pages scraped, and the time of the last page."""
    folder = tmp_path_factory.mktemp("replay")
    end = (int(time.time()) - 60) * 1000
    recording, launcher = Recording(recorded_pages(end)), Launcher(folder)
    try:
        with Target(recording).serving() as target:
            glass = launcher.glass("--config", str(config(folder, "glass", target.server_port)))
            prometheus = launcher.prometheus(config(folder, "prometheus", target.server_port))
            wait_for(lambda: recording.finished, "all pages to be scraped")
            wait_for(lambda: glass.query("count(queue_depth)", time=end / 1000 + 1), "the last page to be stored")
            yield glass, prometheus, end
    finally:
        for server in launcher.running:
            server.end()


def by_labels(result: list[dict[str, Any]]) -> dict[Any, list[tuple[float, float]]]:
    found = {}
    for series in result:
        points = series["values"] if "values" in series else [series["value"]]
        found[tuple(sorted(series["metric"].items()))] = [(float(at), float(value)) for at, value in points]
    return found


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    left, right = by_labels(ours), by_labels(theirs)
    assert left.keys() == right.keys()
    for labels, points in right.items():
        assert [at for at, _ in left[labels]] == [at for at, _ in points], labels
        for (_, mine), (at, value) in zip(left[labels], points, strict=True):
            close = math.isclose(mine, value, rel_tol=1e-9, abs_tol=1e-12)
            assert close or (math.isnan(mine) and math.isnan(value)), (labels, at, mine, value)


@pytest.mark.parametrize("query", QUERIES)
def test_an_instant_query_answers_as_prometheus_does(answers: tuple[Server, Server, int], query: str) -> None:
    glass, prometheus, end = answers
    # Off the samples by some seconds, since Prometheus 2.42 and 3 differ about the left edge of a range.
    at = (end - 60_000) / 1000 + 7.3
    theirs = prometheus.query(query, time=at)
    assert theirs, "the query must find something to compare"
    assert_same(glass.query(query, time=at), theirs)


@pytest.mark.parametrize("query", QUERIES)
def test_a_range_query_answers_as_prometheus_does(answers: tuple[Server, Server, int], query: str) -> None:
    glass, prometheus, end = answers
    # From where every window is full: of a series that begins within one, 2.42 and 3 think differently how far before
    # its first sample a counter may have begun.
    window = {"start": end / 1000 - 240 + 7.3, "end": end / 1000 + 7.3, "step": 30}
    ours, theirs = (
        get_json(f"{server.url}/api/v1/query_range", query=query, **window)["data"]["result"]
        for server in (glass, prometheus)
    )
    assert_same(ours, theirs)
