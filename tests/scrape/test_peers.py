"""The real Prometheus and we scrape the same targets, and store the same series with the same values."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import load_prometheus_config
from dashboard.scrape import ScrapeManager, TargetHealth, Ticker

from .conftest import FakeStorage, Site
from .peers import Stored, prometheus

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
- job_name: broken and dropped
  metrics_path: /broken
  static_configs: [{targets: ['ADDRESS']}]
  metric_relabel_configs: [{source_labels: [__name__], regex: a, action: drop}]
- job_name: named twice
  metrics_path: /twice
  static_configs: [{targets: ['ADDRESS']}]
- job_name: stamped and refused
  metrics_path: /refused
  label_limit: 3
  static_configs: [{targets: ['ADDRESS']}]
- job_name: large
  metrics_path: /large
  body_size_limit: 100B
  static_configs: [{targets: ['ADDRESS']}]
- job_name: missing
  metrics_path: /missing
  static_configs: [{targets: ['ADDRESS']}]
- job_name: relabelled
  static_configs: [{targets: ['ADDRESS']}]
  metric_relabel_configs:
  - {source_labels: [__name__], regex: 'repeated|largest', action: drop}
  - {source_labels: [method, path], separator: '@', regex: '(.+)@(.*)', target_label: call, replacement: '${1} $2'}
  - {regex: path, action: labeldrop}
  - {regex: 'exported_(.*)', replacement: 'was_$1', action: labelmap}
  - {source_labels: [__name__], regex: odd, target_label: __name__, replacement: even}
  - {source_labels: [place], regex: .+, target_label: place, action: uppercase}
  - {target_label: job, replacement: other}
- job_name: limited after relabelling
  sample_limit: 1
  static_configs: [{targets: ['ADDRESS']}]
  metric_relabel_configs: [{source_labels: [__name__], regex: empty, action: keep}]
- job_name: still too many
  sample_limit: 2
  static_configs: [{targets: ['ADDRESS']}]
  metric_relabel_configs: [{source_labels: [__name__], regex: 're.*', action: keep}]
- job_name: nameless
  static_configs: [{targets: ['ADDRESS']}]
  metric_relabel_configs: [{target_label: __name__, replacement: ''}]
- job_name: many labels
  label_limit: 4
  static_configs: [{targets: ['ADDRESS']}]
- job_name: long names
  label_name_length_limit: 10
  static_configs: [{targets: ['ADDRESS']}]
- job_name: long values
  label_value_length_limit: 14
  static_configs: [{targets: ['ADDRESS']}]
- job_name: just right
  label_limit: 6
  label_name_length_limit: 21
  label_value_length_limit: 21
  static_configs: [{targets: ['ADDRESS']}]
- job_name: many targets
  target_limit: 1
  static_configs: [{targets: ['ADDRESS', 'localhost:PORT']}]
- job_name: stamped
  metrics_path: /stamped
  static_configs: [{targets: ['ADDRESS']}]
- job_name: not stamped
  metrics_path: /stamped
  honor_timestamps: false
  static_configs: [{targets: ['ADDRESS']}]
- job_name: url
  http_sd_configs: [{url: 'http://ADDRESS/sd'}]
- job_name: files
  file_sd_configs: [{files: ['FOLDER/*.json', 'FOLDER/list.yml']}]
  relabel_configs:
  - {source_labels: [state], regex: off, action: drop}
  - {source_labels: [__meta_filepath], regex: '.*/(.*)', target_label: file}
  - {source_labels: [path], regex: (.+), target_label: __metrics_path__}
  - {source_labels: [ask], regex: (.+), target_label: __param_module}
  - {regex: 'path|ask', action: labeldrop}
  - {source_labels: [__meta_x], target_label: zone}
  - {source_labels: [__address__], modulus: 8, target_label: shard, action: hashmod}
- job_name: asked
  metrics_path: /ask
  params: {module: ['x y', z]}
  static_configs: [{targets: ['ADDRESS']}]
"""


