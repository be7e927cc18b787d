"""Runs waitress on sockets that we have bound, bounds what slow clients can hold, and drains before it stops."""

from __future__ import annotations

import functools
import heapq
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import waitress
from waitress import wasyncore
from waitress.server import BaseWSGIServer

from dashboard.web.connection import Connection
from dashboard.web.guard import MAX_BODY_BYTES, MAX_HEADER_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 48
"""Handler threads. Most of them only wait: queries for their turn in the engine, of which few run at once."""
REQUEST_SECONDS = 30.0
"""A request must have arrived whole within this time of its first byte."""
_IDLE_SECONDS = 120
_LOOP_SECONDS = 1.0
_POSIX = os.name == "posix"
# Windows has no poll, and its select takes 512 sockets.
_CONNECTIONS = 1000 if _POSIX else 450

_ACCEPTED_AT_ONCE = 16

log = logging.getLogger(__name__)


def _accept_some(listener: BaseWSGIServer) -> None:
    """Accept what waits: with a turn of the loop for each, a thousand connections would take seconds."""
    for _ in range(_ACCEPTED_AT_ONCE):
        before = len(listener.active_channels)
        type(listener).handle_accept(listener)
        if len(listener.active_channels) == before:
            return


class Server:
    """Serves a WSGI application on listening sockets, in a thread of its own and many for the handlers."""

    def __init__(
        self,
        application: WSGIApplication,
        sockets: Sequence[socket.socket],
        *,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self.addresses: list[tuple[str, int]] = [listener.getsockname()[:2] for listener in sockets]
        self._request_seconds = request_seconds
        self._map: dict[int, Any] = {}
        self._waitress = waitress.create_server(
            application,
            map=self._map,
            sockets=list(sockets),
            threads=THREADS,
            ident="glass-cockpit",
            asyncore_use_poll=_POSIX,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            # A second request of a connection is read after the first is answered: no race between pipelined ones.
            channel_request_lookahead=0,
            max_request_header_size=MAX_HEADER_BYTES,
            max_request_body_size=MAX_BODY_BYTES,
        )
        self._listeners = [entry for entry in self._map.values() if isinstance(entry, BaseWSGIServer)]
        for listener in self._listeners:
            listener.channel_class = Connection
            listener.pull_trigger = self._wake
            listener.handle_accept = functools.partial(_accept_some, listener)
        self._stopping = threading.Event()
        self._closing = threading.Lock()
        self._closed = False
        self._drain_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="web-sockets", daemon=True)

    @property
    def url(self) -> str:
        """The address to open in a browser, without a final slash."""
        host, port = self.addresses[0]
        if host == "127.0.0.1":
            return f"http://localhost:{port}"
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to answer; returns at once."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Take no more connections, let answers in flight be finished for up to ``timeout`` seconds, and end."""
        self._drain_seconds = timeout
        self._stopping.set()
        if self._thread.ident is None:
            self._close(0.0)
            return
        self._wake()
        self._thread.join(timeout + 2 * _LOOP_SECONDS)

    def _run(self) -> None:
        swept = time.monotonic()
        while not self._stopping.is_set():
            self._make_room()
            self._turn(_LOOP_SECONDS)
            now = time.monotonic()
            if now - swept >= min(_LOOP_SECONDS, self._request_seconds):
                swept = now
                self._refuse_overdue(now)
        end = time.monotonic() + self._drain_seconds
        self._drain(end)
        self._close(max(0.0, end - time.monotonic()))

    def _make_room(self) -> None:
        """Close the connections that were not used for longest, where there is no room for those that may come.

        Who only holds many of them would keep everybody else out.
        """
        excess = len(self._map) + _ACCEPTED_AT_ONCE * len(self._listeners) - _CONNECTIONS
        if excess > 0:
            unused = (channel for channel in self._channels() if channel.is_unused())
            for channel in heapq.nsmallest(excess, unused, key=lambda channel: channel.last_activity):
                channel.handle_close()

    def _turn(self, seconds: float) -> None:
        try:
            wasyncore.loop(timeout=seconds, use_poll=_POSIX, map=self._map, count=1)
        except Exception:
            log.exception("the web server's socket loop failed; it goes on")
            time.sleep(_LOOP_SECONDS)

    def _refuse_overdue(self, now: float) -> None:
        for channel in self._channels():
            if channel.is_overdue(now - self._request_seconds):
                channel.refuse_overdue()

    def _drain(self, end: float) -> None:
        for listener in self._listeners:
            # Its own close would also close the trigger, by which handler threads announce their answers.
            wasyncore.dispatcher.close(listener)
        while time.monotonic() < end:
            for channel in self._channels():
                if channel.is_idle():
                    channel.handle_close()
            if not any(self._channels()):
                return
            self._turn(0.1)

    def _close(self, seconds: float) -> None:
        self._waitress.task_dispatcher.shutdown(timeout=seconds)
        for channel in self._channels():
            channel.handle_close()
        with self._closing:
            self._closed = True
            for listener in self._listeners:
                listener.close()

    def _channels(self) -> Iterator[Connection]:
        return (channel for listener in self._listeners for channel in list(listener.active_channels.values()))

    def _wake(self) -> None:
        """Wake the loop, as handlers do when they have an answer; one that comes too late writes to no descriptor."""
        with self._closing:
            if not self._closed:
                self._listeners[0].trigger.pull_trigger()
