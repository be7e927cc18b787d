"""What the API tells of the server itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from dashboard.web import Parts, create_app

from .conftest import NOW, Clock


def ask(client: FlaskClient, route: str) -> Any:
    answer = client.get(f"/api/v1/{route}")
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def test_the_runtime_is_told(client: FlaskClient, parts: Parts) -> None:
    told = ask(client, "status/runtimeinfo")
    assert (told["reloadConfigSuccess"], told["serverTime"]) == (True, "2023-11-14T22:13:20Z")
    assert told["storageRetention"] == "30d"
    assert told["startTime"] > "2024"
    assert told["goroutineCount"] >= 1
    parts.settings.config_file.write_text("nonsense: 1")
    parts.reloader.reload()
    assert ask(client, "status/runtimeinfo")["reloadConfigSuccess"] is False


def test_the_configuration_is_shown_without_secrets(client: FlaskClient, parts: Parts) -> None:
    parts.settings.config_file.write_text(
        "global: {external_labels: {site: here}}\n"
        "scrape_configs: [{job_name: a, basic_auth: {username: me, password: hunter2}}]\n"
    )
    assert parts.reloader.reload().successful
    shown = ask(client, "status/config")["yaml"]
    assert "hunter2" not in shown
    content = yaml.safe_load(shown)
    assert content["global"]["external_labels"] == {"site": "here"}
    assert content["scrape_configs"][0]["basic_auth"] == {"username": "me", "password": "<secret>"}


def test_flags_are_texts_under_prometheus_names(client: FlaskClient, parts: Parts) -> None:
    flags = ask(client, "status/flags")
    assert all(isinstance(value, str) for value in flags.values())
    assert flags["storage.tsdb.retention.time"] == "30d"
    assert flags["storage.tsdb.min-block-duration"] == "2h"
    assert flags["config.file"] == str(parts.settings.config_file)


def test_cardinality_is_listed_by_names_labels_and_pairs(client: FlaskClient, parts: Parts) -> None:
    told, counted = ask(client, "status/tsdb?limit=2"), parts.storage.cardinality(2)
    stats = parts.storage.stats()
    assert told["headStats"] == {
        "numSeries": stats.series,
        "numLabelPairs": counted.label_pairs,
        "chunkCount": stats.blocks,
        "minTime": NOW - 600_000,
        "maxTime": stats.latest,
    }
    for shown, counts in (
        ("seriesCountByMetricName", counted.series_by_metric),
        ("labelValueCountByLabelName", counted.values_by_label),
        ("memoryInBytesByLabelName", counted.bytes_by_label),
        ("seriesCountByLabelValuePair", counted.series_by_pair),
    ):
        assert told[shown] == [{"name": count.name, "value": count.value} for count in counts]
        assert len(told[shown]) == 2
    assert len(ask(client, "status/tsdb")["seriesCountByLabelValuePair"]) == 10


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5"])
def test_a_limit_that_is_no_positive_number_is_refused(client: FlaskClient, limit: str) -> None:
    answer = client.get(f"/api/v1/status/tsdb?limit={limit}")
    assert (answer.status_code, answer.json["error"]) == (400, "limit must be a positive number")


def test_no_more_is_listed_than_prometheus_lists(client: FlaskClient) -> None:
    assert client.get("/api/v1/status/tsdb?limit=10000").status_code == 200
    answer = client.get("/api/v1/status/tsdb?limit=10001")
    assert (answer.status_code, answer.json["errorType"]) == (400, "bad_data")
    assert answer.json["error"] == "limit must not exceed 10000"


def test_features_tell_what_can_be_asked(client: FlaskClient) -> None:
    features = ask(client, "features")
    assert features["promql_functions"]["rate"] is True
    assert features["promql_operators"]["topk"] is True
    assert features["templating_functions"]["humanize"] is True
    assert features["api"]["admin"] is True
    assert features["promql"]["per_step_stats"] is True
    assert all(isinstance(flag, bool) for category in features.values() for flag in category.values())


def test_the_version_is_told_without_the_envelope(client: FlaskClient) -> None:
    assert client.get("/version").json == ask(client, "status/buildinfo")


def test_while_starting_only_the_replay_and_the_version_are_told(parts: Parts) -> None:
    client = create_app(replace(parts, ready=lambda: False)).test_client()
    assert client.get("/api/v1/status/walreplay").json["data"] == {"min": 0, "max": 0, "current": 0}
    assert client.get("/version").status_code == 200
    starting = client.get("/api/v1/status/tsdb")
    assert (starting.status_code, starting.json["errorType"]) == (503, "unavailable")


def test_the_time_told_is_that_of_the_clock(client: FlaskClient, clock: Clock) -> None:
    clock.now += 1
    assert ask(client, "status/runtimeinfo")["serverTime"] == "2023-11-14T22:13:20.001Z"
