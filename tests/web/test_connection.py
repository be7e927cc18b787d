"""A connection reads a request however it arrives, and sends the answer whole."""

import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from dashboard.web.server import Server
from dashboard.web.sockets import bind


class Echo:
    """A WSGI application that remembers what it was asked and answers with the body that it got."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        self.seen.append(environ)
        body = environ["wsgi.input"].read() * int(environ.get("HTTP_X_TIMES", 1))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def client(echo: Echo) -> Iterator[socket.socket]:
    server = Server(echo, bind("127.0.0.1", 0))
    server.start()
    with socket.create_connection(server.addresses[0], timeout=20) as connection:
        yield connection
    server.stop(5.0)


@pytest.mark.parametrize("length", [b"9" * 5000, b"-5", b"+5", b"5x", b"\xb2"])
def test_no_head_harms_the_listener(client: socket.socket, length: bytes) -> None:
    """What is wrong with a connection that is just being made must not reach what makes connections."""
    address = client.getpeername()
    for _ in range(20):
        with socket.create_connection(address, timeout=20) as bad:
            bad.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + b"\r\n\r\n")
            assert bad.recv(65_536).startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    with socket.create_connection(address, timeout=20) as good:
        good.sendall(post(b"hello"))
        assert answered(good, 5) == b"hello"


def test_clients_that_are_gone_before_they_are_read_harm_nobody(client: socket.socket) -> None:
    address = client.getpeername()
    for _ in range(50):
        with socket.create_connection(address, timeout=20) as gone:
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gone.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    with socket.create_connection(address, timeout=20) as good:
        good.sendall(post(b"hello"))
        assert answered(good, 5) == b"hello"


def post(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: localhost", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answered(connection: socket.socket, length: int) -> bytes:
    """Read an answer to its end and return its body."""
    found = b""
    while (end := found.find(b"\r\n\r\n")) < 0 or len(found) < end + 4 + length:
        piece = connection.recv(65_536)
        assert piece, found
        found += piece
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: %d\r\n" % length in found
    return found[end + 4 :]


def test_head_and_body_come_in_one_piece(client: socket.socket) -> None:
    client.sendall(post(b"hello"))
    assert client.recv(65_536).endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize("times", [1, 60_000, 5_000_000])
def test_an_answer_of_any_length_is_sent_whole(client: socket.socket, times: int) -> None:
    for _ in range(3):
        client.sendall(post(b"xy", b"X-Times: %d" % times))
        assert answered(client, 2 * times) == b"xy" * times


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_request_may_arrive_in_pieces(client: socket.socket, pause: float) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = post(b"hello")
    for place in range(0, len(request), 20):
        time.sleep(pause)
        client.sendall(request[place : place + 20])
    assert answered(client, 5) == b"hello"


def test_an_answer_without_a_body_has_its_head(client: socket.socket) -> None:
    for _ in range(2):
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered(client, 0) == b""


def test_headers_of_one_name_are_joined(client: socket.socket, echo: Echo) -> None:
    client.sendall(post(b"", b"X-Thing: , a", b"X-Other:", b"x-thing: b", b"X-Thing: c"))
    assert answered(client, 0) == b""
    assert (echo.seen[0]["HTTP_X_THING"], echo.seen[0]["HTTP_X_OTHER"]) == (", a, b, c", "")
    assert "HTTP_X_MISSING" not in echo.seen[0]


def test_a_request_behind_another_waits_for_its_turn(client: socket.socket) -> None:
    client.sendall(post(b"first") + post(b"other"))
    answers = b""
    while answers.count(b"HTTP/1.1 200 OK") < 2 or not answers.endswith(b"other"):
        piece = client.recv(65_536)
        assert piece
        answers += piece
    assert answers.index(b"first") < answers.index(b"other")
