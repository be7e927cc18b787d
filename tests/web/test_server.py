"""The server answers on its sockets, bounds slow clients, and finishes answers in flight before it ends."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from dashboard.web.guard import MAX_BODY_BYTES, MAX_HEADER_BYTES, SECURITY_HEADERS
from dashboard.web.server import THREADS, Server
from dashboard.web.sockets import BindError, bind


class Gate:
    """A WSGI application whose answer to ``/wait`` waits until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.seen: Callable[[dict[str, Any]], None] = lambda _: None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        self.seen(environ)
        if environ["PATH_INFO"] == "/wait":
            self.entered.release()
            self.opened.wait(20)
        body = b"x" * 3_000_000 if environ["PATH_INFO"] == "/long" else b"answered"
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]


@contextmanager
def serving(application: Gate, host: str = "localhost", **options: float) -> Iterator[Server]:
    sockets = bind(host, 0)
    server = Server(application, sockets, **options)
    server.start()
    try:
        yield server
    finally:
        application.opened.set()
        server.stop(5.0)
        assert [listener.fileno() for listener in sockets] == [-1] * len(sockets)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith(("waitress", "web-sockets"))]


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_a_handler_can_ask_whether_its_client_has_gone(gate: Gate) -> None:
    asked: list[Callable[[], bool]] = []

    gate.seen = lambda environ: asked.append(environ["waitress.client_disconnected"])
    with serving(gate) as server:
        connection = socket.create_connection(server.addresses[0])
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert gate.entered.acquire(timeout=10)
        assert asked[0]() is False
        connection.close()
        end = time.monotonic() + 10
        while not asked[0]() and time.monotonic() < end:
            time.sleep(0.01)
        assert asked[0]() is True


def read_all(connection: socket.socket) -> bytes:
    connection.settimeout(20)
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionResetError:
        # The server closes although it has not read everything.
        pass
    return found


def test_it_answers_on_every_address(gate: Gate) -> None:
    with serving(gate) as server:
        assert re.fullmatch(r"http://localhost:\d+", server.url)
        for host, port in server.addresses:
            shown = f"[{host}]" if ":" in host else host
            assert requests.get(f"http://{shown}:{port}/", timeout=10).text == "answered"


@pytest.mark.parametrize(("host", "url"), [("127.0.0.2", r"http://127\.0\.0\.2:\d+"), ("::1", r"http://\[::1\]:\d+")])
def test_its_url_is_one_that_a_browser_takes(gate: Gate, host: str, url: str) -> None:
    try:
        with serving(gate, host) as server:
            assert re.fullmatch(url, server.url)
            assert requests.get(server.url, timeout=10).text == "answered"
    except BindError:
        pytest.skip(f"this machine has no {host}")


def test_it_tells_no_version(gate: Gate) -> None:
    with serving(gate) as server:
        assert requests.get(server.url, timeout=10).headers["Server"] == "glass-cockpit"


def test_an_answer_in_flight_is_finished_while_nobody_else_gets_in(gate: Gate) -> None:
    answers: list[str] = []
    with serving(gate) as server:
        asking = threading.Thread(target=lambda: answers.append(requests.get(f"{server.url}/wait", timeout=20).text))
        asking.start()
        gate.entered.acquire()
        stopping = threading.Thread(target=server.stop, args=(10.0,))
        stopping.start()
        _wait_until(lambda: _is_refused(server.addresses[0]))
        assert stopping.is_alive()
        gate.opened.set()
        stopping.join()
        asking.join()
    assert answers == ["answered"]


def test_a_long_answer_is_sent_to_its_end_although_the_reader_is_slow(gate: Gate) -> None:
    with serving(gate) as server, socket.create_connection(server.addresses[0]) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(1) == b"H"
        stopping = threading.Thread(target=server.stop, args=(10.0,))
        stopping.start()
        _wait_until(lambda: _is_refused(server.addresses[0]))
        assert read_all(connection).endswith(b"x" * 3_000_000)
        stopping.join()


def test_a_kept_alive_connection_does_not_hold_up_the_stop(gate: Gate) -> None:
    with serving(gate) as server, requests.Session() as session:
        session.get(server.url, timeout=10)
        begun = time.monotonic()
        server.stop(10.0)
        assert time.monotonic() - begun < 9


def test_an_answer_that_takes_too_long_is_given_up(gate: Gate) -> None:
    with serving(gate) as server, socket.create_connection(server.addresses[0]) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        gate.entered.acquire()
        server.stop(0.2)
        assert read_all(connection) == b""
        gate.opened.set()
        _wait_until(lambda: not any(thread.name.startswith("waitress") for thread in threading.enumerate()))


def test_a_server_that_never_started_can_be_stopped(gate: Gate) -> None:
    sockets = bind("127.0.0.1", 0)
    Server(gate, sockets).stop(1.0)
    assert sockets[0].fileno() == -1


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab",
    ],
)
def test_a_request_that_trickles_is_refused_at_its_deadline(gate: Gate, begin: bytes) -> None:
    with serving(gate, request_seconds=0.3) as server, socket.create_connection(server.addresses[0]) as connection:
        connection.settimeout(0.05)
        connection.sendall(begin)
        answer = b""
        end = time.monotonic() + 20
        while not answer and time.monotonic() < end:
            try:
                answer = connection.recv(65_536)
            except TimeoutError:
                connection.sendall(b"a")
        assert answer.startswith(b"HTTP/1.0 408 Request Timeout\r\n")


def test_an_idle_connection_is_not_a_slow_request(gate: Gate) -> None:
    with serving(gate, request_seconds=0.1) as server, socket.create_connection(server.addresses[0]) as connection:
        # More than one sweep passes before the first byte.
        assert not threading.Event().wait(0.5)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert read_all(connection).endswith(b"answered")


def test_many_trickling_and_idle_clients_leave_the_others_alone(gate: Gate) -> None:
    with serving(gate) as server:
        slow = [socket.create_connection(server.addresses[0]) for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.sendall(b"GET / HT" if number % 2 else b"")
        assert requests.get(server.url, timeout=10).text == "answered"
        for connection in slow:
            connection.close()


def test_as_many_requests_as_there_are_threads_run_at_once(gate: Gate) -> None:
    with serving(gate) as server:
        asking = [threading.Thread(target=requests.get, args=(f"{server.url}/wait",)) for _ in range(THREADS)]
        for thread in asking:
            thread.start()
        assert all(gate.entered.acquire(timeout=10) for _ in range(THREADS))
        gate.opened.set()
        for thread in asking:
            thread.join()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * MAX_HEADER_BYTES + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +10\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
    ],
)
def test_what_is_too_large_or_no_http_is_refused_with_the_usual_headers(
    gate: Gate, request_bytes: bytes, status: bytes
) -> None:
    with serving(gate) as server, socket.create_connection(server.addresses[0]) as connection:
        connection.sendall(request_bytes)
        answer = read_all(connection)
        assert answer.split()[1] == status
        for name, value in SECURITY_HEADERS:
            assert f"\r\n{name}: {value}\r\n".encode() in answer
        assert requests.get(server.url, timeout=10).text == "answered"


def _is_refused(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=5):
            return False
    except OSError:
        return True


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the condition never came"
        time.sleep(0.01)