@pytest.fixture
def config(site: Site, tmp_path: Path) -> Path:
    site.serve(PAGE)
    site.serve(b"a 1\nb\n", "/broken")
    site.serve(b'a 1\nb{x="1",x="2"} 2\nc 3\n', "/twice")
    site.serve(
        b"a 1\nb 2 %d\nc 3\nd{x='1',y='2'} 4\ne 5\n".replace(b"'", b'"') % (time.time_ns() // 1_000_000), "/refused"
    )
    site.serve(b"a 1\n#%95s\n" % b"", "/large")
    site.serve(b"a 1\n", "/ask?module=x+y&module=z")
    site.serve(b"a 2\n", "/metrics?module=z")
    listed = [{"targets": [site.address], "labels": {"from": "url"}}]
    site.serve(json.dumps(listed).encode(), "/sd", Content_Type="application/json")
    measured = time.time_ns() // 1_000_000 - 30_000
    far = measured + 3_600_000
    site.serve(f"a 1 {measured}\nb 2\nfar 3 {far}\nold 4 1000\n".encode(), "/stamped")
    address = [site.address]
    groups = [{"targets": address, "labels": {"path": "/broken"}}, {"targets": ["x:1"], "labels": {"state": "off"}}]
    (tmp_path / "list.json").write_text(json.dumps(groups), encoding="utf-8")
    groups = [{"targets": address}, {"targets": address, "labels": {"ask": "z", "__meta_x": "y"}}]
    (tmp_path / "list.yml").write_text(json.dumps(groups), encoding="utf-8")
    file = tmp_path / "prometheus.yml"
    text = JOBS.replace("ADDRESS", site.address).replace("PORT", site.address.rpartition(":")[2])
    file.write_text(text.replace("FOLDER", str(tmp_path)), encoding="utf-8")
    return file


def comparable(stored: Stored) -> Stored:
    """Leave out what differs between any two scrapes."""
    return {labels: value for labels, value in stored.items() if labels.metric_name != "scrape_duration_seconds"}


def twice(manager: ScrapeManager, storage: FakeStorage) -> Stored:
    """Scrape every target two times, and return the last value of each series."""
    stored: Stored = {}
    for status in manager.targets():
        manager.scrape_now(status.id)
        manager.scrape_now(status.id)
        stored |= {storage.labels[number]: repr(value) for number, value in storage.last_row.items()}
    names = {str(labels): labels for labels in storage.labels}
    return stored | {names[name]: repr(value) for name, _, value in storage.points}


@pytest.mark.peers
def test_prometheus_stores_the_same(config: Path, tmp_path: Path, storage: FakeStorage) -> None:
    manager = ScrapeManager(
        storage,
        Ticker(),
        registry=CollectorRegistry(),
        clock=lambda: time.time_ns() // 1_000_000,
        local_pages={},
        local_addresses=(),
    )
    with prometheus(config, tmp_path) as server:
        # The ticker stands still: each target is scraped exactly twice.
        manager.apply(load_prometheus_config(config))
        looked_up = {"url": 1, "files": 3}
        server.wait_for(lambda: looked_up.items() <= {(pool.name, len(pool.active)) for pool in manager.pools()})
        ours = twice(manager, storage)
        often = "count(count_over_time(scrape_duration_seconds[1m]) >= 2)"
        targets = len(manager.targets())
        server.wait_for(lambda: server.ask("query", query=f"{often} == {targets}")["result"])
        theirs, told = server.stored(), server.ask("targets")
    assert comparable(ours) == comparable(theirs)
    active = {(target["scrapePool"], target["scrapeUrl"]): target for target in told["activeTargets"]}
    assert len(active) == targets
    for status in manager.targets():
        target = active[status.scrape_pool, status.url]
        assert status.health is TargetHealth(target["health"])
        assert bool(status.last_error) is bool(target["lastError"])
        assert dict(status.labels) == target["labels"]
        assert dict(status.discovered_labels) == target["discoveredLabels"]
    assert [dict(labels) for pool in manager.pools() for labels in pool.dropped] == [
        target["discoveredLabels"] for target in told["droppedTargets"]
    ]
    manager.stop()
