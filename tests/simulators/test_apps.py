"""The figures of one app agree with each other, are silent in quiet times, and tell of each incident."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulators.apps import APPS, UnknownAppError, app_named, apps_named
from simulators.incidents import EVERY_APP, IncidentKind

# A Sunday, 03:00 UTC: little traffic, so an incident has the least to work with.
SUNDAY_NIGHT_MS = 1_789_873_200_000

NAMES = [app.name for app in APPS]
Simulate = Callable[..., Any]


def error_ratio(app: Any, before: dict[str, float] | None = None) -> float:
    now = by_status(app)
    counts = {status: now[status] - (before or {}).get(status, 0.0) for status in now}
    return (counts["500"] + counts["503"]) / sum(counts.values())


def by_status(app: Any) -> dict[str, float]:
    statuses = {labels["status"] for labels, _ in app.samples("http_requests_total")}
    return {status: app.total("http_requests_total", status=status) for status in statuses}


def failure_ratio(app: Any, breaker: str) -> float:
    failures = app.total("wargaming_circuit_breaker_failures_total", breaker_name=breaker)
    return float(failures / (failures + app.total("wargaming_circuit_breaker_successes_total", breaker_name=breaker)))


def p99(app: Any) -> float:
    return float(app.total("request_duration_seconds", quantile="0.99"))


def test_the_six_apps_have_the_ports_8001_to_8006() -> None:
    assert {app.name: app.port for app in APPS} == {
        "ai-reviewer": 8001,
        "ai-planner": 8002,
        "ai-deployer": 8003,
        "chimera-inference": 8004,
        "wargaming": 8005,
        "enterprise-assistant": 8006,
    }


def test_every_kind_of_incident_is_known_to_some_app_and_the_common_ones_to_all() -> None:
    assert {kind for app in APPS for kind in app.incidents} == set(IncidentKind)
    assert all(app.incidents >= EVERY_APP for app in APPS)


def test_apps_are_found_by_name_in_the_order_of_the_table() -> None:
    assert apps_named([]) == APPS
    assert [app.name for app in apps_named(["wargaming", "ai-planner"])] == ["ai-planner", "wargaming"]
    with pytest.raises(UnknownAppError, match="no app 'nope'"):
        app_named("nope")


@pytest.mark.parametrize("name", NAMES)
def test_requests_by_status_histogram_and_summary_count_the_same_requests(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    app.run(300)
    assert app.total("http_requests_total") > 1000
    routes = {(labels["method"], labels["path"]) for labels, _ in app.samples("http_requests_total")}
    for method, path in routes:
        own = {"method": method, "path": path}
        count = app.total("http_request_duration_seconds_count", **own)
        assert app.total("http_requests_total", **own) == count
        assert app.total("http_request_duration_seconds_bucket", le="+Inf", **own) == count
    assert app.total("request_duration_seconds_count") == app.total("http_requests_total")
    total = app.total("http_request_duration_seconds_sum")
    assert app.total("request_duration_seconds_sum") == pytest.approx(total)


@pytest.mark.parametrize("name", NAMES)
def test_quantiles_lie_in_the_buckets_that_the_histogram_says(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    # The window of the quantiles is a minute; the first tick came at the start.
    app.run(59)
    buckets: dict[float, float] = {}
    for labels, value in app.samples("http_request_duration_seconds_bucket"):
        bound = float(labels["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    bounds = sorted(buckets)
    for labels, value in app.samples("request_duration_seconds"):
        wanted = float(labels["quantile"]) * buckets[math.inf]
        upper = next(bound for bound in bounds if buckets[bound] >= wanted)
        lower = max((bound for bound in bounds if bound < upper), default=0.0)
        assert lower < value <= upper


@pytest.mark.parametrize("name", NAMES)
def test_histograms_never_fall_from_bucket_to_bucket(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    app.run(60)
    seen: dict[frozenset[tuple[str, str]], float] = {}
    for metric in app.registry.collect():
        for sample in metric.samples:
            if sample.name.endswith("_bucket"):
                key = frozenset({("", sample.name), *((k, v) for k, v in sample.labels.items() if k != "le")})
                assert sample.value >= seen.get(key, 0.0)
                seen[key] = sample.value
    assert seen


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_and_time_give_the_same_figures_and_another_seed_gives_others(
    simulate: Simulate, name: str
) -> None:
    def figures(seed: int) -> list[tuple[dict[str, str], float]]:
        app = simulate(name, seed=seed)
        app.run(30)
        found: list[tuple[dict[str, str], float]] = app.samples("http_request_duration_seconds_bucket")
        return found

    assert figures(5) == figures(5)
    assert figures(5) != figures(6)


@pytest.mark.parametrize("name", NAMES)
def test_a_quiet_hour_alarms_nobody(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    worst = 0.0
    for _ in range(12):
        app.run(300)
        worst = max(worst, p99(app))
    assert error_ratio(app) < 0.02
    assert worst < 0.35


@pytest.mark.parametrize("name", NAMES)
def test_every_series_is_there_from_the_first_page_on(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    first = app.label_sets()
    app.run(120)
    assert app.label_sets() == first
    assert 60 <= len(first) <= 200


@pytest.mark.parametrize("name", NAMES)
def test_errors_fail_a_third_of_the_requests_and_end(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    app.run(30)
    before = by_status(app)
    app.provoke(IncidentKind.ERRORS, 60)
    app.run(60)
    during = by_status(app)
    assert 0.25 < error_ratio(app, before) < 0.45
    app.run(60)
    assert error_ratio(app, during) < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_latency_lifts_the_slowest_requests_over_half_a_second_and_ends(simulate: Simulate, name: str) -> None:
    app = simulate(name, now_ms=SUNDAY_NIGHT_MS)
    app.provoke(IncidentKind.LATENCY, 60)
    app.run(60)
    assert p99(app) > 0.7
    assert error_ratio(app) < 0.05
    app.run(70)
    assert p99(app) < 0.35


@pytest.mark.parametrize("name", NAMES)
def test_an_outage_serves_nobody(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    app.run(10)
    before = app.total("http_requests_total")
    app.provoke(IncidentKind.OUTAGE, 30)
    assert app.live.down(app.now_ms)
    app.run(29)
    assert app.total("http_requests_total") == before
    app.run(10)
    assert not app.live.down(app.now_ms)
    assert app.total("http_requests_total") > before


@pytest.mark.parametrize("name", NAMES)
def test_a_deployment_changes_version_and_revision_for_good_and_alarms_nobody(simulate: Simulate, name: str) -> None:
    app = simulate(name)
    app.run(60)
    ((before, one),) = app.samples("app_build_info")
    counts = by_status(app)
    app.provoke(IncidentKind.DEPLOY, 60)
    ((after, _),) = app.samples("app_build_info")
    app.run(60)
    assert error_ratio(app, counts) < 0.03
    assert p99(app) < 0.35
    app.run(60)
    assert one == 1.0
    assert after["version"] != before["version"]
    assert after["revision"] != before["revision"]
    assert [labels for labels, _ in app.samples("app_build_info")] == [after]


def test_reviewer_decides_each_review_that_it_accepted(simulate: Simulate) -> None:
    app = simulate("ai-reviewer")
    app.run(300)
    accepted = app.total("http_requests_total", method="POST", status="200")
    assert app.total("reviews_completed_total") == accepted
    calls = app.total("adapter_claude_ai_calls_total")
    assert calls == accepted + app.total("adapter_claude_ai_errors_total")
    assert calls == app.total("adapter_claude_ai_duration_seconds_count")


def test_planner_executes_one_workflow_a_plan_and_counts_it_behind_the_breaker(simulate: Simulate) -> None:
    app = simulate("ai-planner")
    app.run(120)
    app.provoke(IncidentKind.BREAKER, 120)
    app.run(240)
    plans = app.total("plans_generated_total")
    assert plans == app.total("http_requests_total", method="POST", status="200")
    assert plans == app.total("chimera_workflow_execution_calls_total")
    calls = {labels["status"]: value for labels, value in app.samples("chimera_workflow_execution_calls_total")}
    assert calls["success"] == app.total("chimera_circuit_breaker_success_total")
    assert calls["failure"] == app.total("chimera_circuit_breaker_failure_total")
    assert calls["rejected"] > 100


def test_deployer_runs_statements_for_what_it_answered(simulate: Simulate) -> None:
    app = simulate("ai-deployer")
    app.run(300)
    assert app.total("deployments_total") == app.total("http_requests_total", method="POST", status="200")
    calls = app.total("adapter_sqlite_calls_total")
    assert calls == 3 * app.total("http_requests_total", status="200")
    assert calls == app.total("adapter_sqlite_duration_seconds_count")
    assert app.total("adapter_sqlite_errors_total") < 0.01 * calls


def assert_no_job_is_lost(app: Any) -> None:
    accepted = app.total("http_requests_total", path="/v1/infer", status="200")
    processed = app.total("queue_processed_total")
    assert accepted == processed + app.total("queue_dead_lettered_total") + app.total("queue_depth")
    assert processed == app.total("inference_requests_total") == app.total("inference_latency_seconds_count")
    assert app.total("inference_errors_total") <= processed


def test_inference_queue_fills_over_a_thousand_within_twenty_seconds_and_drains_after(simulate: Simulate) -> None:
    app = simulate("chimera-inference", now_ms=SUNDAY_NIGHT_MS)
    app.run(60)
    assert app.total("queue_depth") < 100
    app.provoke(IncidentKind.QUEUE, 40)
    app.run(20)
    assert app.total("queue_depth") > 1000
    assert_no_job_is_lost(app)
    app.run(20)
    app.run(90)
    assert app.total("queue_depth") < 100
    assert_no_job_is_lost(app)


def test_inference_queue_is_bounded_and_turns_away_what_does_not_fit(simulate: Simulate) -> None:
    app = simulate("chimera-inference")
    app.provoke(IncidentKind.QUEUE, 120)
    app.run(60)
    assert app.total("queue_depth") == 5000
    assert app.total("queue_dead_lettered_total") > 0
    assert_no_job_is_lost(app)


def test_inference_storage_and_schema_tell_of_their_incidents_only_while_they_last(simulate: Simulate) -> None:
    app = simulate("chimera-inference")

    def schema() -> list[dict[str, str]]:
        return [labels for labels, value in app.samples("schema_revision_info") if value == 1.0]

    assert app.total("storage_healthy") == 1.0
    ((sound),) = schema()
    assert sound["expected"] == sound["actual"]
    app.provoke(IncidentKind.STORAGE, 10)
    app.provoke(IncidentKind.SCHEMA, 10)
    app.run(2)
    assert app.total("storage_healthy") == 0.0
    ((drifted),) = schema()
    assert drifted["expected"] == sound["expected"] != drifted["actual"]
    app.run(10)
    assert app.total("storage_healthy") == 1.0
    assert schema() == [sound]


def assert_limiter_agrees(app: Any) -> None:
    for path in ("/api/simulate", "/api/predict", "/api/scenarios"):
        rejected = app.total("wargaming_rate_limit_requests_total", endpoint=path, result="rejected")
        assert rejected == app.total("http_requests_total", path=path, status="429")
        seen = app.total("wargaming_rate_limit_requests_total", endpoint=path)
        assert seen == app.total("http_requests_total", path=path)


def mean_tokens(app: Any) -> float:
    found = app.samples("wargaming_rate_limit_bucket_tokens")
    return float(sum(value for _, value in found) / len(found))


def test_wargaming_limits_nearly_nobody_in_quiet_times(simulate: Simulate) -> None:
    app = simulate("wargaming")
    for _ in range(20):
        app.run(60)
        assert mean_tokens(app) > 20
    assert_limiter_agrees(app)
    rejected = app.total("wargaming_rate_limit_requests_total", result="rejected")
    assert rejected < 0.1 * app.total("wargaming_rate_limit_requests_total")


def test_wargaming_abuse_empties_the_buckets_of_every_endpoint_and_ends(simulate: Simulate) -> None:
    app = simulate("wargaming", now_ms=SUNDAY_NIGHT_MS)
    app.provoke(IncidentKind.ABUSE, 60)
    app.run(60)
    assert_limiter_agrees(app)
    assert mean_tokens(app) < 10
    for labels, rejected in app.samples("wargaming_rate_limit_requests_total", result="rejected"):
        assert rejected > 0.3 * app.total("wargaming_rate_limit_requests_total", endpoint=labels["endpoint"])
    app.run(60)
    assert mean_tokens(app) > 40


def test_wargaming_tokens_and_fill_percentage_tell_the_same(simulate: Simulate) -> None:
    app = simulate("wargaming")
    app.run(30)
    for labels, tokens in app.samples("wargaming_rate_limit_bucket_tokens"):
        assert app.total("wargaming_rate_limit_bucket_fill_percentage", **labels) == pytest.approx(tokens / 60 * 100)


def breaker_states(app: Any, seconds: int) -> Iterator[float]:
    for _ in range(seconds // 5):
        app.run(5)
        yield app.total("wargaming_circuit_breaker_state", breaker_name="ml_model")


def test_wargaming_breaker_opens_stays_open_and_closes_after_the_incident(simulate: Simulate) -> None:
    app = simulate("wargaming")
    app.run(120)
    assert {value for _, value in app.samples("wargaming_circuit_breaker_state")} == {0.0}
    assert failure_ratio(app, "ml_model") < 0.05
    app.provoke(IncidentKind.BREAKER, 150)
    states = list(breaker_states(app, 150))
    assert states[1:] == [2.0] * (len(states) - 1)
    assert list(breaker_states(app, 30))[-1] == 0.0
    of = {"breaker_name": "ml_model"}
    assert app.total("wargaming_circuit_breaker_rejections_total", **of) > 500
    recoveries = {
        labels["result"]: value
        for labels, value in app.samples("wargaming_circuit_breaker_recovery_attempts_total", **of)
    }
    assert recoveries["success"] == 1
    assert recoveries["failure"] >= 6
    assert app.total("wargaming_circuit_breaker_state", breaker_name="database") == 0.0


def test_wargaming_predictions_come_from_the_model_or_else_from_heuristics(simulate: Simulate) -> None:
    app = simulate("wargaming")
    app.run(60)
    app.provoke(IncidentKind.BREAKER, 60)
    app.run(120)
    made = app.total("ml_prediction_total")
    assert made == app.total("wargaming_circuit_breaker_successes_total", breaker_name="ml_model")
    assert made == app.total("ml_confidence_count")
    methods = {labels["method"]: value for labels, value in app.samples("validation_method_total")}
    assert methods["ml"] + methods["ensemble"] == made
    assert made + methods["heuristic"] == app.total("http_requests_total", path="/api/predict", status="200")
    assert app.total("wargaming_executions_total") == app.total(
        "http_requests_total", path="/api/simulate", status="200"
    )


def middleware_within(app: Any, bound: str) -> float:
    within = app.total("wargaming_middleware_latency_seconds_bucket", le=bound)
    return float(within / app.total("wargaming_middleware_latency_seconds_count"))


def test_wargaming_middleware_is_fast_until_latency_strikes(simulate: Simulate) -> None:
    quiet, slow = simulate("wargaming"), simulate("wargaming")
    slow.provoke(IncidentKind.LATENCY, 300)
    for app in (quiet, slow):
        app.run(120)
    assert middleware_within(quiet, "0.005") > 0.98
    assert middleware_within(slow, "0.01") < 0.8
    each = app.total("wargaming_middleware_latency_seconds_count", middleware="auth")
    assert each == app.total("http_requests_total")


def test_assistant_figures_agree(simulate: Simulate) -> None:
    app = simulate("enterprise-assistant")
    app.run(300)
    queries = app.total("queries_total")
    assert queries == app.total("http_requests_total", path="/api/query", status="200")
    assert queries == app.total("cache_requests_total", cache="response")
    misses = app.total("cache_requests_total", cache="response", result="miss")
    assert misses == app.total("cache_requests_total", cache="embedding")
    assert misses == app.total("llm_calls_total") == app.total("llm_call_duration_seconds_count")
    for stage in ("embed", "db", "total"):
        assert misses == app.total("rag_search_duration_seconds_count", stage=stage)
    for pool, size in (("documents", 20), ("sessions", 10)):
        assert app.total("db_pool_connections", pool=pool) == size


def test_assistant_cost_is_what_the_tokens_cost(simulate: Simulate) -> None:
    app = simulate("enterprise-assistant")
    app.run(300)
    tokens = {(labels["model"], labels["kind"]): value for labels, value in app.samples("llm_tokens_total")}
    cost = 3 * tokens["claude-sonnet-4", "prompt"] + 15 * tokens["claude-sonnet-4", "completion"]
    assert app.total("llm_cost_usd_total", model="claude-sonnet-4") == pytest.approx(cost / 1e6)


def test_assistant_spends_more_than_five_times_as_much_in_a_cost_incident(simulate: Simulate) -> None:
    app = simulate("enterprise-assistant")
    app.run(300)
    before = app.total("llm_cost_usd_total")
    app.provoke(IncidentKind.COST, 300)
    app.run(300)
    during = app.total("llm_cost_usd_total") - before
    assert during > 5 * before
    app.run(300)
    assert app.total("llm_cost_usd_total") - during - before < 2 * before
