"""Targets, pools and relabelling as Prometheus's API tells them."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.web import Parts
from dashboard.web.targets_json import global_url

JOBS = """
scrape_configs:
- job_name: web
  scrape_interval: 30s
  static_configs: [{targets: ['a:1', 'b:2', 'c:3'], labels: {zone: x}}]
  relabel_configs:
  - {source_labels: [zone, __address__], separator: '@', regex: 'x@(.):.*', target_label: host}
  - {source_labels: [__address__], regex: 'b:.*', action: drop}
  - {regex: zone, action: labeldrop}
- job_name: all-dropped
  keep_dropped_targets: 1
  static_configs: [{targets: ['d:4', 'e:5']}]
  relabel_configs: [{action: drop}]
"""


@pytest.fixture
def asked(client: FlaskClient, parts: Parts) -> FlaskClient:
    """The API over jobs that drop some of their targets."""
    parts.settings.config_file.write_text(JOBS)
    assert parts.reloader.reload().successful
    return client


def data(client: FlaskClient, path: str, **query: str) -> Any:
    answer = client.get(f"/api/v1/{path}", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()["data"]


def addresses(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["discoveredLabels"]["__address__"] for entry in entries]


@pytest.mark.parametrize("state", ["", "any", "ANY"])
def test_all_targets_are_told_by_pool(asked: FlaskClient, state: str) -> None:
    told = data(asked, "targets", state=state)
    assert list(told) == ["activeTargets", "droppedTargets", "droppedTargetCounts"]
    assert addresses(told["activeTargets"]) == ["a:1", "c:3"]
    assert [entry["scrapePool"] for entry in told["droppedTargets"]] == ["all-dropped", "web"]
    assert addresses(told["droppedTargets"]) == ["d:4", "b:2"]
    # Of those that were dropped only so many are kept as the job wants.
    assert told["droppedTargetCounts"] == {"all-dropped": 2, "web": 1}


def test_an_active_target_tells_its_labels_before_and_after(asked: FlaskClient) -> None:
    first = data(asked, "targets", state="active")["activeTargets"][0]
    assert first["labels"] == {"host": "a", "instance": "a:1", "job": "web"}
    assert first["discoveredLabels"] == {
        "__address__": "a:1",
        "__metrics_path__": "/metrics",
        "__scheme__": "http",
        "__scrape_interval__": "30s",
        "__scrape_timeout__": "10s",
        "job": "web",
        "zone": "x",
    }
    assert (first["scrapeInterval"], first["scrapeTimeout"], first["health"]) == ("30s", "10s", "unknown")
    assert first["lastScrape"] == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "active", "dropped", "counts"),
    [
        ({"state": "active"}, ["a:1", "c:3"], [], None),
        ({"state": "dropped"}, [], ["d:4", "b:2"], {"all-dropped": 2, "web": 1}),
        ({"state": "nonsense"}, [], [], None),
        ({"scrapePool": "web"}, ["a:1", "c:3"], ["b:2"], {"all-dropped": 2, "web": 1}),
        ({"scrapePool": "nix", "state": "active"}, [], [], None),
    ],
)
def test_targets_are_filtered_by_state_and_pool(
    asked: FlaskClient, query: dict[str, str], active: list[str], dropped: list[str], counts: dict[str, int] | None
) -> None:
    told = data(asked, "targets", **query)
    assert (addresses(told["activeTargets"]), addresses(told["droppedTargets"])) == (active, dropped)
    assert told["droppedTargetCounts"] == counts


def test_the_pools_are_listed_by_name(asked: FlaskClient) -> None:
    assert data(asked, "scrape_pools") == {"scrapePools": ["all-dropped", "web"]}


def test_each_relabelling_rule_is_told_with_what_it_made(asked: FlaskClient) -> None:
    labels = {"__address__": "a:1", "zone": "x", "job": "web"}
    told = data(asked, "targets/relabel_steps", scrapePool="web", labels=json.dumps(labels))
    assert told["steps"] == [
        {
            "rule": {
                "sourceLabels": ["zone", "__address__"],
                "separator": "@",
                "regex": "x@(.):.*",
                "targetLabel": "host",
                "replacement": "$1",
                "action": "replace",
            },
            "output": {**labels, "host": "a"},
            "keep": True,
        },
        {
            "rule": {
                "sourceLabels": ["__address__"],
                "separator": ";",
                "regex": "b:.*",
                "replacement": "$1",
                "action": "drop",
            },
            "output": {**labels, "host": "a"},
            "keep": True,
        },
        {
            "rule": {"separator": ";", "regex": "zone", "replacement": "$1", "action": "labeldrop"},
            "output": {"__address__": "a:1", "host": "a", "job": "web"},
            "keep": True,
        },
    ]


def test_after_a_rule_that_drops_nothing_is_left(asked: FlaskClient) -> None:
    given = json.dumps({"__address__": "b:2"})
    steps = data(asked, "targets/relabel_steps", scrapePool="web", labels=given)["steps"]
    assert [(step["keep"], step["output"]) for step in steps] == [
        (True, {"__address__": "b:2"}),
        (False, {}),
        (False, {}),
    ]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "no scrapePool parameter provided"),
        ({"scrapePool": "web"}, "no labels parameter provided"),
        ({"scrapePool": "web", "labels": "{"}, "error parsing labels: "),
        ({"scrapePool": "web", "labels": '{"a": 1}'}, "error parsing labels: "),
        ({"scrapePool": "web", "labels": "[]"}, "error parsing labels: "),
        ({"scrapePool": "nix", "labels": "{}"}, "error retrieving scrape config: "),
    ],
)
def test_steps_that_cannot_be_told_are_refused(asked: FlaskClient, query: dict[str, str], reason: str) -> None:
    answer = asked.get("/api/v1/targets/relabel_steps", query_string=query)
    assert (answer.status_code, answer.get_json()["errorType"]) == (400, "bad_data")
    assert answer.get_json()["error"].startswith(reason)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8001/metrics?x=1", "http://box:8001/metrics?x=1"),
        ("https://[::1]:9/m", "https://box:9/m"),
        ("http://localhost/m", "http://box/m"),
        ("https://localhost:5050/metrics", "http://box:5050/metrics"),
        ("http://localhost:5000/host/metrics", "http://box:5050/host/metrics"),
        ("http://example.org:5050/metrics", "http://example.org:5050/metrics"),
    ],
)
def test_what_is_local_is_named_as_other_machines_would(url: str, shown: str) -> None:
    assert global_url(url, "box", 5050) == shown


def test_the_global_address_stands_beside_the_one_that_is_scraped(client: FlaskClient) -> None:
    (shop,) = data(client, "targets", scrapePool="shop")["activeTargets"]
    port = shop["scrapeUrl"].rsplit(":", 1)[1]
    assert shop["globalUrl"] == f"http://{socket.gethostname()}:{port}"
