"""The real Prometheus reads the same pages: what it takes and refuses, what it stores and what it reports."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from dashboard.exposition.errors import ExpositionError
from dashboard.exposition.page import Page
from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels

from .pages import BAD_OPENMETRICS, BAD_TEXT, GOOD_OPENMETRICS, GOOD_TEXT, OPENMETRICS

TEXT = "text/plain; version=0.0.4; charset=utf-8"
CASES = [
    *((body, TEXT) for table in (GOOD_TEXT, BAD_TEXT) for body in table.values()),
    *((body, OPENMETRICS) for table in (GOOD_OPENMETRICS, BAD_OPENMETRICS) for body in table.values()),
]
NAMES = [
    *(f"{kind} text: {name}" for kind, table in (("good", GOOD_TEXT), ("bad", BAD_TEXT)) for name in table),
    *(f"{kind} om: {name}" for kind, table in (("good", GOOD_OPENMETRICS), ("bad", BAD_OPENMETRICS)) for name in table),
]
REPORTED = ("up", "scrape_")


@pytest.fixture(scope="module")
def pages_address() -> Iterator[str]:
    """Serve each case at a path of its number."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, content_type = CASES[int(self.path[1:])]
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it.
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Prometheus:
    """The real one, after it has scraped every case; by case its target, samples and metadata."""

    targets: Mapping[int, Any]
    samples: Mapping[int, Mapping[Labels, float]]
    metadata: Mapping[int, Mapping[str, tuple[str, str, str]]]


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port


def ask(port: int, path: str, **params: str) -> Any:
    query = urllib.parse.urlencode(params)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}?{query}", timeout=10) as answer:
        return json.load(answer)["data"]


def wait_for_scrapes(port: int) -> dict[int, Any]:
    """Wait until every case was scraped, and return the targets."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.2)
        with suppress(OSError):
            targets = {int(each["labels"]["case"]): each for each in ask(port, "targets")["activeTargets"]}
            if len(targets) == len(CASES) and all(each["health"] != "unknown" for each in targets.values()):
                return targets
    raise AssertionError("Prometheus did not scrape every page in time")


@pytest.fixture(scope="module")
def prometheus(pages_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    jobs = [
        f"- {{job_name: 'j{case}', metrics_path: /{case}, static_configs: "
        f"[{{targets: ['{pages_address}'], labels: {{case: '{case}'}}}}]}}"
        for case in range(len(CASES))
    ]
    config = folder / "prometheus.yml"
    config.write_text("\n".join(["global: {scrape_interval: 1s, scrape_timeout: 1s}", "scrape_configs:", *jobs]))
    port = free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        targets = wait_for_scrapes(port)
        samples: dict[int, dict[Labels, float]] = {case: {} for case in range(len(CASES))}
        for series in ask(port, "query", query='{case!=""}')["result"]:
            labels = Labels.of(series["metric"])
            samples[int(labels.get("case"))][labels.drop(("case", "job", "instance"))] = float(series["value"][1])
        metadata: dict[int, dict[str, tuple[str, str, str]]] = {case: {} for case in range(len(CASES))}
        for told in ask(port, "targets/metadata"):
            metadata[int(told["target"]["case"])][told["metric"]] = (told["type"], told["help"], told["unit"])
        yield Prometheus(targets, samples, metadata)
    finally:
        process.terminate()
        process.wait(20)


def ours(case: int) -> Page | None:
    """Return what we read of a case, or nothing where we refuse it."""
    try:
        return parse(*CASES[case])
    except ExpositionError:
        return None


@pytest.mark.peers
@pytest.mark.parametrize("case", range(len(CASES)), ids=NAMES)
def test_prometheus_judges_and_stores_the_same(prometheus: Prometheus, case: int) -> None:
    page = ours(case)
    target = prometheus.targets[case]
    assert (target["health"] == "up") == (page is not None), target["lastError"]
    if page is None:
        return
    expected: dict[Labels, float] = {}
    for sample in page.samples:
        expected.setdefault(sample.labels, sample.value)
    stored = {
        labels: value
        for labels, value in prometheus.samples[case].items()
        if not labels.metric_name.startswith(REPORTED)
    }
    assert {labels: repr(value) for labels, value in stored.items()} == {
        labels: repr(value) for labels, value in expected.items()
    }
    (scraped,) = (
        value for labels, value in prometheus.samples[case].items() if labels.metric_name == "scrape_samples_scraped"
    )
    assert scraped == len(page.samples)


@pytest.mark.peers
@pytest.mark.parametrize("case", range(len(CASES)), ids=NAMES)
def test_prometheus_tells_the_same_metadata(prometheus: Prometheus, case: int) -> None:
    page = ours(case)
    if page is None:
        return
    told = {name: (each.type.value, each.help, each.unit) for name, each in page.metadata.items()}
    assert prometheus.metadata[case] == told
