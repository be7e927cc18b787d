"""Connecting to a host by its name."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Sequence
from typing import Any

from dashboard.scrape.deadline import Deadline
from dashboard.scrape.patience import Patience

_LOOKUPS = Patience()


def dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address of a host that answers.

    Each address is given its share of the time that is left, so that one which swallows packets does not take all.

    Raises:
        OSError: no address answered; the error of the last.
        UnicodeError: the host is not a name.
    """
    fault = OSError("the name has no address")
    addresses = _addresses(host, port, deadline)
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        with contextlib.ExitStack() as undo:
            try:
                sock = undo.enter_context(socket.socket(family, kind, protocol))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                deadline.watch(sock)
                sock.settimeout(deadline.left() / (len(addresses) - number))
                sock.connect(address)
            except OSError as error:
                fault = error
            else:
                undo.pop_all()
                return sock
    deadline.left()
    raise fault


def _addresses(host: str, port: int, deadline: Deadline) -> Sequence[tuple[Any, ...]]:
    look_up = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    if ":" in host or host.replace(".", "").isdigit():
        # An address needs no lookup, and so no thread to wait for one.
        return look_up(flags=socket.AI_NUMERICHOST)
    return _LOOKUPS.ask(f"{host}:{port}", look_up, deadline.left())
