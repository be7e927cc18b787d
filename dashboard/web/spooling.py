"""Answers that may be very large: made, compressed and kept piece by piece, then sent without a thread that waits.

An answer of some hundred megabytes takes a few of them in memory: what is beyond the first lies in a temporary file,
which waitress's own thread sends at the pace of the reader.
"""

from __future__ import annotations

import itertools
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from flask import Response
from werkzeug.wsgi import wrap_file

from dashboard.promql import QueryCancelledError
from dashboard.web.compression import WORTH_COMPRESSING, takes_gzip
from dashboard.web.envelope import ApiError, ErrorType

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MOST_BYTES = 512 << 20
"""An answer that would be longer, before it is compressed, is refused."""

_IN_MEMORY = 1 << 20
# Asking whether somebody still waits is a call of the system.
_ASKED_EVERY = 1 << 16
# gzip's own format, at its fastest.
_GZIP = 31
_LEVEL = 1
_VARY = ("Vary", "Accept-Encoding")
_ENCODING = ("Content-Encoding", "gzip")


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON in memory or in a file, as a WSGI application that sends it."""

    body: bytes | IO[bytes]
    length: int
    zipped: bool

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the answer."""
        headers = [("Content-Type", "application/json"), ("Content-Length", str(self.length)), _VARY]
        start_response("200 OK", [*headers, _ENCODING] if self.zipped else headers)
        return [self.body] if isinstance(self.body, bytes) else wrap_file(environ, self.body)

    def response(self, environ: WSGIEnvironment) -> Response:
        """Return the answer for Flask, which must leave a file to the server: whoever reads slowly holds no thread."""
        body = self.body if isinstance(self.body, bytes) else wrap_file(environ, self.body)
        answer = Response(body, mimetype="application/json", headers=[_VARY, *([_ENCODING] if self.zipped else [])])
        answer.direct_passthrough = not isinstance(self.body, bytes)
        answer.content_length = self.length
        return answer


def spooled_json(pieces: Iterator[bytes], environ: WSGIEnvironment, gone: Callable[[], bool]) -> Answer:
    """Return an answer of JSON in pieces, compressed where it is long and the asker takes that.

    Raises:
        ApiError: it is too long.
        QueryCancelledError: ``gone`` said that nobody waits for it any more.
    """
    first = b"".join(_taken(pieces, WORTH_COMPRESSING))
    if len(first) < WORTH_COMPRESSING:
        return Answer(first, len(first), zipped=False)
    zipped = takes_gzip(environ)
    whole = _counted(itertools.chain([first], pieces), gone)
    return Answer(*_spooled(_gzipped(whole) if zipped else whole), zipped)


def _spooled(pieces: Iterator[bytes]) -> tuple[bytes | IO[bytes], int]:
    """Return what the pieces make, or a file of it where it is large, and its length."""
    held = _taken(pieces, _IN_MEMORY)
    following = next(pieces, None)
    if following is None:
        body = b"".join(held)
        return body, len(body)
    file = _file_of(itertools.chain(held, [following], pieces))
    length = file.tell()
    file.seek(0)
    return file, length


def _file_of(pieces: Iterable[bytes]) -> IO[bytes]:
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it.
    try:
        file.writelines(pieces)
    except BaseException:
        file.close()
        raise
    return file


def _taken(pieces: Iterator[bytes], size: int) -> list[bytes]:
    """Take pieces until there are so many bytes, or no more."""
    taken: list[bytes] = []
    while size > 0 and (piece := next(pieces, None)) is not None:
        taken.append(piece)
        size -= len(piece)
    return taken


def _counted(pieces: Iterable[bytes], gone: Callable[[], bool]) -> Iterator[bytes]:
    length = asked_at = 0
    for piece in pieces:
        length += len(piece)
        if length > MOST_BYTES:
            raise ApiError(ErrorType.EXECUTION, f"the answer would be longer than {MOST_BYTES >> 20} MiB")
        if length - asked_at > _ASKED_EVERY:
            asked_at = length
            if gone():
                raise QueryCancelledError("result encoding")
        yield piece


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    press = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for piece in pieces:
        yield press.compress(piece)
    yield press.flush()
