"""Binds the sockets we listen on, so that no other process can share them and no other machine reach them."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from contextlib import ExitStack

from dashboard.web.port import portholder

_LOCALHOST = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_BACKLOG = 1024
_TRIES = 20


class BindError(Exception):
    """We cannot listen there; the message says what to do."""


class PortTakenError(BindError):
    """Another process listens on the port; the message names it where the system tells us."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.holder = portholder(port)
        who = f"{self.holder[1]} (process {self.holder[0]})" if self.holder else "another process"
        super().__init__(f"port {port} is taken by {who}; choose another one with --port")


def bind(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets for ``host``: an IP address, or ``localhost`` for 127.0.0.1 and, where it exists, ::1.

    Port 0 picks a free port, the same for both families.

    Raises:
        PortTakenError: another process listens there.
        BindError: the address is not one of this machine, or other machines could reach it.
    """
    places = _places(host)
    for _ in range(_TRIES if port == 0 else 1):
        try:
            return _bind_all(places, port)
        except PortTakenError:
            # A free port of one family may be taken in the other.
            if port:
                raise
    raise BindError(f"no port is free on {host}")


def _places(host: str) -> tuple[tuple[socket.AddressFamily, str], ...]:
    if host.lower() == "localhost":
        return _LOCALHOST
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise BindError(f'"{host}" is not an address to listen on; use localhost or an IP address') from None
    if not address.is_loopback:
        raise BindError(
            f"refusing to listen on {address}, where other machines could read and change everything without a key; "
            "listen on localhost, and let an SSH tunnel or a reverse proxy with a login forward to it"
        )
    return ((socket.AF_INET if address.version == 4 else socket.AF_INET6, str(address)),)


def _bind_all(places: tuple[tuple[socket.AddressFamily, str], ...], port: int) -> list[socket.socket]:
    bound: list[socket.socket] = []
    with ExitStack() as undo:
        for family, address in places:
            try:
                listener = _bind_one(family, address, port)
            except OSError as error:
                if bound and _is_missing_family(error):
                    continue
                raise _as_bind_error(error, address, port) from error
            undo.callback(listener.close)
            bound.append(listener)
            port = listener.getsockname()[1]
        undo.pop_all()
    return bound


def _bind_one(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    with ExitStack() as undo:
        listener = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        if sys.platform == "win32":
            # There SO_REUSEADDR would let any process take over the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        # With SO_REUSEADDR only a listening socket keeps others off.
        listener.listen(_BACKLOG)
        undo.pop_all()
    return listener


def _is_missing_family(error: OSError) -> bool:
    return error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


def _as_bind_error(error: OSError, address: str, port: int) -> BindError:
    # Windows refuses a port that is held exclusively as it refuses one that needs rights.
    if error.errno == errno.EADDRINUSE or (sys.platform == "win32" and error.errno == errno.EACCES):
        return PortTakenError(port)
    if error.errno == errno.EACCES:
        return BindError(f"not permitted to listen on port {port}; choose one above 1023 with --port")
    return BindError(f"cannot listen on {address}, port {port}: {error.strerror or error}")
