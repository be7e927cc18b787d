"""Asking simulators for incidents, over real sockets."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.model.labels import Labels
from dashboard.scrape.status import TargetStatus
from dashboard.web.views.incidents import (
    Incident,
    IncidentError,
    ask_incidents,
    order_incident,
    simulator_address,
)


class Simulator(BaseHTTPRequestHandler):
    """Plays one kind of incident and refuses all others."""

    def do_GET(self) -> None:
        self.reply(
            200, {"app": "a", "supported": ["errors", "outage"], "running": [{"kind": "errors", "seconds_left": 90}]}
        )

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = asked == {"kind": "errors", "seconds": 30}
        self.reply(202 if good else 400, {} if good else {"detail": "The kind must be errors."})

    def reply(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def simulator() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Simulator) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def target(url: str) -> TargetStatus:
    return TargetStatus("1", "shop", url, Labels(), Labels(), 5000, 4000)


def test_incidents_tell_which_run_and_for_how_long(simulator: str) -> None:
    assert ask_incidents(simulator) == (Incident("errors", "1 min left", "true"), Incident("outage", "", "false"))


def test_a_refusal_is_told_in_the_simulators_words(simulator: str) -> None:
    order_incident(simulator, "errors", 30)
    with pytest.raises(IncidentError, match=r"The kind must be errors\.") as refusal:
        order_incident(simulator, "storm", 30)
    assert refusal.value.refused


def test_a_simulator_that_is_gone_is_no_refusal() -> None:
    with pytest.raises(IncidentError, match="does not answer") as failure:
        ask_incidents("http://127.0.0.1:1")
    assert not failure.value.refused


def test_incidents_are_only_asked_of_this_machine() -> None:
    assert simulator_address([target("http://localhost:8001/metrics")]) == "http://localhost:8001"
    assert simulator_address([target("http://db.example:8001/metrics"), target("http://[::1]:1/m")]) == "http://[::1]:1"
    assert simulator_address([target("http://localhost.evil:8001/metrics")]) == ""
