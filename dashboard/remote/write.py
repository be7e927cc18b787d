"""Remote write 1.0, the side that sends: an exposition page becomes a ``WriteRequest`` (``prompb/remote.proto``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dashboard.exposition.page import MetricType, Page, Sample
from dashboard.model.labels import Labels
from dashboard.remote import snappy
from dashboard.remote.errors import PushError
from dashboard.remote.http import send
from dashboard.remote.protobuf import bytes_field, varint_field
from dashboard.remote.series import SampleWriter, time_series

_SHOWN = 256
_TYPES = {
    MetricType.UNKNOWN: 0,
    MetricType.COUNTER: 1,
    MetricType.GAUGE: 2,
    MetricType.HISTOGRAM: 3,
    MetricType.GAUGE_HISTOGRAM: 4,
    MetricType.SUMMARY: 5,
    MetricType.INFO: 6,
    MetricType.STATESET: 7,
}
_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def write_request(page: Page, labels: Mapping[str, str], now: int) -> bytes:
    """Write a ``WriteRequest`` of a page's samples and metadata.

    ``labels`` are for series that lack them; ``now`` (milliseconds) is the time of samples that have none.
    """
    series = (time_series(_labels(sample.labels, labels), _one_sample(sample, now)) for sample in page.samples)
    told = (
        varint_field(1, _TYPES[about.type])
        + bytes_field(2, name.encode())
        + bytes_field(4, about.help.encode())
        + bytes_field(5, about.unit.encode())
        for name, about in page.metadata.items()
    )
    return b"".join(bytes_field(1, one) for one in series) + b"".join(bytes_field(3, one) for one in told)


def _one_sample(sample: Sample, now: int) -> bytes:
    at = now if sample.timestamp is None else sample.timestamp
    return SampleWriter(np.array([at], dtype=np.int64)).write(np.array([sample.value]))


def _labels(own: Labels, added: Mapping[str, str]) -> Labels:
    # As promtool and scraping do it: who sends samples says which job they are of.
    return Labels.of({**added, **{"exported_job" if name == "job" else name: value for name, value in own}})


def push(url: str, request: bytes, *, headers: Mapping[str, str], timeout: float) -> None:
    """Send a ``WriteRequest``; ``timeout`` is in seconds.

    Raises:
        PushError: the server cannot be reached (``UnreachableError``), or did not take it.
    """
    # A redirect is not followed: a form of it is asked by GET, and that would seem to have gone well.
    answer = send(
        "POST", url, headers={**_HEADERS, **headers}, timeout=timeout, data=snappy.compress(request), follow=False
    )
    if not 200 <= answer.status_code < 300:
        reason = f"{answer.status_code} {answer.reason}"
        raise PushError(f"server returned HTTP status {reason}: {answer.text.strip()[:_SHOWN]}")
