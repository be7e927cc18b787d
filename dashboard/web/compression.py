"""Answers compressed on the fly, where that is worth it and the browser takes it."""

from __future__ import annotations

import gzip

from flask import Response, request

WORTH_COMPRESSING = 4096
# The fastest level: most readers sit at the same machine.
_LEVEL = 1


def compressed(answer: Response) -> Response:
    """Return the same answer, compressed unless it is short, compressed already, or not wanted so."""
    if "Content-Encoding" in answer.headers or request.accept_encodings["gzip"] <= 0:
        return answer
    body = answer.get_data()
    if len(body) >= WORTH_COMPRESSING:
        answer.set_data(gzip.compress(body, _LEVEL))
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    return answer
