"""Connections that are held, requests that trickle and bodies that are too large keep nobody else out."""

from __future__ import annotations

import os
import socket
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from processes import Launcher, Server

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system has no limit of open files to raise")

IDLE = 1000
TRICKLING = 300
BODY = 50_000_000
USUAL_FILES = 1024
FILES = 4096
BEGINNINGS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
    b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
)
LARGE = (
    b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % BODY,
    b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % BODY,
)


@pytest.fixture
def server(launcher: Launcher, tmp_path: Path) -> Iterator[Server]:
    """Start a server as most systems would, with 1,024 files at most unless it asks for more."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if FILES > hard != resource.RLIM_INFINITY:
        pytest.skip(f"this process may have only {hard} open files")
    (tmp_path / "prometheus.yml").write_text("scrape_configs: []\n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL_FILES, hard))
    try:
        server = launcher.glass("--config", str(tmp_path / "prometheus.yml"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
        yield server
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(server: Server, undo: ExitStack) -> socket.socket:
    address = urlsplit(server.url)
    assert address.hostname
    assert address.port
    return undo.enter_context(socket.create_connection((address.hostname, address.port), timeout=30))


@contextmanager
def trickling(connections: list[socket.socket]) -> Iterator[None]:
    """Send a byte on each connection now and then."""
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.2):
            for connection in connections:
                # After half a minute the server refuses what has not arrived.
                with suppress(OSError):
                    connection.sendall(b"a")

    with ThreadPoolExecutor(1) as pool:
        sender = pool.submit(trickle)
        yield
        stop.set()
        sender.result(30)


def send_large(server: Server, head: bytes) -> bytes:
    """Send a body of 50 MB, or as much of it as is taken, and return the beginning of the answer."""
    with ExitStack() as undo:
        connection = connect(server, undo)
        connection.sendall(head)
        with suppress(OSError):
            for _ in range(BODY // 100_000):
                connection.sendall(b"a" * 100_000)
        # What was sent behind the answer resets the connection, on some systems before the answer is read.
        with suppress(ConnectionResetError):
            return connection.recv(12)
        return b""


def test_who_holds_connections_or_sends_too_much_keeps_nobody_out(server: Server) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with ExitStack() as undo:
        held = [connect(server, undo) for _ in range(IDLE)]
        slow = [connect(server, undo) for _ in range(TRICKLING)]
        for number, connection in enumerate(slow):
            connection.sendall(BEGINNINGS[number % len(BEGINNINGS)])
        with trickling(slow), ThreadPoolExecutor(4) as pool:
            large = [pool.submit(send_large, server, LARGE[number % 2]) for number in range(8)]
            for _ in range(50):
                with urllib.request.urlopen(f"{server.url}/-/healthy", timeout=30) as answer:
                    assert answer.status == 200
            answers = {each.result(60) for each in large}
        assert answers <= {b"HTTP/1.1 413", b"HTTP/1.0 413", b""}
        assert any(answers)
        assert len(held) == IDLE
    assert process.memory_info().rss - before < 64 << 20


def test_a_held_connection_that_makes_room_is_closed(server: Server) -> None:
    with ExitStack() as undo:
        first = connect(server, undo)
        first.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(12) == b"HTTP/1.1 200"
        # The server may still be about to note that it has answered while the first of these come.
        for _ in range(2 * IDLE):
            connect(server, undo)
        first.settimeout(30)
        while first.recv(65_536):
            pass
