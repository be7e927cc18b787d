"""What is asked of the engine for all cards at once."""

from collections.abc import Mapping

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.web import Parts
from dashboard.web.views.figures import ask_figures, ask_versions, rate_window

STEP = 5000


def store(parts: Parts, series: Mapping[str, float], metric: str, **labels: str) -> None:
    """Store two minutes of counters until now: ``series`` maps the value of a label to its increase a second."""
    name = labels.pop("by")
    rows = [Labels.of({"__name__": metric, name: value, **labels}) for value in series]
    numbers = np.array([parts.storage.series_id(row) for row in rows], dtype=np.int64)
    appender = parts.storage.appender()
    now = parts.clock()
    for at in range(now - 120_000, now + 1, STEP):
        appender.append(at, numbers, np.array([rate * (at - now + 240_000) / 1000 for rate in series.values()]))
    parts.storage.flush()


def test_requests_errors_and_latency_of_all_jobs_are_asked_at_once(parts: Parts) -> None:
    store(parts, {"200": 9.0, "500": 1.0}, "http_requests_total", by="status", job="api")
    store(parts, {"200": 4.0, "404": 4.0}, "http_requests_total", by="code", job="web")
    store(parts, {"0.1": 5.0, "1": 10.0, "+Inf": 10.0}, "http_request_duration_seconds_bucket", by="le", job="api")
    figures = ask_figures(parts.engine, STEP, parts.clock())
    assert figures["api"].requests == pytest.approx(10.0)
    assert figures["api"].errors == pytest.approx(0.1)
    assert figures["api"].p50 == pytest.approx(0.1)
    assert figures["api"].p95 == pytest.approx(0.91)
    assert figures["web"].requests == pytest.approx(8.0)
    assert figures["web"].errors == 0.0
    assert figures["web"].p50 is None


def test_grouped_statuses_count_as_errors(parts: Parts) -> None:
    store(parts, {"2xx": 3.0, "5xx": 1.0}, "http_requests_total", by="status", job="fast")
    assert ask_figures(parts.engine, STEP, parts.clock())["fast"].errors == pytest.approx(0.25)


def test_requests_without_a_status_have_no_error_ratio(parts: Parts) -> None:
    store(parts, {"GET": 3.0}, "http_requests_total", by="method", job="plain")
    figures = ask_figures(parts.engine, STEP, parts.clock())["plain"]
    assert figures.requests == pytest.approx(3.0)
    assert figures.errors is None


def test_flask_apps_are_counted_by_their_own_family(parts: Parts) -> None:
    store(parts, {"200": 2.0}, "flask_http_request_duration_seconds_count", by="status", job="flask")
    store(parts, {"200": 1.0}, "http_requests_total", by="status", job="both")
    store(parts, {"200": 7.0}, "flask_http_request_duration_seconds_count", by="status", job="both")
    figures = ask_figures(parts.engine, STEP, parts.clock())
    assert figures["flask"].requests == pytest.approx(2.0)
    assert figures["both"].requests == pytest.approx(1.0)


def test_the_sparkline_has_gaps_where_nothing_was_stored(parts: Parts) -> None:
    store(parts, {"200": 2.0}, "http_requests_total", by="status", job="api")
    spark = ask_figures(parts.engine, STEP, parts.clock())["api"].spark
    assert len(spark) == 61
    assert spark[0] is None
    assert spark[-1] == pytest.approx(2.0)


def test_the_apps_own_build_comes_before_its_languages(parts: Parts) -> None:
    store(parts, {"go1.25": 0.0}, "go_build_info", by="version", job="api")
    store(parts, {"1.2.0": 0.0, "1.3.0": 0.0}, "app_build_info", by="version", job="api")
    store(parts, {"go1.25": 0.0}, "go_build_info", by="version", job="tool")
    assert ask_versions(parts.engine, parts.clock()) == {"api": "1.2.0, 1.3.0", "tool": "go1.25"}


def test_an_app_that_is_down_keeps_the_version_that_it_told_last(parts: Parts) -> None:
    older, newer = (
        np.array([parts.storage.series_id(Labels.of({"__name__": "app_build_info", "job": "api", "version": version}))])
        for version in ("1.2.0", "1.3.0")
    )
    appender, down = parts.storage.appender(), parts.clock() - 600_000
    for at, series in ((down - 2 * STEP, older), (down - STEP, newer)):
        appender.append(at, series, np.array([1.0]))
    appender.end(down)
    parts.storage.flush()
    assert ask_versions(parts.engine, parts.clock()) == {"api": "1.3.0"}
    assert ask_versions(parts.engine, parts.clock() + 86_400_000) == {}


def test_a_rate_looks_at_four_scrapes_at_least() -> None:
    assert [rate_window(interval) for interval in (5_000, 15_000, 60_000)] == [60_000, 60_000, 240_000]
