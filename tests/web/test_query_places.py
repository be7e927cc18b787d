"""Queries never take the last handler threads, and one that nobody waits for any more gives its thread back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from dashboard.promql import QueryCancelledError
from dashboard.web import Parts, Server
from dashboard.web.query_places import QUERY_PLACES


class StuckEngine:
    """Stands in for ``Engine.instant``: holds every query of the API until it is let go, or nobody waits for it."""

    def __init__(self, instant: Callable[..., Any]) -> None:
        self.instant = instant
        self.running = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.cancelled = threading.Semaphore(0)

    def __call__(self, *asked: Any, cancelled: Callable[[], bool] | None = None, **limits: Any) -> Any:
        if cancelled is None:
            return self.instant(*asked, **limits)
        self.running.release()
        while not self.let_go.wait(0.01):
            if cancelled():
                self.cancelled.release()
                raise QueryCancelledError("expression evaluation")
        raise QueryCancelledError("expression evaluation")


@pytest.fixture
def stuck(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Iterator[StuckEngine]:
    engine = StuckEngine(parts.engine.instant)
    monkeypatch.setattr(parts.engine, "instant", engine)
    yield engine
    engine.let_go.set()


def url(server: Server, path: str) -> str:
    return f"http://localhost:{server.addresses[0][1]}{path}"


@contextmanager
def many_queries(server: Server, stuck: StuckEngine, count: int) -> Iterator[None]:
    """Send queries that do not end, and wait until all of them run."""
    address = url(server, "/api/v1/query?query=1")
    threads = [threading.Thread(target=requests.get, args=(address,), kwargs={"timeout": 30}) for _ in range(count)]
    for thread in threads:
        thread.start()
    assert all(stuck.running.acquire(timeout=20) for _ in range(count))
    yield
    stuck.let_go.set()
    for thread in threads:
        thread.join(20)


def test_pages_answer_however_many_queries_wait(server: Server, stuck: StuckEngine) -> None:
    with many_queries(server, stuck, QUERY_PLACES):
        for path in ("/", "/health", "/api/v1/labels", "/api/cockpit/overview", "/metrics"):
            assert requests.get(url(server, path), timeout=10).status_code == 200
        refused = requests.get(url(server, "/api/v1/query?query=1"), timeout=10)
        assert (refused.status_code, refused.json()["errorType"]) == (503, "timeout")
        explored = requests.get(url(server, "/explore?expr=1"), timeout=10)
        assert f"{QUERY_PLACES} queries run or wait already" in explored.text
    stuck.let_go.set()
    assert requests.get(url(server, "/api/v1/query?query=1"), timeout=10).status_code == 499


def test_a_client_that_has_gone_gives_its_thread_back(server: Server, stuck: StuckEngine) -> None:
    connection = socket.create_connection(server.addresses[0])
    connection.sendall(b"GET /api/v1/query?query=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert stuck.running.acquire(timeout=10)
    time.sleep(0.05)
    assert not stuck.cancelled.acquire(blocking=False)
    connection.close()
    assert stuck.cancelled.acquire(timeout=10)
