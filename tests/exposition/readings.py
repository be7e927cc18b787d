"""What the reader and the full parser make of a page, in one shape that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dashboard.exposition.errors import ExpositionError
from dashboard.exposition.parser import parse
from dashboard.exposition.reader import PageReader
from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import Labels


class Numbers:
    """Numbers series as storage does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.known: list[Labels] = []
        self.numbers: dict[Labels, int] = {}
        self.asked = 0

    def resolve(self, labels: Mapping[str, str]) -> int:
        self.asked += 1
        series = Labels.of(labels)
        if series not in self.numbers:
            self.numbers[series] = len(self.known)
            self.known.append(series)
        return self.numbers[series]


def written(exemplar: Exemplar, timestamp: int | None) -> tuple[Labels, bytes, int | None]:
    """Return an exemplar so that NaN is equal to itself; without a timestamp it has its sample's."""
    own = exemplar.timestamp if exemplar.timestamp is not None else timestamp
    return exemplar.labels, np.float64(exemplar.value).tobytes(), own


def told(body: bytes, content_type: str, *, honor_timestamps: bool = True) -> object:
    """Return what the full parser makes of a page, in the shape of :func:`read`."""
    try:
        page = parse(body, content_type)
    except ExpositionError as error:
        return str(error)
    if not honor_timestamps:
        page = replace(page, samples=[replace(sample, timestamp=None) for sample in page.samples])
    plain: dict[Labels, bytes] = {}
    for sample in page.samples:
        if sample.timestamp is None:
            plain.setdefault(sample.labels, np.float64(sample.value).tobytes())
    stamped = [
        (sample.labels, sample.timestamp, np.float64(sample.value).tobytes())
        for sample in page.samples
        if sample.timestamp is not None
    ]
    exemplars = [
        (sample.labels, written(sample.exemplar, sample.timestamp)) for sample in page.samples if sample.exemplar
    ]
    duplicates = len(page.samples) - len(stamped) - len(plain)
    return list(plain.items()), stamped, exemplars, page.metadata, len(page.samples), duplicates


def read(reader: PageReader, numbers: Numbers, body: bytes, content_type: str) -> object:
    """Return what a reader makes of a page."""
    try:
        reading = reader.read(body, content_type)
    except ExpositionError as error:
        return str(error)
    plain = zip(reading.series.tolist(), reading.values, strict=True)
    stamped = zip(
        reading.stamped.series.tolist(), reading.stamped.timestamps.tolist(), reading.stamped.values, strict=True
    )
    return (
        [(numbers.known[number], value.tobytes()) for number, value in plain],
        [(numbers.known[number], timestamp, value.tobytes()) for number, timestamp, value in stamped],
        [(numbers.known[number], written(exemplar, None)) for number, exemplar in reading.exemplars],
        reading.metadata,
        reading.samples,
        reading.duplicates,
    )
