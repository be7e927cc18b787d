"""``glass push metrics`` sends pages by remote write, and the real Prometheus takes them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from processes import Launcher

from dashboard.cli import main
from dashboard.remote import snappy
from dashboard.remote.protobuf import fields, message, text

PAGE = """\
# HELP jobs_total Jobs that ran.
# TYPE jobs_total counter
jobs_total{kind="a"} 3
jobs_total{kind="b",job="own"} 4
temperature 21.5 1700000000000
"""


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what is sent to it, but on ``/refuse`` and ``/moved``."""

    bodies: list[bytes]
    headers_seen: list[dict[str, str]]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.headers_seen.append(dict(self.headers.items()))
        refused = self.path == "/refuse"
        self.send_response({"/refuse": 400, "/moved": 302}.get(self.path, 204))
        self.send_header("Location", "/")
        self.send_header("Content-Length", "10" if refused else "0")
        self.end_headers()
        if refused:
            self.wfile.write(b"bad sample")

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.bodies, Receiver.headers_seen = [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def push(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["push", "metrics", *arguments], input=stdin)


def labels_sent() -> list[dict[str, str]]:
    return [
        {text(pair[1]): text(pair[2]) for part, value in fields(message(series)) if part == 1
         for pair in [dict(fields(message(value)))]}
        for number, series in fields(snappy.decompress(Receiver.bodies[-1]))
        if number == 1
    ]  # fmt: skip


def test_pages_are_sent_with_their_labels(receiver: str, tmp_path: Path) -> None:
    file = tmp_path / "page.prom"
    file.write_text(PAGE)
    done = push(receiver, str(file), "--header", "X-Scope-OrgID=me")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (f"Parsing metrics file {file}\n  SUCCESS: metrics file {file} pushed to remote write.\n")
    assert labels_sent() == [
        {"__name__": "jobs_total", "kind": "a", "job": "glass"},
        {"__name__": "jobs_total", "exported_job": "own", "kind": "b", "job": "glass"},
        {"__name__": "temperature", "job": "glass"},
    ]
    (headers,) = Receiver.headers_seen
    assert headers["Content-Encoding"] == "snappy"
    assert headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    assert headers["X-Scope-OrgID"] == "me"


def test_standard_input_is_sent_where_no_file_is_named(receiver: str) -> None:
    done = push(receiver, "--label", "job=x", "--label", "site=y", stdin="up 1\n")
    assert done.stdout == "Parsing standard input\n  SUCCESS: metrics pushed to remote write.\n"
    assert labels_sent() == [{"__name__": "up", "job": "x", "site": "y"}]
    assert push(receiver, "--timeout", "0s", stdin="up 1\n").exit_code == 0
    assert push(receiver, "-", stdin='down{job="own"} 1\n').exit_code == 0
    assert labels_sent() == [{"__name__": "down", "exported_job": "own", "job": "glass"}]


def test_labels_are_for_series_that_lack_them(receiver: str) -> None:
    assert push(receiver, "--label", "site=y", stdin='a{site="z"} 1\nb 1\n').exit_code == 0
    assert labels_sent() == [{"__name__": "a", "site": "z"}, {"__name__": "b", "site": "y"}]


def test_openmetrics_is_told_by_its_end(receiver: str) -> None:
    assert push(receiver, stdin="# TYPE a counter\na_total 1 1700000000.5\n# EOF\n").exit_code == 0
    assert labels_sent()[0]["__name__"] == "a_total"


@pytest.mark.parametrize(
    ("path", "page", "reason"),
    [
        ("/", "nonsense{", "FAILED: "),
        ("/refuse", "up 1\n", "FAILED: server returned HTTP status 400 Bad Request: bad sample"),
        ("/moved", "up 1\n", "FAILED: server returned HTTP status 302 Found"),
        ("/", b"up \xff\n", "FAILED: "),
    ],
)
def test_what_fails_is_told(receiver: str, path: str, page: str | bytes, reason: str) -> None:
    done = push(receiver + path, stdin=page)
    assert done.exit_code == 1
    assert reason in done.stderr


def test_one_file_that_fails_stops_no_other(receiver: str, tmp_path: Path) -> None:
    (tmp_path / "bad.prom").write_text("{")
    (tmp_path / "good.prom").write_text("up 1\n")
    done = push(receiver, str(tmp_path / "bad.prom"), str(tmp_path / "good.prom"))
    assert done.exit_code == 1
    assert done.stdout.count("SUCCESS") == 1


def test_a_server_that_is_not_there_is_told_in_short(tmp_path: Path) -> None:
    done = push("http://127.0.0.1:1/write", stdin="up 1\n")
    assert done.exit_code == 1
    assert done.stderr.startswith('  FAILED: Post "http://127.0.0.1:1/write": ')
    assert "pool" not in done.stderr.lower()
    assert "is a directory" in push("http://127.0.0.1:1", str(tmp_path)).stderr
    assert "invalid duration" in push("http://127.0.0.1:1", "--timeout", "soon").stderr


@pytest.mark.peers
def test_the_real_prometheus_takes_what_is_pushed(launcher: Launcher, tmp_path: Path) -> None:
    """The samples can be queried there."""
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    prometheus = launcher.prometheus(config, "--web.enable-remote-write-receiver")
    done = push(f"{prometheus.url}/api/v1/write", stdin=PAGE.replace(" 1700000000000", ""))
    assert done.exit_code == 0, done.stderr
    found = prometheus.query('{job="glass"}')
    assert {(one["metric"]["__name__"], one["value"][1]) for one in found} == {
        ("jobs_total", "3"),
        ("jobs_total", "4"),
        ("temperature", "21.5"),
    }
