"""Answers compressed on the fly, where that is worth it and the asker takes it."""

from __future__ import annotations

import gzip

from flask import Response, request

WORTH_COMPRESSING = 4096
# The fastest level: most readers sit at the same machine.
_LEVEL = 1


def compressed(answer: Response) -> Response:
    """Return the same answer, compressed by gzip where it is long and the asker accepts that."""
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if len(body) >= WORTH_COMPRESSING and request.accept_encodings["gzip"] > 0:
        answer.set_data(gzip.compress(body, _LEVEL, mtime=0))
        answer.content_encoding = "gzip"
    return answer
