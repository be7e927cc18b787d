"""One connection to a server, and one answer after the other over it (RFC 9112)."""

from __future__ import annotations

import functools
import io
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from urllib3.util.wait import wait_for_read

from dashboard.scrape.deadline import Deadline
from dashboard.scrape.errors import FetchError, Layer

MOST_HEADERS = 100
PIECE = 64 * 1024

_LONGEST_LINE = 64 * 1024
_MOST_INTERIM_ANSWERS = 100
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) +([0-9]{3})(?: (.*))?", re.DOTALL)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)", re.DOTALL)
_UNFIT_FOR_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)

_Reader: TypeAlias = "io.BufferedReader[Any]"
_ReadBody = Callable[[_Reader], Iterator[bytes]]


class NoAnswerError(FetchError):
    """The server closed the connection instead of answering."""

    def __init__(self) -> None:
        super().__init__(Layer.HTTP, "the connection was closed without an answer")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: ``target`` is a path with its query, or a whole URL where a proxy is asked."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    def encoded(self) -> bytes:
        """Return the bytes to send.

        Raises:
            FetchError: a header does not fit in a line.
        """
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        for name, value in self.headers.items():
            if _UNFIT_FOR_A_HEADER.search(value):
                raise FetchError(Layer.CREDENTIALS, f"the value of the header {name} holds signs that no header may")
            lines.append(f"{name}: {value}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; the names of its headers are in lower case, repeated ones are joined by commas.

    ``pieces`` is the body as it is sent; to walk it raises where it turns out not to be whole.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class Connection:
    """A connection that one thread at a time uses."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._reusable = False

    def exchange(self, request: Request, deadline: Deadline) -> Response:
        """Send a request and read the head of the answer; its pieces are read until the deadline too.

        Raises:
            FetchError: the answer is not HTTP, or there is none (``NoAnswerError``).
            OSError: the connection broke, or the deadline has passed.
        """
        self._reusable = False
        deadline.watch(self.socket)
        self.socket.settimeout(deadline.left())
        self.socket.sendall(request.encoded())
        reader = io.BufferedReader(_PatientReader(self.socket, deadline), PIECE)
        minor, status, reason, headers = _head(reader)
        body = _framing(headers)
        lasts = body is not _until_closed and _asks_to_last(minor, headers)
        return Response(status, reason, headers, self._body(body(reader), lasts=lasts))

    def is_reusable(self) -> bool:
        """Say whether another request may go over the connection, as far as one can see."""
        # One that can be read before anything was asked has been closed, or is out of step.
        return self._reusable and not wait_for_read(self.socket, 0)

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def _body(self, pieces: Iterator[bytes], *, lasts: bool) -> Iterator[bytes]:
        yield from pieces
        self._reusable = lasts


class _PatientReader(io.RawIOBase):
    """Reads a socket until the deadline and no longer."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)


def _head(reader: _Reader) -> tuple[int, int, str, dict[str, str]]:
    """Read the minor version of HTTP, status, reason and headers; interim answers are passed over."""
    for _ in range(_MOST_INTERIM_ANSWERS):
        line = _line(reader, NoAnswerError)
        match = _STATUS_LINE.fullmatch(line)
        if match is None:
            raise FetchError(Layer.HTTP, f'malformed answer: it begins with "{line[:100].decode("latin-1")}"')
        headers = _headers(reader)
        status = int(match[2])
        if status >= 200:
            return int(match[1]), status, (match[3] or b"").decode("latin-1").strip(), headers
    raise FetchError(Layer.HTTP, f"malformed answer: more than {_MOST_INTERIM_ANSWERS} interim answers")


def _headers(reader: _Reader) -> dict[str, str]:
    headers: dict[str, str] = {}
    name = ""
    for _ in range(MOST_HEADERS + 1):
        line = _line(reader, _cut_head)
        if not line:
            return headers
        if line[0] in b" \t" and name:
            headers[name] += " " + line.decode("latin-1").strip()
            continue
        match = _HEADER.fullmatch(line)
        if match is None:
            raise FetchError(Layer.HTTP, "malformed answer: a line among the headers is not one")
        name, value = match[1].decode("latin-1").lower(), match[2].decode("latin-1").strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise FetchError(Layer.HTTP, f"malformed answer: more than {MOST_HEADERS} headers")


def _line(reader: _Reader, at_end: Callable[[], FetchError]) -> bytes:
    line = reader.readline(_LONGEST_LINE + 1)
    if not line:
        raise at_end()
    if not line.endswith(b"\n"):
        raise at_end() if len(line) <= _LONGEST_LINE else FetchError(Layer.HTTP, "malformed answer: an endless line")
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _cut_head() -> FetchError:
    return FetchError(Layer.HTTP, "malformed answer: it ends among its headers")


def _cut_body() -> FetchError:
    return FetchError(Layer.BODY, "unexpected end: shorter than announced")


def _asks_to_last(minor: int, headers: Mapping[str, str]) -> bool:
    wishes = {wish.strip().lower() for wish in headers.get("connection", "").split(",")}
    return "close" not in wishes if minor else "keep-alive" in wishes


def _framing(headers: Mapping[str, str]) -> _ReadBody:
    """Return what reads the body of an answer with such headers.

    Raises:
        FetchError: nobody can tell where the body ends.
    """
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if coding.lower() != "chunked":
            raise FetchError(Layer.HTTP, f'unsupported Transfer-Encoding "{coding}"')
        return _chunked
    length = headers.get("content-length")
    if length is None:
        return _until_closed
    given = {part.strip() for part in length.split(",")}
    if len(given) > 1 or not _LENGTH.fullmatch(min(given)):
        raise FetchError(Layer.HTTP, f'bad Content-Length "{length}"')
    return functools.partial(_counted, size=int(min(given)))


def _until_closed(reader: _Reader) -> Iterator[bytes]:
    while piece := reader.read1(PIECE):
        yield piece


def _counted(reader: _Reader, size: int) -> Iterator[bytes]:
    while size:
        piece = reader.read1(min(size, PIECE))
        if not piece:
            raise _cut_body()
        size -= len(piece)
        yield piece


def _chunked(reader: _Reader) -> Iterator[bytes]:
    while size := _chunk_size(_line(reader, _cut_body)):
        yield from _counted(reader, size)
        if _line(reader, _cut_body):
            raise FetchError(Layer.BODY, "broken chunk: longer than announced")
    for _ in range(MOST_HEADERS + 1):
        if not _line(reader, _cut_body):
            return
    raise FetchError(Layer.BODY, f"more than {MOST_HEADERS} trailers")


def _chunk_size(line: bytes) -> int:
    match = _CHUNK_SIZE.fullmatch(line)
    if match is None:
        raise FetchError(Layer.BODY, "broken chunk: its size is not a number")
    return int(match[1], 16)
