"""Our own JSON: what the pages poll and ask for."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask.testing import FlaskClient

from dashboard.config.prometheus import load_prometheus_config
from dashboard.promql import Engine, ExecutionError
from dashboard.scrape.exporters import Exporter
from dashboard.web import Parts, create_app
from dashboard.web.compression import WORTH_COMPRESSING
from dashboard.web.views import views


@pytest.mark.parametrize("area", ["overview", "alerts", "targets", "gpu", "apps/shop"])
def test_every_answer_tells_its_time_and_how_many_alerts_fire(client: FlaskClient, parts: Parts, area: str) -> None:
    answer = client.get(f"/api/cockpit/{area}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.get_json()["at"], answer.get_json()["firing"]) == (parts.clock(), 0)


def test_a_hidden_tab_gets_three_numbers(client: FlaskClient, parts: Parts) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    assert client.get("/api/cockpit/count").get_json() == {"firing": 0, "pending": 0, "down": 1}


def test_large_answers_are_compressed_for_those_who_can_read_that(client: FlaskClient) -> None:
    for address in ("/api/cockpit/alerts", "/"):
        plain, zipped = client.get(address), client.get(address, headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in plain.headers
        assert zipped.headers["Vary"] == "Accept-Encoding"
        if len(plain.data) >= WORTH_COMPRESSING:
            assert gzip.decompress(zipped.data) == plain.data
        else:
            assert zipped.data == plain.data
    assert len(client.get("/").data) >= WORTH_COMPRESSING


def test_many_polls_cost_one_computation(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    instant = Engine.instant

    def counting(self: Engine, query: str, time: int) -> object:
        asked.append(query)
        return instant(self, query, time)

    monkeypatch.setattr(Engine, "instant", counting)
    for _ in range(20):
        client.get("/api/cockpit/overview")
    assert len(asked) == len(set(asked)) < 15


def test_figures_that_cannot_be_had_are_told(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ExecutionError("too many samples")

    monkeypatch.setattr(Engine, "instant", fail)
    answer = create_app(parts).test_client().get("/api/cockpit/overview")
    assert answer.status_code == 200
    assert "too many samples" in answer.get_json()["notice"]
    assert answer.get_json()["level"] == "unknown"


def test_an_app_gives_the_figures_that_are_asked_for(client: FlaskClient, parts: Parts) -> None:
    scrape(parts, "shop")
    answer = client.get("/api/cockpit/apps/shop?range=15m&chart=family:queue&chart=nix").get_json()
    assert [panel["id"] for panel in answer["further"]] == ["family:queue"]
    assert list(answer["charts"]) == ["family:queue"]
    chart = answer["charts"]["family:queue"]
    assert (chart["step"], chart["count"]) == (5_000, 181)
    assert chart["series"][0]["values"][-1] == 3.0
    assert "path" not in chart["series"][0]
    assert answer["no_figures"] == ""
    assert "no figures yet" in client.get("/api/cockpit/apps/gone").get_json()["no_figures"]


def test_an_unknown_app_is_not_found(client: FlaskClient) -> None:
    answer = client.get("/api/cockpit/apps/nix")
    assert (answer.status_code, answer.get_json()) == (404, {"detail": 'there is no app "nix"'})


def test_a_target_is_scraped_at_once(client: FlaskClient, parts: Parts) -> None:
    (target,) = (target for target in parts.scrape.targets() if target.labels.get("job") == "shop")
    answer = client.post(f"/api/cockpit/targets/{target.id}/scrape")
    assert answer.status_code == 200
    assert answer.get_json()["health"] == "up"
    assert "gave 1 samples" in answer.get_json()["message"]


def test_a_scrape_that_fails_says_why(client: FlaskClient, parts: Parts) -> None:
    (target,) = (target for target in parts.scrape.targets() if target.labels.get("job") == "gone")
    answer = client.post(f"/api/cockpit/targets/{target.id}/scrape").get_json()
    assert answer["health"] == "down"
    assert "failed" in answer["message"]


def test_an_unknown_target_is_not_found(client: FlaskClient) -> None:
    assert client.post("/api/cockpit/targets/nix/scrape").status_code == 404


@pytest.mark.parametrize("address", ["/api/cockpit/targets/x/scrape", "/api/cockpit/incidents/shop"])
def test_changes_are_neither_made_by_get_nor_from_elsewhere(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 405
    assert client.post(address, headers={"Origin": "http://evil.example"}).status_code == 403


class Simulator(BaseHTTPRequestHandler):
    """Takes orders for incidents and plays a metric."""

    orders: list[object]

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self.reply(200, b"queue 1\n")
        else:
            running = [{"kind": "errors", "seconds_left": 9}] if self.orders else []
            self.reply(200, json.dumps({"supported": ["errors", "outage"], "running": running}).encode())

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if order["kind"] == "errors":
            self.orders.append(order)
            self.reply(202, b"{}")
        else:
            self.reply(400, b'{"detail": "The kind must be errors."}')

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def orders() -> list[object]:
    return []


@pytest.fixture
def simulated(parts: Parts, orders: list[object]) -> Iterator[FlaskClient]:
    """A client of a server with one simulated job, ``sim``, and one, ``lost``, whose simulator is gone."""
    handler = type("Playing", (Simulator,), {"orders": orders})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        file = parts.settings.config_file.with_name("simulated.yml")
        file.write_text(
            "scrape_configs:\n"
            f"- job_name: sim\n  static_configs: [{{targets: ['127.0.0.1:{server.server_address[1]}']}}]\n"
            "- job_name: lost\n  static_configs: [{targets: ['127.0.0.1:1']}]\n"
            "- job_name: real\n  static_configs: [{targets: ['127.0.0.1:1']}]\n"
        )
        parts.scrape.apply(load_prometheus_config(file))
        settings = replace(parts.settings, simulated=frozenset({"sim", "lost"}))
        yield create_app(replace(parts, settings=settings)).test_client()
        server.shutdown()
        thread.join()


def test_an_incident_is_handed_on_to_the_simulator(simulated: FlaskClient, orders: list[object]) -> None:
    before = simulated.get("/api/cockpit/apps/sim").get_json()["incidents"]
    assert [(one["id"], one["running"]) for one in before] == [("errors", "false"), ("outage", "false")]
    answer = simulated.post("/api/cockpit/incidents/sim", json={"kind": "errors", "seconds": 30})
    assert answer.status_code == 200
    assert orders == [{"kind": "errors", "seconds": 30}]
    after = simulated.get("/api/cockpit/apps/sim").get_json()["incidents"]
    assert (after[0]["running"], after[0]["left"]) == ("true", "9 s left")


def test_the_simulators_refusal_is_told(simulated: FlaskClient) -> None:
    answer = simulated.post("/api/cockpit/incidents/sim", json={"kind": "storm", "seconds": 30})
    assert (answer.status_code, answer.get_json()) == (400, {"detail": "The kind must be errors."})


def test_a_simulator_that_is_gone_is_told(simulated: FlaskClient) -> None:
    answer = simulated.post("/api/cockpit/incidents/lost", json={"kind": "errors", "seconds": 30})
    assert (answer.status_code, answer.get_json()) == (502, {"detail": "The simulator does not answer."})
    assert simulated.get("/api/cockpit/apps/lost").get_json()["incident_note"] == "The simulator does not answer."


def test_a_real_app_has_no_incidents(simulated: FlaskClient) -> None:
    answer = simulated.post("/api/cockpit/incidents/real", json={"kind": "errors", "seconds": 30})
    assert answer.status_code == 404
    assert simulated.get("/api/cockpit/apps/real").get_json()["incidents"] == []


def test_an_order_must_name_kind_and_seconds(simulated: FlaskClient, orders: list[object]) -> None:
    for body in (
        "",
        "[]",
        "{",
        '{"kind": 1, "seconds": 5}',
        '{"kind": "errors"}',
        '{"kind": "errors", "seconds": true}',
    ):
        answer = simulated.post("/api/cockpit/incidents/sim", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert "detail" in answer.get_json()
    assert orders == []


def scrape(parts: Parts, job: str) -> None:
    """Scrape a job's targets and wait until that can be queried."""
    for target in parts.scrape.targets():
        if target.labels.get("job") == job:
            parts.scrape.scrape_now(target.id)
    parts.storage.flush()


