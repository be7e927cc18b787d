"""One deadline for a whole answer: the name, connecting, headers and body, however slowly they drip.

The timeout of a socket starts anew with each byte received, so a target that sends one byte a second would hold a
thread for ever; and a name is looked up without any. Here all of them together wait no longer than until the deadline.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class Deadline:
    """When a fetch must have ended, by the monotonic clock, in seconds. It can be cut short from another thread."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
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
                # One that has been closed meanwhile waits for nothing. A TLS socket's own method would take its state
                # away from under the thread that reads.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
