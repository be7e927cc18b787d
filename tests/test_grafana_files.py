"""The files for Grafana: dashboards whose queries find something, provisioning that points at them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from dashboard.promql import parse
from dashboard.promql.ast import VectorSelector, walk
from dashboard.scrape import host_page
from dashboard.shipped import shipped_monitoring
from simulators.apps import APPS
from simulators.history import history

GRAFANA = shipped_monitoring() / "grafana"
# What the host's page has on other systems than this one.
ELSEWHERE = {
    "node_cpu_seconds_total",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_free_bytes",
    "node_memory_inactive_bytes",
    "node_memory_total_bytes",
    "windows_cpu_time_total",
    "windows_memory_physical_free_bytes",
    "windows_memory_physical_total_bytes",
}
DASHBOARDS = sorted(GRAFANA.glob("dashboards/*.json"))


def panels() -> list[Any]:
    return [
        pytest.param(panel, id=f"{file.stem}: {panel['title']}")
        for file in DASHBOARDS
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
    ]


def known_metrics() -> set[str]:
    """Return the names of all series that the apps, the host and the rules have."""
    apps = {
        labels["__name__"]
        for app in APPS
        for labels in history(app, start_ms=0, end_ms=15_000, step_ms=15_000, seed=1).labels
    }
    host = {line.split(b"{")[0].split(b" ")[0].decode() for line in host_page().splitlines()}
    return apps | host | ELSEWHERE | {"up", "ALERTS"}


def metrics(query: str) -> set[str]:
    return {node.name for node in walk(parse(query)) if isinstance(node, VectorSelector)}


@pytest.mark.parametrize("panel", panels())
def test_queries_of_a_panel_ask_for_metrics_that_are_there(panel: dict[str, Any]) -> None:
    known = known_metrics()
    for target in panel["targets"]:
        asked = metrics(target["expr"].replace("$__rate_interval", "1m").replace("$job", ".*"))
        assert asked
        assert asked <= known


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_do_not_overlap_and_fit_the_grid(file: Any) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_every_panel_asks_the_provisioned_data_source() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8"))
    known = {source["uid"] for source in sources["datasources"]}
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            assert {target["datasource"]["uid"] for target in panel["targets"]} <= known


def test_compose_mounts_what_is_there() -> None:
    folder = shipped_monitoring()
    compose = yaml.safe_load((folder / "docker-compose.yml").read_text(encoding="utf-8"))
    mounts = [mount.split(":")[0] for service in compose["services"].values() for mount in service["volumes"]]
    assert all((folder / mount).exists() for mount in mounts if mount.startswith("./"))
    assert {mount for mount in mounts if not mount.startswith("./")} == set(compose["volumes"])
    assert "--storage.tsdb.retention.time=30d" in compose["services"]["prometheus"]["command"]
