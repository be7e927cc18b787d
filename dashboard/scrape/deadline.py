"""One deadline for a whole answer: the name, connecting, headers and body, however slowly they drip.

The timeout of a socket starts anew with each address that is tried and with each byte received, so a target that sends
one byte a second would hold a thread for ever; and a name is looked up without any. Here all of them together wait no
longer than until the deadline.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import socket
import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from dashboard.scrape.patience import Patience

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse


class Deadline:
    """When a fetch must have ended, by the monotonic clock. It can be cut short from another thread."""

    def __init__(self, timeout: float) -> None:
        self._at = time.monotonic() + timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: there are none.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left

    def watch(self, sock: socket.socket) -> None:
        """Remember the socket that a fetch waits for."""
        with self._lock:
            self._socket = sock

    def cancel(self) -> None:
        """End the fetch now, even where it waits for its socket."""
        with self._lock:
            self._at = 0.0
            if self._socket is not None:
                # A socket that has been closed meanwhile waits for nothing.
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


CURRENT: ContextVar[Deadline] = ContextVar("deadline")
"""The deadline of the fetch that runs in this thread."""


class _PatientReader(io.RawIOBase):
    """Reads a socket until the deadline and no longer."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw = raw
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: Deadline, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_PatientReader(self.fp.detach(), sock, deadline))


_LOOKUPS = Patience()


def _connect(host: str, port: int, options: Iterable[Any]) -> socket.socket:
    """Connect to the first address of a host that answers."""
    deadline = CURRENT.get()
    look_up = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    fault = OSError("the name has no address")
    for family, kind, protocol, _, address in _LOOKUPS.ask(f"{host}:{port}", look_up, deadline.left()):
        with contextlib.ExitStack() as undo:
            try:
                sock = undo.enter_context(socket.socket(family, kind, protocol))
                for option in options:
                    sock.setsockopt(*option)
                deadline.watch(sock)
                sock.settimeout(deadline.left())
                sock.connect(address)
                sock.settimeout(deadline.left())
            except OSError as error:
                fault = error
            else:
                undo.pop_all()
                return sock
    raise fault


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host.strip("[]"), self.port, self.socket_options or ())

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        deadline = CURRENT.get()
        deadline.watch(self.sock)
        self.response_class = functools.partial(_Response, deadline=deadline)  # type: ignore[assignment]
        return super().getresponse()


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class DeadlineAdapter(HTTPAdapter):
    """Connections for ``requests`` that keep to :data:`CURRENT`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections of our own kind."""
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