def test_the_page_of_one_target_is_polled(client: FlaskClient, parts: Parts) -> None:
    (target,) = (each for each in parts.scrape.targets() if each.labels.get("job") == "shop")
    told = client.get(f"/api/cockpit/targets/{target.id}").get_json()
    assert (told["pool"], told["steps"], told["at"]) == ("shop", [], parts.clock())
    assert client.get("/api/cockpit/targets/nothing").status_code == 404


def test_targets_of_one_state_are_polled(client: FlaskClient, parts: Parts) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    told = client.get("/api/cockpit/targets?state=down").get_json()
    assert [pool["id"] for pool in told["pools"]] == ["gone"]
    assert (told["up"], told["down"]) == (1, 1)


def test_looking_for_exporters_leaves_out_what_is_scraped(
    client: FlaskClient, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scraped = int(target.rsplit(":", 1)[1])
    tried: list[set[int]] = []

    def find(known: set[int]) -> list[Exporter]:
        tried.append(known)
        return [Exporter(9100, "node_exporter", "node")]

    monkeypatch.setattr(views, "find_exporters", find)
    told = client.post("/api/cockpit/exporters", json={}).get_json()
    assert tried == [{scraped, 1, 5000}]
    assert told["message"] == "Found 1 port of an exporter that nobody scrapes."
    assert told["offers"][0]["address"] == "localhost:9100"
