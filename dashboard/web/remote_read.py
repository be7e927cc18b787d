"""``/api/v1/read``: our samples for another Prometheus (storage/remote/read_handler.go)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import Response, request

from dashboard.model.labels import Labels
from dashboard.model.samples import SampleLimitError
from dashboard.promql import QueryCancelledError
from dashboard.remote import snappy
from dashboard.remote.errors import BadMessageError
from dashboard.remote.read import MOST_REQUEST_BYTES, ReadQuery, query_result, read_request, read_response
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.asked import asked
from dashboard.web.envelope import ApiError, ErrorType
from dashboard.web.parts import parts

MOST_SAMPLES = 5_000_000
"""How many samples one request may ask for: about 100 MB before they are compressed."""

_PATIENCE = 120.0
_MAKING = threading.Lock()

blueprint = api_blueprint("remote_read")


@blueprint.post("/read")
def remote_read() -> Response:
    """Give the samples that a message asks for, in a message."""
    external = parts().reloader.loaded.config.external_labels
    try:
        queries = read_request(snappy.decompress(request.get_data(), MOST_REQUEST_BYTES))
        with asked().places, _alone():
            body = read_response(_results(queries, external))
    except (BadMessageError, SampleLimitError) as error:
        return Response(f"{error}\n", 400, mimetype="text/plain")
    answer = Response(body, mimetype="application/x-protobuf")
    answer.content_encoding = "snappy"
    return answer


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other answer is made: a large one takes much memory, and several are not faster side by side.

    Raises:
        ApiError: it took too long.
    """
    if not _MAKING.acquire(timeout=_PATIENCE):
        raise ApiError(ErrorType.TIMEOUT, "other remote reads take too long; ask again later")
    try:
        yield
    finally:
        _MAKING.release()


def _results(queries: Sequence[ReadQuery], external: Labels) -> Iterator[list[snappy.Part]]:
    left = MOST_SAMPLES
    gone = asked().gone
    for query in queries:
        if gone():
            raise QueryCancelledError("remote read")
        own = query.without_external(external)
        batches = parts().storage.select(own.matchers, own.start, own.end, most=left)
        left -= sum(batch.size for batch in batches)
        yield query_result(batches, external)
