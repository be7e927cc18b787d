"""Sockets on loopback: 127.0.0.1 and, where it exists, ::1."""

from __future__ import annotations

import errno
import os
import socket

ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

# What the system says where there is no IPv6 at all, or none on loopback.
_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


class PortTakenError(OSError):
    """Another process listens on the port of an app, or it may not be used."""

    def __init__(self, app: str, port: int, cause: OSError) -> None:
        super().__init__(f"Port {port} of {app} cannot be used: {cause.strerror or cause}.")


def lacks_ipv6(family: socket.AddressFamily, error: OSError) -> bool:
    """Whether a socket could not be bound only because this machine has no IPv6."""
    return family is socket.AF_INET6 and error.errno in _NO_IPV6


def claim(listener: socket.socket) -> None:
    """Set the options of a socket that is going to be bound, so that no other process shares its port."""
    if os.name == "nt":
        # SO_REUSEADDR would let two processes have one port there.
        listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", -5), 1)
    else:
        # Here it means only that connections of an earlier process need not have timed out.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family is socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def check_port(app: str, port: int) -> None:
    """Raise ``PortTakenError`` when an app could not listen on a port now."""
    for family, address in ADDRESSES:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                claim(probe)
                probe.bind((address, port))
                # Linux lets two sockets bind one port in this way, but not listen on it.
                probe.listen(1)
        except OSError as error:
            if not lacks_ipv6(family, error):
                raise PortTakenError(app, port, error) from error


def is_listening(port: int) -> bool:
    """Say whether somebody takes connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
