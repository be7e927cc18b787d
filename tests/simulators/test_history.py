"""The past is made by the same model, in the same shape, as the present."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from simulators.apps import APPS, app_named
from simulators.history import STALE, HistoryTable, history

NAMES = [app.name for app in APPS]
END_MS = 1_790_172_000_000
DAY_MS = 86_400_000
Simulate = Callable[..., Any]
FloatArray = npt.NDArray[np.float64]


def day_of(name: str, seed: int = 1, step_ms: int = 60_000) -> HistoryTable:
    return history(app_named(name), start_ms=END_MS - DAY_MS, end_ms=END_MS, step_ms=step_ms, seed=seed)


def rows(table: HistoryTable, metric: str, **labels: str) -> FloatArray:
    wanted = {"__name__": metric, **labels}.items()
    found = [number for number, own in enumerate(table.labels) if wanted <= own.items()]
    assert found, f"{metric}{labels} has no history"
    return table.values[found]


def total(table: HistoryTable, metric: str, **labels: str) -> FloatArray:
    summed: FloatArray = rows(table, metric, **labels).sum(axis=0)
    return summed


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_series_that_the_live_app_exposes(simulate: Simulate, name: str) -> None:
    table = day_of(name)
    last = {
        (labels["__name__"], frozenset((key, value) for key, value in labels.items() if key != "__name__"))
        for labels, value in zip(table.labels, table.values[:, -1], strict=True)
        if not np.isnan(value)
    }
    assert last == simulate(name, seed=1, now_ms=END_MS).label_sets()
    assert len(table.labels) == len({frozenset(labels.items()) for labels in table.labels})


@pytest.mark.parametrize("step_ms", [15_000, 5000])
def test_timestamps_go_from_the_start_in_steps_until_before_the_end(step_ms: int) -> None:
    table = history(app_named("ai-planner"), start_ms=END_MS - 600_000, end_ms=END_MS, step_ms=step_ms, seed=1)
    assert table.timestamps.dtype == np.int64
    assert table.timestamps[0] == END_MS - 600_000
    assert table.timestamps[-1] == END_MS - step_ms
    assert set(np.diff(table.timestamps).tolist()) == {step_ms}
    assert table.values.dtype == np.float64
    assert table.values.shape == (len(table.labels), 600_000 // step_ms)


def test_a_history_of_nothing_is_refused() -> None:
    for start_ms, step_ms in ((END_MS, 15_000), (0, 0)):
        with pytest.raises(ValueError, match="no timestamps"):
            history(app_named("ai-planner"), start_ms=start_ms, end_ms=END_MS, step_ms=step_ms, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_past_and_another_gives_another(name: str) -> None:
    once, again, other = (day_of(name, seed=seed, step_ms=600_000) for seed in (3, 3, 4))
    assert once.labels == again.labels
    assert once.values.tobytes() == again.values.tobytes()
    assert total(once, "http_requests_total").tolist() != total(other, "http_requests_total").tolist()


@pytest.mark.parametrize("name", NAMES)
def test_requests_histogram_and_summary_agree_at_every_moment(name: str) -> None:
    table = day_of(name)
    requests = total(table, "http_requests_total")
    for metric in ("http_request_duration_seconds_count", "request_duration_seconds_count"):
        assert np.array_equal(requests, total(table, metric))
    assert np.array_equal(requests, total(table, "http_request_duration_seconds_bucket", le="+Inf"))
    sums = [total(table, f"{metric}_sum") for metric in ("http_request_duration_seconds", "request_duration_seconds")]
    np.testing.assert_allclose(*sums)


@pytest.mark.parametrize("name", NAMES)
def test_counters_and_buckets_never_fall(name: str) -> None:
    table = day_of(name)
    for labels, values in zip(table.labels, table.values, strict=True):
        if labels["__name__"].endswith(("_total", "_bucket", "_count", "_sum")):
            assert (np.diff(values) >= 0).all(), labels
            assert values[0] >= 0


def test_quantiles_rise_from_the_median_to_the_99th() -> None:
    table = day_of("ai-reviewer")
    found = [rows(table, "request_duration_seconds", quantile=q)[0] for q in ("0.5", "0.9", "0.95", "0.99")]
    assert (np.diff(np.array(found), axis=0) >= 0).all()
    assert (found[0] < found[3]).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_day_has_its_rhythm_and_no_alarm(name: str) -> None:
    table = day_of(name)
    requests = total(table, "http_requests_total")
    by_hour = np.diff(requests[::60])
    assert by_hour.max() > 1.8 * by_hour.min()
    failed = total(table, "http_requests_total", status="500") + total(table, "http_requests_total", status="503")
    ratio = (failed[5:] - failed[:-5]) / (requests[5:] - requests[:-5])
    assert ratio.max() < 0.03
    assert rows(table, "request_duration_seconds", quantile="0.99").max() < 0.5


def test_the_breakers_stay_closed_and_the_limiters_let_pass_all_day() -> None:
    table = day_of("wargaming", step_ms=15_000)
    assert rows(table, "wargaming_circuit_breaker_state").max() == 0
    assert rows(table, "wargaming_rate_limit_bucket_tokens").mean(axis=0).min() > 20
    seen = total(table, "wargaming_rate_limit_requests_total")
    rejected = total(table, "wargaming_rate_limit_requests_total", result="rejected")
    assert rejected[-1] < 0.1 * seen[-1]


def test_jobs_of_the_inference_queue_are_kept_count_of_all_day() -> None:
    table = day_of("chimera-inference")
    accepted = total(table, "http_requests_total", path="/v1/infer", status="200")
    left = total(table, "queue_depth") + total(table, "queue_dead_lettered_total")
    assert np.array_equal(accepted, total(table, "queue_processed_total") + left)


@pytest.mark.parametrize("name", NAMES)
def test_a_deployment_ends_one_build_with_staleness_markers_and_begins_the_next(name: str) -> None:
    table = day_of(name)
    builds = rows(table, "app_build_info")
    running = builds == 1.0
    assert len(builds) in (2, 3)
    assert (running.sum(axis=0) == 1).all(), "exactly one version runs at any time"
    stale = np.array([STALE]).view(np.uint64)[0]
    assert stale == 0x7FF0_0000_0000_0002
    assert (builds[~running].view(np.uint64) == stale).all()


def test_the_past_goes_as_fast_as_the_present(simulate: Simulate) -> None:
    table = history(app_named("ai-reviewer"), start_ms=END_MS - 600_000, end_ms=END_MS, step_ms=5000, seed=1)
    app = simulate("ai-reviewer", seed=1, now_ms=END_MS - 600_000)
    app.run(600)
    assert total(table, "http_requests_total")[-1] == pytest.approx(app.total("http_requests_total"), rel=0.05)
    name = "http_request_duration_seconds_sum"
    assert total(table, name)[-1] == pytest.approx(app.total(name), rel=0.1)


def test_no_department_spends_more_than_a_few_dollars_an_hour() -> None:
    table = day_of("enterprise-assistant")
    for department in ("engineering", "support", "finance"):
        cost = total(table, "llm_cost_usd_total", department=department)
        assert ((cost[2:] - cost[:-2]) * 30).max() < 12
