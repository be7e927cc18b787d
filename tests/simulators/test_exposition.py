"""The pages are what Prometheus's own tools and parsers take."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from simulators.apps import APPS
from simulators.exposition import process_collector, render

NAMES = [app.name for app in APPS]
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
Simulate = Callable[..., Any]

COMMON = {"http_requests", "http_request_duration_seconds", "request_duration_seconds", "app_build"}
FAMILIES = {
    "ai-reviewer": "reviews_completed adapter_claude_ai_duration_seconds adapter_claude_ai_calls "
    "adapter_claude_ai_errors",
    "ai-planner": "plans_generated chimera_workflow_execution_calls chimera_circuit_breaker_success "
    "chimera_circuit_breaker_failure",
    "ai-deployer": "deployments adapter_sqlite_duration_seconds adapter_sqlite_calls adapter_sqlite_errors",
    "chimera-inference": "inference_requests inference_errors inference_latency_seconds queue_depth queue_processed "
    "queue_dead_lettered active_connections model storage_healthy schema_revision",
    "wargaming": "wargaming_rate_limit_requests wargaming_rate_limit_bucket_tokens "
    "wargaming_rate_limit_bucket_fill_percentage wargaming_circuit_breaker_state wargaming_circuit_breaker_failures "
    "wargaming_circuit_breaker_successes wargaming_circuit_breaker_rejections "
    "wargaming_circuit_breaker_recovery_attempts wargaming_middleware_latency_seconds wargaming_executions "
    "ml_prediction ml_confidence validation_method",
    "enterprise-assistant": "llm_calls llm_tokens llm_cost_usd llm_call_duration_seconds rag_search_duration_seconds "
    "cache_requests db_pool_connections websocket_sessions queries query_frustration",
}


@pytest.mark.parametrize("name", NAMES)
def test_both_formats_parse_and_show_every_family_of_the_app(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    text = render(app.registry, "text/plain;version=0.0.4", "").content.decode()
    open_text = render(app.registry, OPENMETRICS, "").content.decode()
    wanted = COMMON | set(FAMILIES[name].split())
    families = {metric.name: metric for metric in parse_openmetrics(open_text)}
    assert wanted == {family for family in families if not family.startswith("process_")}
    samples = {sample.name for metric in parse_text(text) for sample in metric.samples}
    assert {sample.name for metric in families.values() for sample in metric.samples} == samples
    assert not any(sample.endswith("_created") for sample in samples)


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_stands_once_on_a_page(simulate: Simulate, name: str) -> None:
    lines = render(simulate(name).registry, "", "").content.decode().splitlines()
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(series) == len(set(series))


def test_the_client_chooses_format_and_encoding(simulate: Simulate) -> None:
    registry = simulate("ai-planner").registry
    plain = render(registry, "", "")
    assert plain.content_type.startswith("text/plain; version=0.0.4")
    assert plain.encoding is None
    assert render(registry, OPENMETRICS, "").content_type.startswith("application/openmetrics-text; version=1.0.0")
    packed = render(registry, "", "deflate, gzip")
    assert packed.encoding == "gzip"
    assert gzip.decompress(packed.content).startswith(b"# HELP")
    assert len(packed.content) < len(plain.content) / 3


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_process_metrics_are_sane(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if platform == "linux" and not sys.platform.startswith("linux"):
        pytest.skip("there is no /proc")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", platform)
        collector = process_collector()
    values = {sample.name: sample.value for metric in collector.collect() for sample in metric.samples}
    assert 5e6 < values["process_resident_memory_bytes"] < 4e9
    assert values["process_cpu_seconds_total"] > 0
    assert values["process_start_time_seconds"] > 1.6e9


@pytest.mark.peers
@pytest.mark.parametrize("name", NAMES)
def test_promtool_has_nothing_to_say_against_the_page(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    app.run(30)
    page = render(app.registry, "text/plain;version=0.0.4", "").content
    check = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert check.stderr.decode() == ""
    assert check.returncode == 0
