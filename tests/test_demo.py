"""The demo's day of history, from the model into the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import load_prometheus_config
from dashboard.database import Database
from dashboard.demo import UnknownAppError, fill_history, simulated_apps
from dashboard.promql import Engine, Vector
from dashboard.shipped import shipped_monitoring
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations

NOW = 1_795_200_000_000
DAY = 86_400_000


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    database = Database.open(tmp_path, [migrations])
    store = Storage(database, registry=CollectorRegistry(), clock=lambda: NOW, retention=30 * DAY)
    store.open()
    yield store
    store.close()
    database.close()


def value(storage: Storage, query: str, time: int) -> float:
    answer = Engine(storage, registry=CollectorRegistry()).instant(query, time).value
    assert isinstance(answer, Vector)
    return float(answer.values[0])


def test_an_empty_store_gets_a_day_of_every_app(storage: Storage) -> None:
    config = load_prometheus_config(shipped_monitoring() / "prometheus.yml")
    fill_history(storage, config, simulated_apps([]), NOW)
    for time in (NOW - DAY + 600_000, NOW - DAY // 2, NOW):
        assert value(storage, "count(up == 1)", time) == 6
        assert value(storage, "count(count by (job) (rate(http_requests_total[5m]) > 0))", time) == 6


def test_a_store_with_data_is_left_alone(storage: Storage) -> None:
    config = load_prometheus_config(shipped_monitoring() / "prometheus.yml")
    fill_history(storage, config, simulated_apps(["wargaming"]), NOW)
    before = storage.stats()
    fill_history(storage, config, simulated_apps([]), NOW + DAY)
    assert storage.stats() == before


def test_apps_left_to_the_user_are_not_simulated() -> None:
    assert [app.name for app in simulated_apps(["wargaming", "ai-planner"])] == [
        "ai-reviewer",
        "ai-deployer",
        "chimera-inference",
        "enterprise-assistant",
    ]
    with pytest.raises(UnknownAppError, match="ai-reviewer, ai-planner"):
        simulated_apps(["ai"])
