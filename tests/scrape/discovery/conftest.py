"""What the tests of all kinds of discovery share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest
from prometheus_client import CollectorRegistry

from dashboard.scrape.discovery import TargetGroup
from dashboard.scrape.discovery.metrics import DiscoveryMetrics


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests wait for less than a second."""
    monkeypatch.setattr("dashboard.scrape.discovery.file._LOOK_EVERY", 0.02)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> DiscoveryMetrics:
    return DiscoveryMetrics(registry)


@pytest.fixture
def count(registry: CollectorRegistry) -> Callable[..., float]:
    """Tell one of the metrics of discovery."""
    return lambda name, /, **labels: registry.get_sample_value(f"prometheus_sd_{name}", labels) or 0.0


def addresses(groups: Sequence[TargetGroup]) -> list[str]:
    return [target["__address__"] for group in groups for target in group.targets]


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
