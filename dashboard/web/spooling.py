"""Answers that may be very large: made, compressed and kept piece by piece, then sent without a thread that waits.

An answer of some hundred megabytes takes a few of them in memory: what is beyond the first lies in a temporary file,
which waitress's own thread sends at the pace of the reader.
"""

from __future__ import annotations

import itertools
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from flask import Response, request
from werkzeug.wsgi import wrap_file

from dashboard.promql import QueryCancelledError
from dashboard.web.compression import WORTH_COMPRESSING
from dashboard.web.envelope import ApiError, ErrorType

MOST_BYTES = 512 << 20
"""An answer that would be longer, before it is compressed, is refused."""

_IN_MEMORY = 1 << 20
# Asking whether somebody still waits is a call of the system.
_ASKED_EVERY = 1 << 16
# gzip's own format, at its fastest.
_GZIP = 31
_LEVEL = 1


def spooled_json(pieces: Iterator[bytes], gone: Callable[[], bool]) -> Response:
    """Return an answer of JSON in pieces, compressed where it is long and the asker takes that.

    Raises:
        ApiError: it is too long.
        QueryCancelledError: ``gone`` said that nobody waits for it any more.
    """
    counted = _counted(pieces, gone)
    first = _taken(counted, WORTH_COMPRESSING)
    zipped = sum(map(len, first)) >= WORTH_COMPRESSING and request.accept_encodings["gzip"] > 0
    whole = itertools.chain(first, counted)
    answer = _answer(_gzipped(whole) if zipped else whole)
    answer.headers["Vary"] = "Accept-Encoding"
    if zipped:
        answer.content_encoding = "gzip"
    return answer


def _answer(pieces: Iterator[bytes]) -> Response:
    held = _taken(pieces, _IN_MEMORY)
    following = next(pieces, None)
    if following is None:
        return Response(b"".join(held), mimetype="application/json")
    return _answer_in_a_file(itertools.chain(held, [following], pieces))


def _answer_in_a_file(pieces: Iterable[bytes]) -> Response:
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it.
    try:
        file.writelines(pieces)
        length = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    answer = Response(wrap_file(request.environ, file), mimetype="application/json", direct_passthrough=True)
    answer.content_length = length
    return answer


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
