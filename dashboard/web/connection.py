"""One connection of a client: knows how long its request takes to arrive, and reads and sends without detours.

The loop that watches all sockets turns as seldom as can be for one request: what has arrived is read when the
connection is made, and an answer is sent by the thread that has made it, with its head in one piece.
"""

from __future__ import annotations

import logging
import socket
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest

from dashboard.web.guard import SECURITY_HEADERS, new_trace_id

log = logging.getLogger(__name__)

# A client that has just asked is still there: looking for it costs as much as a tenth of a small query.
_STAYS_SECONDS = 0.02
# What is longer is not copied to be sent with its head.
_SENT_TOGETHER = 1 << 16


class _AnswerTask(WSGITask):  # type: ignore[misc]
    """What the application answers. Its head waits for the body: two pieces would wake the client twice."""

    channel: Connection
    wrote_header: bool

    def write(self, data: bytes) -> None:
        if self.complete and not self.wrote_header:
            self.channel.head = self.build_response_header()
            self.wrote_header = True
        super().write(data)
        self.channel.send_head()


class _RefusalTask(ErrorTask):  # type: ignore[misc]
    """What waitress answers by itself, such as 413, with the headers that every answer of ours has."""

    def execute(self) -> None:
        self.response_headers.extend([*SECURITY_HEADERS, ("X-Trace-Id", new_trace_id())])
        super().execute()


class _RequestTimeout(BadRequest):  # type: ignore[misc]
    code = 408
    reason = "Request Timeout"


class _New(str):
    """Stands for the value of a header that is not there yet, to which waitress adds one behind a comma."""

    __slots__ = ()

    def __add__(self, added: str) -> str:
        return added[2:]


class _Headers(dict[str, str]):
    """The headers of a request.

    Waitress adds each to the one of the same name, and takes the KeyError for the sign that there is none: that would
    cost more than all else that is done to read a request.
    """

    _NEW = _New()

    def __missing__(self, name: str) -> str:
        return self._NEW


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.headers = _Headers()

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head; what waitress stumbles over, such as a length of 5,000 digits, is a bad request.

        Raises:
            ParsingError: it is none.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("the head of the request makes no sense") from error


class Connection(HTTPChannel):  # type: ignore[misc]
    """A connection that knows when the request that it is receiving began."""

    task_class = _AnswerTask
    error_task_class = _RefusalTask
    parser_class = _Parser
    request: HTTPRequestParser | None
    begun = 0.0
    last_activity: float
    head = b""
    """The head of an answer of which nothing has been sent yet."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        try:
            self.handle_read()
        except Exception:
            # It is the listener that makes connections: what is wrong with one must not reach it.
            log.exception("a connection failed while its request was read")
            self.handle_close()

    def handle_read(self) -> None:
        """Read what is there, which may be nothing yet; a body often comes right behind its head."""
        self._read()
        if self.connected and self.request is not None and self.request.headers_finished:
            self._read()

    def _read(self) -> None:
        try:
            data = self.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if data:
            self.last_activity = time.time()
            self.received(data)

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.begun = time.monotonic()
        done: bool = super().received(data)
        return done

    def write_soon(self, data: Any) -> int:
        """Send what the system takes at once, and leave the rest to the loop."""
        if not isinstance(data, bytes):
            self.send_head()
            return int(super().write_soon(data))
        if len(data) > _SENT_TOGETHER:
            self.send_head()
        data, self.head = self.head + data if self.head else data, b""
        with self.outbuf_lock:
            sent = self._sent(data)
            return int(sent + super().write_soon(data[sent:] if sent else data))

    def _sent(self, data: bytes) -> int:
        """Send what the system takes, if nothing waits to be sent, and return how much that was."""
        if self.total_outbufs_len or not self.connected:
            return 0
        try:
            return int(self.send(data, do_close=False))
        except OSError:
            self.will_close = True
            return 0

    def send_head(self) -> None:
        """Send a head that is still to be sent, behind which no body comes in one piece with it."""
        if self.head:
            self.write_soon(b"")

    def check_client_disconnected(self) -> bool:
        """Say whether the client has closed its side; handlers find this as ``waitress.client_disconnected``.

        While a request is answered nothing is read from its connection: its end is seen only by looking for it.
        """
        if not self.connected:
            return True
        if time.monotonic() < self.begun + _STAYS_SECONDS:
            return False
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True

    def is_overdue(self, earliest: float) -> bool:
        """Say whether a request that began before ``earliest`` is still not here whole."""
        return self.request is not None and not self.requests and self.begun < earliest

    def is_idle(self) -> bool:
        """Say whether no answer is being made or sent."""
        return not self.requests and not self.total_outbufs_len

    def is_unused(self) -> bool:
        """Say whether no request has begun to arrive, nor waits for its answer."""
        return self.request is None and self.is_idle()

    def refuse_overdue(self) -> None:
        """Answer 408 in place of the request that does not come."""
        refused = self.parser_class(self.adj)
        refused.parse_header(b"GET / HTTP/1.0\r\n")
        refused.error = _RequestTimeout("the request did not arrive in time")
        refused.completed = True
        with self.requests_lock:
            if self.request is not None:
                self.request.close()
            self.request = None
            self.requests.append(refused)
            self.server.add_task(self)
