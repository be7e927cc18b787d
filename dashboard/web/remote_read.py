"""``/api/v1/read``: our samples for another Prometheus (storage/remote/read_handler.go)."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request

from dashboard.model.labels import Labels
from dashboard.model.samples import SampleLimitError, SeriesBatch
from dashboard.remote import snappy
from dashboard.remote.errors import BadMessageError
from dashboard.remote.read import ReadQuery, query_result, read_request, read_response
from dashboard.web.api_blueprint import api_blueprint
from dashboard.web.parts import parts
from dashboard.web.query_places import query_place

MOST_SAMPLES = 5_000_000
"""How many samples one request may ask for: about 100 MB before they are compressed."""

blueprint = api_blueprint("remote_read")


@blueprint.post("/read")
def remote_read() -> Response:
    """Give the samples that a message asks for, in a message."""
    external = parts().reloader.loaded.config.external_labels
    try:
        queries = read_request(snappy.decompress(request.get_data()))
        with query_place():
            results = _results(queries, external)
    except (BadMessageError, SampleLimitError) as error:
        return Response(f"{error}\n", 400, mimetype="text/plain")
    answer = Response(snappy.compress(read_response(results)), mimetype="application/x-protobuf")
    answer.content_encoding = "snappy"
    return answer


def _results(queries: Sequence[ReadQuery], external: Labels) -> list[bytes]:
    results: list[bytes] = []
    left = MOST_SAMPLES
    for query in queries:
        own = query.without_external(external)
        batches = parts().storage.select(own.matchers, own.start, own.end, most=left)
        left -= sum(map(_size, batches))
        results.append(query_result(batches, external))
    return results


def _size(batch: SeriesBatch) -> int:
    return int(batch.values.size)
