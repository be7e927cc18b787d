"""Answers compressed on the fly, where that is worth it and the asker takes it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from flask import Response, request
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WORTH_COMPRESSING = 4096
# The fastest level: most readers sit at the same machine.
_LEVEL = 1


def takes_gzip(environ: WSGIEnvironment) -> bool:
    """Say whether the asker can read what gzip has compressed."""
    return parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"), Accept)["gzip"] > 0


def compressed(answer: Response) -> Response:
    """Return the same answer, compressed by gzip where it is long and the asker accepts that."""
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if len(body) >= WORTH_COMPRESSING and takes_gzip(request.environ):
        answer.set_data(gzip.compress(body, _LEVEL, mtime=0))
        answer.content_encoding = "gzip"
    return answer
