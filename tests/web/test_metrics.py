"""Scrapers read our own metrics and the machine's."""

import gzip

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from dashboard.web import Parts, metrics_page


@pytest.mark.parametrize(
    ("accept", "content_type", "ends_with_eof"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", False),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8", False),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0", True),
    ],
)
def test_own_metrics_come_in_the_format_that_is_asked_for(
    client: FlaskClient, parts: Parts, accept: str, content_type: str, ends_with_eof: bool
) -> None:
    Counter("beans_total", "Beans.", registry=parts.registry).inc(7)
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith(content_type)
    assert b"\nbeans_total 7.0\n" in answer.data
    assert answer.data.endswith(b"# EOF\n") is ends_with_eof


def test_a_page_for_reading_in_process_is_the_text_format() -> None:
    registry = CollectorRegistry()
    Counter("beans_total", "Beans.", registry=registry).inc()
    assert b"\nbeans_total 1.0\n" in metrics_page(registry)


def test_the_machines_figures_are_shown(client: FlaskClient) -> None:
    answer = client.get("/host/metrics", headers={"Accept-Encoding": "gzip"})
    body = gzip.decompress(answer.data) if answer.content_encoding == "gzip" else answer.data
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {"node_memory_MemTotal_bytes", "node_cpu_seconds"} <= names
