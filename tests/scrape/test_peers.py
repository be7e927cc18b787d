"""The real Prometheus and we scrape the same targets, and store the same series with the same values."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import load_prometheus_config
from dashboard.model.labels import Labels
from dashboard.scrape import ScrapeManager, TargetHealth, Ticker

from .conftest import FakeStorage, Site

PAGE = b"""# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{method="GET",path="/a b",job="inner",instance=""} 12
requests_total{method="POST",exported_job="x",job="y"} 3.5
temperature{place="\xc3\xa4u\xc3\x9fen"} -0
odd NaN
largest +Inf
repeated 1
repeated 2
empty{x="",y="z"} 1
up 5
"""

JOBS = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: plain
  static_configs: [{targets: ['ADDRESS'], labels: {env: test}}]
- job_name: honored
  honor_labels: true
  static_configs: [{targets: ['ADDRESS'], labels: {env: test}}]
- job_name: limited
  sample_limit: 3
  static_configs: [{targets: ['ADDRESS']}]
- job_name: broken
  metrics_path: /broken
  static_configs: [{targets: ['ADDRESS']}]
- job_name: missing
  metrics_path: /missing
  static_configs: [{targets: ['ADDRESS']}]
- job_name: asked
  metrics_path: /ask
  params: {module: ['x y', z]}
  static_configs: [{targets: ['ADDRESS']}]
"""

Stored = dict[Labels, str]


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    site.serve(PAGE)
    site.serve(b"a 1\nb\n", "/broken")
    site.serve(b"a 1\n", "/ask?module=x+y&module=z")
    file = tmp_path / "prometheus.yml"
    file.write_text(JOBS.replace("ADDRESS", site.address), encoding="utf-8")
    return file


def ask(port: int, path: str, **params: str) -> Any:
    query = urllib.parse.urlencode(params)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}?{query}", timeout=10) as answer:
        return json.load(answer)["data"]


@pytest.fixture
def theirs(config: Path, tmp_path: Path) -> Iterator[tuple[Stored, dict[str, Any]]]:
    """What the real Prometheus has stored, and its targets, after two scrapes of each."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wanted = len(load_prometheus_config(config).scrape_configs)
        end = time.monotonic() + 60
        scraped = 0
        while scraped < wanted:
            assert time.monotonic() < end
            time.sleep(0.1)
            with suppress(OSError):
                twice = "count(count_over_time(scrape_duration_seconds[1m]) >= 2)"
                found = ask(port, "query", query=twice)["result"]
                scraped = int(found[0]["value"][1]) if found else 0
        result = ask(port, "query", query='{__name__!=""}')["result"]
        stored = {Labels.of(series["metric"]): repr(float(series["value"][1])) for series in result}
        yield stored, {target["scrapePool"]: target for target in ask(port, "targets")["activeTargets"]}
    finally:
        process.terminate()
        process.wait(20)


def comparable(stored: Stored) -> Stored:
    """Leave out what differs between any two scrapes."""
    return {labels: value for labels, value in stored.items() if labels.metric_name != "scrape_duration_seconds"}


@pytest.mark.peers
def test_prometheus_stores_the_same(config: Path, theirs: tuple[Stored, dict[str, Any]], storage: FakeStorage) -> None:
    manager = ScrapeManager(
        storage,
        Ticker(),
        registry=CollectorRegistry(),
        clock=lambda: time.time_ns() // 1_000_000,
        local_pages={},
        local_addresses=(),
    )
    # The ticker stands still: each target is scraped exactly twice.
    manager.apply(load_prometheus_config(config))
    ours: Stored = {}
    for status in manager.targets():
        manager.scrape_now(status.id)
        manager.scrape_now(status.id)
        ours |= {Labels.of(storage.labels[number]): repr(value) for number, value in storage.last_row.items()}
    expected, targets = theirs
    assert comparable(ours) == comparable(expected)
    for status in manager.targets():
        target = targets[status.scrape_pool]
        assert status.url == target["scrapeUrl"]
        assert status.health is TargetHealth(target["health"])
        assert bool(status.last_error) is bool(target["lastError"])
        assert dict(status.labels) == target["labels"]
        assert dict(status.discovered_labels) == target["discoveredLabels"]
    manager.stop()
