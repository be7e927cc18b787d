"""Load balancers and supervisors are told the truth, and never a 500."""

import os
from dataclasses import replace

import numpy as np
import pytest
from flask.testing import FlaskClient

import dashboard
from dashboard.model.labels import Labels
from dashboard.web import Parts, create_app, is_glass_cockpit
from dashboard.web.server import Server


def unready(parts: Parts) -> FlaskClient:
    return create_app(replace(parts, ready=lambda: False)).test_client()


def test_the_process_is_healthy_in_prometheus_words(client: FlaskClient) -> None:
    answer = client.get("/-/healthy")
    assert (answer.status_code, answer.text) == (200, "Glass Cockpit is Healthy.\n")


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/ready", "/health"])
def test_a_head_request_is_answered_without_a_body(client: FlaskClient, path: str) -> None:
    answer = client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")


def test_it_is_ready_once_the_store_is_open(client: FlaskClient, parts: Parts) -> None:
    assert client.get("/-/ready").status_code == 200
    assert client.get("/ready").json == {"status": "ready"}
    early = unready(parts)
    assert early.get("/ready").status_code == 503
    assert early.get("/-/ready").status_code == 503
    assert early.get("/-/ready").headers["X-Prometheus-Stopping"] == "false"
    assert early.get("/-/healthy").status_code == 200


def test_the_health_page_tells_what_works(client: FlaskClient) -> None:
    report = client.get("/health").json
    assert (report["service"], report["status"], report["db_ok"]) == ("glass-cockpit", "ok", True)
    assert (report["version"], report["pid"]) == (dashboard.__version__, os.getpid())
    assert {"scrape", "promql", "rules", "host_metrics"} <= set(report["capabilities"])
    assert report["gpu"]["available"] is bool(report["gpu"]["names"])
    assert report["uptime_seconds"] >= 0


def test_a_closed_database_makes_it_degraded(client: FlaskClient, parts: Parts) -> None:
    parts.database.close()
    answer = client.get("/health")
    assert (answer.status_code, answer.json["status"], answer.json["db_ok"]) == (200, "degraded", False)


def test_a_full_disk_makes_it_degraded_while_queries_go_on(client: FlaskClient, parts: Parts) -> None:
    pages = parts.database.write(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    parts.database.write(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    series = np.array([parts.storage.series_id(Labels.of({"__name__": "x", "n": str(n)})) for n in range(5000)])
    for number in range(5):
        parts.storage.appender().append(parts.clock() + number, series, np.random.default_rng(number).random(5000))
    assert not parts.storage.flush()
    report = client.get("/health").json
    assert (report["status"], report["db_ok"], report["storing"]) == ("degraded", True, False)
    assert client.get("/api/v1/query?query=vector(1)").status_code == 200


def test_tables_that_were_changed_make_it_degraded(client: FlaskClient, parts: Parts) -> None:
    assert client.get("/health").json["schema_ok"] is True
    parts.database.write(lambda connection: connection.execute("CREATE TABLE strange (n)"))
    report = client.get("/health").json
    assert (report["status"], report["schema_ok"]) == ("degraded", False)


def test_what_is_damaged_is_named_with_its_reason(client: FlaskClient, parts: Parts) -> None:
    assert client.get("/health").json["damaged"] == {}
    series = np.array([parts.storage.series_id(Labels.of({"__name__": "x"}))])
    parts.storage.appender().append(parts.clock() - 20_000_000, series, np.array([1.0]))
    assert parts.storage.flush()
    parts.storage.upkeep(parts.clock())
    parts.database.write(lambda connection: connection.execute("UPDATE block_chunks SET body = x'070102030405'"))
    parts.storage.select([], 0, parts.clock())
    assert client.get("/health").json["damaged"] == {
        "chunk 0 of group 1 of the blocks": "the checksum of a blob does not agree with its bytes"
    }


def test_a_part_that_raises_makes_it_degraded(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> bool:
        raise RuntimeError("the secret of the house")

    answer = create_app(replace(parts, ready=broken)).test_client().get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert "secret" not in answer.text
    assert "the secret of the house" in caplog.text


def test_before_the_store_is_open_it_is_degraded(parts: Parts) -> None:
    assert unready(parts).get("/health").json["status"] == "degraded"


def test_a_second_start_recognises_the_running_one(server: Server) -> None:
    assert is_glass_cockpit(server.addresses[0][1])
