"""Who holds a port can be asked."""

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest

from dashboard.web.port import is_glass_cockpit, portholder


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_holder_of_a_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        holder = portholder(listener.getsockname()[1])
    assert holder in ((os.getpid(), psutil.Process().name()), None)
    assert holder is not None or os.name != "posix" or os.uname().sysname != "Linux"


def test_a_free_port_has_no_holder(free_port: int) -> None:
    assert portholder(free_port) is None


def test_nobody_on_the_port_is_not_us(free_port: int) -> None:
    assert not is_glass_cockpit(free_port)


@pytest.fixture
def foreign(request: pytest.FixtureRequest) -> Iterator[int]:
    body: bytes = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "foreign", [b"", b"ok", b"[]", b'{"status":"ok"}', b'{"service":"other"}', b"\xff" * 200_000], indirect=True
)
def test_another_server_is_not_us(foreign: int) -> None:
    assert not is_glass_cockpit(foreign)


@pytest.mark.parametrize("foreign", [b'{"service":"glass-cockpit","status":"degraded"}'], indirect=True)
def test_a_server_that_calls_itself_so_is_us(foreign: int) -> None:
    assert is_glass_cockpit(foreign)


def test_a_server_that_speaks_no_http_is_not_us() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-x\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert not is_glass_cockpit(listener.getsockname()[1])
        thread.join()
