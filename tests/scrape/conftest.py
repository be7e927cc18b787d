"""Servers, good and hostile, and a storage that only remembers."""

from __future__ import annotations

import dataclasses
import http.server
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from dashboard.config.scrape import ScrapeConfig
from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import Labels
from dashboard.model.samples import STALE, FloatArray, IntArray, is_stale
from dashboard.scrape.discovery import TargetGroup
from dashboard.scrape.target import Target, targets_of


def make_target(labels: Mapping[str, str] | None = None, **job: Any) -> Target:
    """Make the target ``h:80`` of a job ``a``, with further labels and settings of the job."""
    config = ScrapeConfig(job_name="a", scrape_interval=5000, scrape_timeout=1000)
    group = TargetGroup(({"__address__": "h:80"},), labels or {})
    (target,) = targets_of(dataclasses.replace(config, **job), [group]).active
    return target


@dataclass(frozen=True)
class Appended:
    """What a storage says of appended samples."""

    duplicates: int = 0
    out_of_order: int = 0


@dataclass
class FakeStorage:
    """Remembers every row and point, and marks what left a row as stale, as storage does."""

    labels: list[Labels] = field(default_factory=list)
    rows: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    points: list[tuple[str, int, float]] = field(default_factory=list)
    last_row: dict[int, float] = field(default_factory=dict)
    exemplars: list[tuple[str, int, str]] = field(default_factory=list)

    def series_id(self, labels: Labels) -> int:
        if labels not in self.labels:
            self.labels.append(labels)
        return self.labels.index(labels)

    def appender(self) -> FakeAppender:
        return FakeAppender(self)

    def append_points(self, series: IntArray, timestamps: IntArray, values: FloatArray) -> Appended:
        for number, timestamp, value in zip(series.tolist(), timestamps.tolist(), values.tolist(), strict=True):
            self.points.append((str(self.labels[number]), timestamp, value))
        return Appended()

    def append_exemplars(self, exemplars: Iterable[tuple[int, Exemplar]], timestamp: int) -> Appended:
        for number, exemplar in exemplars:
            when = timestamp if exemplar.timestamp is None else exemplar.timestamp
            self.exemplars.append((str(self.labels[number]), when, str(exemplar.labels)))
        return Appended()

    def page(self) -> dict[str, float]:
        """Return the last row without the reported series; a stale series has the value ``None``."""
        return {name: value for name, value in self.rows[-1][1].items() if not name.startswith(("up{", "scrape_"))}

    def report(self, name: str) -> float:
        """Return a reported series of the last row."""
        (value,) = (value for series, value in self.rows[-1][1].items() if series.startswith(f"{name}{{"))
        return value


class FakeAppender:
    def __init__(self, storage: FakeStorage) -> None:
        self._storage = storage
        self._last: set[int] = set()

    def append(self, timestamp: int, series: IntArray, values: FloatArray) -> Appended:
        assert series.dtype == np.int64
        assert values.dtype == np.float64
        assert len(set(series.tolist())) == len(series) == len(values)
        gone = self._last - set(series.tolist())
        self._last = set(series.tolist())
        self._storage.last_row = dict(zip(series.tolist(), values.tolist(), strict=True))
        row = dict(zip(series.tolist(), values.tolist(), strict=True)) | dict.fromkeys(gone, STALE)
        self._storage.rows.append((timestamp, {str(self._storage.labels[key]): value for key, value in row.items()}))
        return Appended()

    def end(self, timestamp: int) -> None:
        self.append(timestamp, np.empty(0, np.int64), np.empty(0))


def stale(value: float) -> bool:
    """Say whether a value is the staleness marker."""
    return bool(is_stale(np.array([value]))[0])


@pytest.fixture
def storage() -> FakeStorage:
    return FakeStorage()


Page = tuple[int, dict[str, str], bytes]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients hang up in these tests."""


@dataclass
class Site:
    """A well-behaved HTTP server whose pages a test sets; it remembers the requests it got."""

    address: str
    pages: dict[str, Callable[[], Page]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: list[object] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)

    def url(self, path: str = "/metrics") -> str:
        return f"http://{self.address}{path}"

    def serve(self, body: bytes, path: str = "/metrics", status: int = 200, **headers: str) -> None:
        """Answer a path with a page."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda: (status, {"Content-Type": "text/plain; version=0.0.4", **given}, body)


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.requests.append((self.path, dict(self.headers)))
            if self.connection not in found.connections:
                found.connections.append(self.connection)
            status, headers, body = found.pages.get(self.path, lambda: (404, {}, b"not here"))()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            found.forms.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it.
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    found = Site(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Peer:
    """The connection of a hostile server to its client, and whether the test is over."""

    socket: socket.socket
    over: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def wait(self, seconds: float = 30.0) -> bool:
        """Wait; the answer is false once the test is over."""
        return not self.over.wait(seconds)


Hostile = Callable[[Callable[[Peer], None]], str]


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Start servers that send what they like; each gives its address."""
    over = threading.Event()
    servers: list[tuple[socketserver.ThreadingTCPServer, threading.Thread]] = []

    def start(behave: Callable[[Peer], None]) -> str:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    self.request.recv(65536)
                    behave(Peer(self.request, over))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        servers.append((server, thread))
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    over.set()
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
