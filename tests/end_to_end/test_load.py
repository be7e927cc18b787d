"""Twenty clients with heavy queries at once: each is answered or refused, and what is light goes on meanwhile."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from processes import PATIENCE, Launcher, Server, Target, wait_for
from prometheus_client import CollectorRegistry

from dashboard.database import Database
from dashboard.migrations import MIGRATIONS
from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from dashboard.storage import Storage

CLIENTS = 20
INTERVAL = 2
MEMORY = 256 << 20
STEP = 15_000
DAY = 86_400_000
DAYS = 5
SERIES = 40


@dataclass(frozen=True)
class Heavy:
    """A query, and what may become of it: a status and Prometheus's type of the error."""

    query: str
    step: int = 600
    """Seconds; 0 for an instant query."""
    timeout: str = "2m"
    outcome: tuple[int, str] = (200, "")


QUERIES = (
    Heavy("sum by (j) (rate(h_total[5m]))"),
    Heavy("quantile_over_time(0.9, h_total[1h])", step=1800),
    Heavy("max_over_time(sum by (j) (rate(h_total[5m]))[6h:5m])", step=3600),
    Heavy("h_total / on (j) group_left () sum by (j) (h_total)", step=300),
    Heavy("h_total[3d]", step=0),
    Heavy("topk(3, h_total)", step=60),
    Heavy("sum_over_time(h_total[1000d:1ms])", step=0, outcome=(422, "execution")),
    Heavy("h_total", step=1, outcome=(400, "bad_data")),
    Heavy("avg_over_time(h_total[1d])", timeout="1ms", outcome=(503, "timeout")),
)


@pytest.fixture
def end(tmp_path: Path) -> int:
    """Fill the store of the test with five days of samples, and return when they end: now."""
    now = time.time_ns() // 1_000_000 // STEP * STEP
    labels = [Labels.of({"__name__": "h_total", "i": str(i), "j": str(i % 7)}) for i in range(SERIES)]
    times = np.arange(now - DAYS * DAY, now, STEP, dtype=np.int64)
    values = np.cumsum(np.random.default_rng(1).poisson(20, (SERIES, len(times))), axis=1, dtype=np.float64)
    database = Database.open(tmp_path / "data", MIGRATIONS)
    storage = Storage(database, registry=CollectorRegistry(), clock=lambda: now, retention=30 * DAY)
    storage.open()
    storage.import_batches([SeriesBatch(labels, times, values)])
    storage.close()
    database.close()
    return now


class Canary:
    """A page that remembers when it was asked for."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, _: str) -> bytes:
        self.times.append(time.monotonic())
        return b"a 1\n"


@pytest.fixture
def canary() -> Canary:
    return Canary()


@pytest.fixture
def server(launcher: Launcher, tmp_path: Path, canary: Canary, end: int) -> Iterator[Server]:
    """Start a server over the samples, which scrapes the canary."""
    assert end
    with Target(canary).serving() as target:
        config = tmp_path / "prometheus.yml"
        config.write_text(
            f"global: {{scrape_interval: {INTERVAL}s, scrape_timeout: {INTERVAL}s}}\n"
            f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target.server_port}']}}]}}]\n"
        )
        server = launcher.glass("--config", str(config))
        wait_for(lambda: canary.times and server.query("up"), "the first scrape")
        yield server


def ask(server: Server, heavy: Heavy, end: int) -> tuple[int, str]:
    """Return status and error type of a query; what is no answer of Prometheus's API fails."""
    asked = {"query": heavy.query, "timeout": heavy.timeout, "time": str(end / 1000)}
    if heavy.step:
        asked |= {"start": str(end / 1000 - DAYS * 86_400), "end": str(end / 1000), "step": str(heavy.step)}
    url = f"{server.url}/api/v1/query{'_range' if heavy.step else ''}"
    try:
        with urllib.request.urlopen(url, urllib.parse.urlencode(asked).encode(), timeout=110) as answer:
            # To read megabytes of numbers would keep the canary waiting, which is in this process.
            assert answer.read().startswith(b'{"status":"success","data":{"resultType":"matrix","result":[{')
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            found = json.load(error)
        assert found["status"] == "error"
        return error.code, str(found["errorType"])


def ask_what_is_light(server: Server) -> list[int]:
    """Ask the API, a page and what watches the server, and return the statuses."""
    statuses = []
    for path in ("/api/v1/query?query=up", "/api/cockpit/overview", "/-/healthy"):
        with urllib.request.urlopen(server.url + path, timeout=PATIENCE) as answer:
            answer.read()
            statuses.append(answer.status)
    return statuses


@contextmanager
def watching(look: Callable[[], None]) -> Iterator[None]:
    """Look again and again meanwhile."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.05):
            look()

    with ThreadPoolExecutor(1) as pool:
        watch = pool.submit(run)
        yield
        stop.set()
        watch.result(PATIENCE)


def test_many_heavy_queries_at_once_harm_nothing_else(server: Server, canary: Canary, end: int) -> None:
    process = psutil.Process(server.process.pid)
    idle, memory, light = process.memory_info().rss, list[int](), list[int]()

    def client(number: int) -> list[tuple[str, tuple[int, str]]]:
        turned = (QUERIES[(number + place) % len(QUERIES)] for place in range(len(QUERIES)))
        return [(heavy.query, ask(server, heavy, end)) for heavy in turned]

    with (
        watching(lambda: memory.append(process.memory_info().rss)),
        watching(lambda: light.extend(ask_what_is_light(server))),
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        outcomes = {outcome for found in pool.map(client, range(CLIENTS)) for outcome in found}
    assert outcomes == {(heavy.query, heavy.outcome) for heavy in QUERIES}
    assert set(light) == {200}
    assert max(memory) - idle < MEMORY
    assert max(later - one for one, later in pairwise(canary.times)) < 2 * INTERVAL, "a scrape was missed"
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as answer:
        assert b"\nprometheus_engine_queries 0.0\n" in answer.read()
    server.end()
    assert server.process.returncode == 0
