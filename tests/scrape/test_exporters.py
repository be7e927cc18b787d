"""Exporters are found by connecting to their ports, without asking them anything."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from dashboard.scrape.exporters import EXPORTERS, Exporter, find_exporters


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(5)
        yield server


def closed_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def test_what_listens_is_found_and_is_asked_nothing(listener: socket.socket) -> None:
    open_one = Exporter(listener.getsockname()[1], "open", "open")
    shut = Exporter(closed_port(), "shut", "shut")
    assert find_exporters((), (open_one, shut)) == [open_one]
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(5)
        assert connection.recv(1) == b""


def test_one_that_listens_on_the_newer_protocol_only_is_found_too() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        exporter = Exporter(server.getsockname()[1], "six", "six")
        assert find_exporters((), (exporter,)) == [exporter]


def test_ports_that_are_scraped_already_are_not_tried(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert find_exporters({port}, (Exporter(port, "open", "open"),)) == []
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_one_that_never_answers_is_given_up(listener: socket.socket) -> None:
    exporter = Exporter(listener.getsockname()[1], "open", "open")
    assert find_exporters((), (exporter,), seconds=0.0) == []


def test_each_exporter_has_a_port_and_a_job_of_its_own() -> None:
    assert len({each.port for each in EXPORTERS}) == len({each.job for each in EXPORTERS}) == len(EXPORTERS)
