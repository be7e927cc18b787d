"""We listen on this machine's own addresses only, and share a port with nobody."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dashboard.web.sockets import BindError, PortTakenError, bind


@pytest.fixture
def undo() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _bind(undo: ExitStack, host: str, port: int = 0) -> list[socket.socket]:
    return [undo.enter_context(listener) for listener in bind(host, port)]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_localhost_is_both_families_on_one_port(undo: ExitStack) -> None:
    names = [listener.getsockname()[:2] for listener in _bind(undo, "localhost")]
    port = names[0][1]
    assert port
    assert names == [("127.0.0.1", port), ("::1", port)][: 2 if has_ipv6() else 1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
def test_one_address_is_one_socket(undo: ExitStack, host: str) -> None:
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    (listener,) = _bind(undo, host)
    assert listener.getsockname()[0] == host.strip("[]")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "8.8.8.8", "fe80::1", "::ffff:10.0.0.1"])
def test_addresses_that_other_machines_reach_are_refused(host: str) -> None:
    with pytest.raises(BindError, match=r"refusing to listen on .* without a key; listen on localhost"):
        bind(host, 0)


@pytest.mark.parametrize("host", ["", "example.org", "localhost.evil", "127.0.0.1:80"])
def test_a_name_is_no_address(host: str) -> None:
    with pytest.raises(BindError, match="is not an address to listen on"):
        bind(host, 0)


def test_a_taken_port_is_told_with_its_holder_and_leaves_no_socket(undo: ExitStack) -> None:
    port = _bind(undo, "localhost")[0].getsockname()[1]
    with pytest.raises(PortTakenError, match=f"port {port} is taken by .*; choose another one with --port") as error:
        bind("localhost", port)
    assert error.value.port == port


def test_a_port_that_is_taken_in_the_second_family_is_taken(undo: ExitStack) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    port = _bind(undo, "::1")[0].getsockname()[1]
    with pytest.raises(PortTakenError):
        bind("localhost", port)
    # The socket of the first family was closed again.
    assert _bind(undo, "127.0.0.1", port)


def test_the_ipv6_socket_takes_no_ipv4(undo: ExitStack) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    (listener,) = _bind(undo, "::1")
    assert listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1


def test_an_address_of_another_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # No loopback address is missing on Linux, so the system's refusal is made.
    def refuse(*_: object) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(BindError, match=r"cannot listen on 127\.0\.0\.1, port 7: Cannot assign"):
        bind("127.0.0.1", 7)


def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch, undo: ExitStack) -> None:
    system_bind = socket.socket.bind

    def bind_ipv4(listener: socket.socket, address: tuple[str, int]) -> None:
        if listener.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        system_bind(listener, address)

    monkeypatch.setattr(socket.socket, "bind", bind_ipv4)
    assert [listener.getsockname()[0] for listener in _bind(undo, "localhost")] == ["127.0.0.1"]


def test_a_port_that_needs_rights_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(BindError, match=r"not permitted to listen on port 80; choose one above 1023|is taken"):
        bind("localhost", 80)
