"""The real Prometheus as a judge of pages: it scrapes each once from one server, and tells what it stored of it."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dashboard.model.labels import Labels

_REPORTED = frozenset(
    (
        "up",
        "scrape_duration_seconds",
        "scrape_samples_scraped",
        "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    )
)
_OWN = ("case", "job", "instance")


@dataclass(frozen=True, slots=True)
class Served:
    """A page and the content type with which it is served."""

    body: bytes
    content_type: str


@dataclass(slots=True)
class Verdict:
    """What Prometheus made of a page: samples as ``(timestamp, value)`` and metadata as ``(type, help, unit)``.

    ``scrapes`` are the times of its scrapes, and ``scraped`` how many samples the last one had.
    """

    up: bool
    error: str
    scraped: int = -1
    scrapes: frozenset[int] = frozenset()
    samples: dict[Labels, list[tuple[int, str]]] = field(default_factory=dict)
    metadata: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    exemplars: dict[Labels, list[tuple[Labels, str, int]]] = field(default_factory=dict)


def judge(cases: Sequence[Served], folder: Path, *, program: str = "prometheus", patience: float = 60) -> list[Verdict]:
    """Let Prometheus scrape every case once, and return its verdicts in their order."""
    with _serve(cases) as address, _prometheus(cases, address, folder, program) as port:
        targets = _wait_for_scrapes(port, len(cases), patience)
        verdicts = [Verdict(targets[case]["health"] == "up", targets[case]["lastError"]) for case in range(len(cases))]
        for series in _ask(port, "query", query='{case!=""}[30m]')["result"]:
            _take_series(verdicts, series)
        for told in _ask(port, "targets/metadata"):
            known = verdicts[int(told["target"]["case"])].metadata
            known[told.get("metric", "")] = (told["type"], told["help"], told["unit"])
        now = time.time()
        for found in _ask(port, "query_exemplars", query='{case!=""}', start=str(now - 3600), end=str(now + 3600)):
            verdict, labels = _own_labels(verdicts, found["seriesLabels"])
            verdict.exemplars[labels] = [
                (Labels.of(each["labels"]), each["value"], round(each["timestamp"] * 1000))
                for each in found["exemplars"]
            ]
    return verdicts


def _own_labels(verdicts: Sequence[Verdict], metric: Mapping[str, str]) -> tuple[Verdict, Labels]:
    labels = Labels.of(metric)
    return verdicts[int(labels.get("case"))], labels.drop(_OWN)


def _take_series(verdicts: Sequence[Verdict], series: Any) -> None:
    verdict, labels = _own_labels(verdicts, series["metric"])
    samples = [(round(timestamp * 1000), value) for timestamp, value in series["values"]]
    if labels.metric_name in _REPORTED and len(labels) == 1:
        if labels.metric_name == "scrape_samples_scraped":
            verdict.scraped = int(float(samples[-1][1]))
            verdict.scrapes = frozenset(at for at, _ in samples)
    else:
        verdict.samples[labels] = samples


@contextmanager
def _serve(cases: Sequence[Served]) -> Iterator[str]:
    """Serve each case at a path of its number."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            case = cases[int(self.path[1:])]
            self.send_response(200)
            self.send_header("Content-Type", case.content_type)
            self.send_header("Content-Length", str(len(case.body)))
            self.end_headers()
            self.wfile.write(case.body)

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it.
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _prometheus(cases: Sequence[Served], address: str, folder: Path, program: str) -> Iterator[int]:
    """Run Prometheus with one target a case; it spreads its first scrapes over one interval, so that is short."""
    interval = max(2, len(cases) // 250)
    config = {
        "global": {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s"},
        "scrape_configs": [
            {
                "job_name": "pages",
                "static_configs": [
                    {"targets": [address], "labels": {"case": str(case), "__metrics_path__": f"/{case}"}}
                    for case in range(len(cases))
                ],
            }
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = _free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
                "--scrape.discovery-reload-interval=100ms",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield port
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port


def _ask(port: int, path: str, **params: str) -> Any:
    query = urllib.parse.urlencode(params)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}?{query}", timeout=30) as answer:
        return json.load(answer)["data"]


def _wait_for_scrapes(port: int, cases: int, patience: float) -> dict[int, Any]:
    """Wait until every case was scraped, and return the targets."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        time.sleep(0.4)
        with suppress(OSError):
            targets = {int(each["labels"]["case"]): each for each in _ask(port, "targets")["activeTargets"]}
            if len(targets) == cases and all(each["health"] != "unknown" for each in targets.values()):
                return targets
    raise AssertionError("Prometheus did not scrape every page in time")
