"""Remote read: which samples another Prometheus asks for, and the answer (``prompb/remote.proto``)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dashboard.model.labels import Labels
from dashboard.model.matcher import InvalidRegexError, Matcher, MatchKind
from dashboard.model.samples import FloatArray, SeriesBatch
from dashboard.remote import snappy
from dashboard.remote.errors import BadMessageError
from dashboard.remote.protobuf import WireType, bytes_field, fields, message, signed, tag, text, varint
from dashboard.remote.series import SampleWriter, time_series

_KINDS = (MatchKind.EQUAL, MatchKind.NOT_EQUAL, MatchKind.REGEX, MatchKind.NOT_REGEX)
_SAMPLES = 0

MOST_REQUEST_BYTES = 1 << 20
"""The longest request that is taken, decompressed: there is nothing in it but selectors."""

_MOST_QUERIES = 100
_MOST_MATCHERS = 1000

_Series: TypeAlias = tuple[Labels, SampleWriter, FloatArray]


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """The series that satisfy all matchers, between two timestamps in milliseconds, both included."""

    start: int
    end: int
    matchers: tuple[Matcher, ...]

    def without_external(self, external: Labels) -> ReadQuery:
        """Return the query for our own series, which lack the external labels that are asked for."""
        known = dict(external)
        matchers = tuple(
            Matcher(MatchKind.EQUAL, matcher.name, "")
            if matcher.kind is MatchKind.EQUAL and known.get(matcher.name) == matcher.value
            else matcher
            for matcher in self.matchers
        )
        return ReadQuery(self.start, self.end, matchers)


def read_request(body: bytes) -> list[ReadQuery]:
    """Read a ``ReadRequest``.

    Raises:
        BadMessageError: it is none, asks too much at once, or wants no answer of a kind that we give.
    """
    queries: list[ReadQuery] = []
    accepted: list[int] = []
    for number, value in fields(body):
        if number == 1:
            queries.append(_query(message(value)))
            if len(queries) > _MOST_QUERIES:
                raise BadMessageError(f"there are more than {_MOST_QUERIES} queries")
        elif number == 2:
            # Several may stand together in one field.
            accepted += value if isinstance(value, bytes) else [value]
    if accepted and _SAMPLES not in accepted:
        raise BadMessageError("of the types of responses, only SAMPLES is supported")
    return queries


def _query(body: bytes) -> ReadQuery:
    start = end = 0
    matchers: list[Matcher] = []
    for number, value in fields(body):
        if number == 1:
            start = signed(value)
        elif number == 2:
            end = signed(value)
        elif number == 3:
            matchers.append(_matcher(message(value)))
            if len(matchers) > _MOST_MATCHERS:
                raise BadMessageError(f"a query has more than {_MOST_MATCHERS} matchers")
    return ReadQuery(start, end, tuple(matchers))


def _matcher(body: bytes) -> Matcher:
    kind, name, wanted = 0, "", ""
    for number, value in fields(body):
        if number == 1:
            kind = signed(value)
        elif number == 2:
            name = text(value)
        elif number == 3:
            wanted = text(value)
    if kind not in range(len(_KINDS)):
        raise BadMessageError("invalid matcher type")
    try:
        return Matcher(_KINDS[kind], name, wanted)
    except InvalidRegexError as error:
        raise BadMessageError(str(error)) from error


def query_result(batches: Sequence[SeriesBatch], external: Labels) -> list[snappy.Part]:
    """Write the answer to one query: series with the external labels that they lack, in the order of their labels."""
    series = sorted(itertools.chain.from_iterable(_series(batch, dict(external)) for batch in batches), key=_by_labels)
    written = list(
        snappy.parts(bytes_field(1, time_series(labels, writer.write(values))) for labels, writer, values in series)
    )
    length = sum(part.length for part in written)
    return [*snappy.parts([tag(1, WireType.BYTES) + varint(length)]), *written]


def _series(batch: SeriesBatch, external: Mapping[str, str]) -> Iterator[_Series]:
    writer = SampleWriter(batch.timestamps)
    for labels, values in zip(batch.labels, batch.values, strict=True):
        yield Labels.of({**external, **dict(labels)}) if external else labels, writer, values


def _by_labels(series: _Series) -> Labels:
    return series[0]


def read_response(results: Iterable[Sequence[snappy.Part]]) -> bytes:
    """Return a compressed ``ReadResponse`` of what :func:`query_result` wrote, in the order of the queries."""
    return snappy.joined(itertools.chain.from_iterable(results))
