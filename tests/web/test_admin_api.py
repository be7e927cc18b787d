"""Deletion, cleaning up and snapshots, as Prometheus's API has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from dashboard.database.backup import restore
from dashboard.migrations import MIGRATIONS
from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from dashboard.web import Parts
from dashboard.web.admin_api import SNAPSHOTS

ADMIN = "/api/v1/admin/tsdb"


@pytest.fixture(autouse=True)
def samples(parts: Parts) -> None:
    labels = [Labels.of({"__name__": "gone", "n": str(n)}) for n in range(3)]
    times = np.arange(1, 11) * 1000
    parts.storage.import_batches([SeriesBatch(labels, times, np.ones((3, 10)))])


def counted(parts: Parts) -> dict[str, int]:
    return {
        labels.get("n"): len(batch.timestamps)
        for batch in parts.storage.select([], 0, 20_000)
        for labels in batch.labels
        if labels.metric_name == "gone"
    }


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_samples_of_matching_series_in_the_range_are_deleted(client: FlaskClient, parts: Parts, method: str) -> None:
    query = 'match[]=gone{n="0"}&match[]=gone{n="1"}&start=3&end=5.5'
    answer = client.open(f"{ADMIN}/delete_series?{query}", method=method)
    assert (answer.status_code, answer.data) == (204, b"")
    assert counted(parts) == {"0": 7, "1": 7, "2": 10}


def test_without_times_all_goes_and_cleaning_takes_it_from_the_blocks(client: FlaskClient, parts: Parts) -> None:
    before = parts.storage.stats().block_samples
    assert client.post(f"{ADMIN}/delete_series", data={"match[]": 'gone{n=~"0|1"}'}).status_code == 204
    assert counted(parts) == {"2": 10}
    assert client.post(f"{ADMIN}/clean_tombstones").status_code == 204
    assert parts.storage.stats().block_samples == before - 20


@pytest.mark.parametrize(
    ("query", "told"),
    [("", "no match[] parameter provided"), ("?match[]=up{", "match[]"), ("?match[]=up&start=noon", "start")],
)
def test_what_means_nothing_is_refused_and_nothing_is_deleted(
    client: FlaskClient, parts: Parts, query: str, told: str
) -> None:
    answer = client.post(f"{ADMIN}/delete_series{query}")
    assert (answer.status_code, answer.json["errorType"]) == (400, "bad_data")
    assert told in answer.json["error"]
    assert counted(parts) == {"0": 10, "1": 10, "2": 10}


@pytest.mark.parametrize("route", ["delete_series?match[]=gone", "clean_tombstones", "snapshot"])
def test_a_page_of_somebody_else_changes_nothing(client: FlaskClient, parts: Parts, route: str) -> None:
    assert client.get(f"{ADMIN}/{route}").status_code == 405
    answer = client.post(f"{ADMIN}/{route}", headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert counted(parts) == {"0": 10, "1": 10, "2": 10}
    assert not (parts.database.file.parent / SNAPSHOTS).exists()


def test_a_snapshot_can_be_restored(client: FlaskClient, parts: Parts, tmp_path: Path) -> None:
    answer = client.post(f"{ADMIN}/snapshot")
    copy = parts.database.file.parent / SNAPSHOTS / answer.json["data"]["name"] / "cockpit.db"
    restore(copy, tmp_path / "again", MIGRATIONS, ".before")
    assert (tmp_path / "again" / "cockpit.db").stat().st_size == copy.stat().st_size


def test_what_the_database_cannot_do_is_told(client: FlaskClient, parts: Parts) -> None:
    parts.database.close()
    answer = client.post(f"{ADMIN}/delete_series?match[]=gone")
    assert (answer.status_code, answer.json["errorType"]) == (500, "internal")
