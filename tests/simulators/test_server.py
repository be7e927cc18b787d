"""One app over real HTTP on loopback."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

import pytest

from simulators.apps import app_named
from simulators.loopback import PortTakenError
from simulators.server import DEFAULT_INCIDENT_S, SiteServer

NOON_MS = 1_790_172_000_000
JSON = {"Content-Type": "application/json"}


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


class Client:
    """The app under test, with the clock in the test's hand."""

    def __init__(self, name: str) -> None:
        self.now_ms = NOON_MS
        self.server = SiteServer(app_named(name), 0, seed=1, clock=lambda: self.now_ms)
        self.server.start(poll=0.01)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, host: str = ""
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request(method, path, body, {**(headers or {}), **({"Host": host} if host else {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def incident(self, asked: object, **headers: str) -> Answer:
        sent = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.ask("POST", "/incident", json.dumps(asked).encode(), sent)


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client("wargaming")
    yield made
    made.server.close()


def test_a_closed_server_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    client = Client("ai-planner")
    assert threading.active_count() > before
    client.server.close()
    assert wait_for_threads(before)


def wait_for_threads(number: int) -> bool:
    deadline = time.monotonic() + 10
    while threading.active_count() > number and time.monotonic() < deadline:
        time.sleep(0.01)
    return threading.active_count() <= number


def test_metrics_come_plain_or_packed(client: Client) -> None:
    plain = client.ask("GET", "/metrics")
    assert plain.status == 200
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\nhttp_requests_total{" in plain.body
    packed = client.ask("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert b"\nhttp_requests_total{" in gzip.decompress(packed.body)
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    assert client.ask("GET", "/metrics", headers=accept).body.endswith(b"# EOF\n")


def test_a_connection_is_kept_alive_from_scrape_to_scrape(client: Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.server.port, timeout=10)
    connection.request("GET", "/metrics")
    connection.getresponse().read()
    used = connection.sock
    connection.request("GET", "/health")
    assert connection.getresponse().read()
    assert connection.sock is used
    connection.close()


def test_ipv6_loopback_answers_too_where_there_is_one(client: Client) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 on loopback")
    connection = http.client.HTTPConnection("::1", client.server.port, timeout=10)
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    connection.close()


def test_health_tells_the_app_and_that_it_is_well(client: Client) -> None:
    answer = client.ask("GET", "/health")
    assert answer.status == 200
    assert answer.json == {"status": "ok", "app": "wargaming"}


def test_an_incident_is_started_listed_and_over_after_its_time(client: Client) -> None:
    answer = client.incident({"kind": "breaker", "seconds": 60})
    assert answer.status == 202
    assert answer.json == {"app": "wargaming", "kind": "breaker", "seconds": 60, "until_ms": NOON_MS + 60_000}
    client.now_ms += 20_000
    listed = client.ask("GET", "/incidents").json
    assert listed["running"] == [{"kind": "breaker", "seconds_left": 40}]
    assert listed["supported"] == ["latency", "errors", "outage", "breaker", "abuse", "deploy"]
    client.now_ms += 40_000
    assert client.ask("GET", "/incidents").json["running"] == []


def test_without_seconds_an_incident_lasts_its_default_time(client: Client) -> None:
    assert client.incident({"kind": "errors"}).json["seconds"] == DEFAULT_INCIDENT_S


def test_an_outage_fails_metrics_and_health_but_still_takes_incidents(client: Client) -> None:
    assert client.incident({"kind": "outage", "seconds": 30}).status == 202
    assert client.ask("GET", "/metrics").status == 503
    health = client.ask("GET", "/health")
    assert (health.status, health.json["status"]) == (503, "down")
    assert client.incident({"kind": "latency", "seconds": 30}).status == 202
    client.now_ms += 30_000
    assert client.ask("GET", "/metrics").status == 200
    assert client.ask("GET", "/health").status == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "fire", "seconds": 5},
        {"kind": "queue", "seconds": 5},
        {"kind": ["errors"]},
        {"seconds": 5},
        {"kind": "errors", "seconds": 0},
        {"kind": "errors", "seconds": 3601},
        {"kind": "errors", "seconds": -5},
        {"kind": "errors", "seconds": "5"},
        {"kind": "errors", "seconds": True},
        {"kind": "errors", "seconds": None},
        {"kind": "errors", "seconds": float("nan")},
        {"kind": "errors", "seconds": float("inf")},
        {"kind": "errors", "seconds": 5, "and": 1},
        ["errors"],
        "errors",
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(client: Client, asked: object) -> None:
    answer = client.incident(asked)
    assert answer.status == 400
    assert answer.json["detail"]
    assert client.ask("GET", "/incidents").json["running"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 4000, b"nope"])
def test_a_body_that_is_not_json_is_refused(client: Client, body: bytes) -> None:
    assert client.ask("POST", "/incident", body, JSON).status == 400


def test_a_large_body_is_refused_unread(client: Client) -> None:
    body = b'{"kind": "errors", "seconds": 5}'.ljust(4097)
    assert client.ask("POST", "/incident", body, JSON).status == 413
    assert client.ask("POST", "/incident", body[:4096], JSON).status == 202
    for long in ("9" * 400, "0" * 9 + "1" + "9" * 9):
        assert client.ask("POST", "/incident", b"{}", {**JSON, "Content-Length": long}).status == 413
    for length in ("-1", "x", "\u0665".encode().decode("latin-1")):
        assert client.ask("POST", "/incident", b"{}", {**JSON, "Content-Length": length}).status == 411
    assert client.ask("POST", "/incident", None, {**JSON, "Transfer-Encoding": "chunked"}).status == 411


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_taken_so_no_plain_form_can_send_it(client: Client, content_type: str) -> None:
    answer = client.ask("POST", "/incident", b'{"kind": "errors"}', {"Content-Type": content_type})
    assert answer.status == 415


def test_a_foreign_page_gets_403_and_a_page_on_loopback_is_heard(client: Client) -> None:
    asked = {"kind": "errors", "seconds": 5}
    assert client.incident(asked, Origin="https://evil.example").status == 403
    assert client.incident(asked, Origin="null").status == 403
    assert client.incident(asked, Sec_Fetch_Site="cross-site").status == 403
    assert client.ask("GET", "/incidents").json["running"] == []
    assert client.incident(asked, Origin="http://localhost:5000").status == 202


@pytest.mark.parametrize("path", ["/metrics", "/health", "/incidents", "/nowhere"])
def test_a_hostile_name_gets_421_from_every_page(client: Client, path: str) -> None:
    answer = client.ask("GET", path, host="evil.example")
    assert answer.status == 421
    assert b"http_requests_total" not in answer.body


def test_a_hostile_name_cannot_start_an_incident(client: Client) -> None:
    assert client.ask("POST", "/incident", b'{"kind": "errors"}', JSON, host="evil.example:8005").status == 421
    assert client.ask("GET", "/incidents").json["running"] == []


def test_no_host_and_two_hosts_get_421(client: Client) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
        with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as raw:
            raw.sendall(b"GET /metrics HTTP/1.1\r\n" + hosts + b"\r\n")
            assert b" 421 " in raw.recv(200)


def test_other_methods_and_pages_are_refused(client: Client) -> None:
    assert client.ask("GET", "/incident").status == 405
    assert client.ask("POST", "/metrics", b"{}", JSON).status == 405
    assert client.ask("GET", "/nowhere").status == 404
    assert client.ask("GET", "/metrics/../incidents").status == 404


def test_a_query_string_does_not_matter(client: Client) -> None:
    assert client.ask("GET", "/health?x=1").status == 200


def test_a_port_that_is_taken_is_named(client: Client) -> None:
    with pytest.raises(PortTakenError, match=f"Port {client.server.port} of ai-planner"):
        SiteServer(app_named("ai-planner"), client.server.port, seed=1, clock=lambda: NOON_MS)
