"""The pages of one target, scrape after scrape: each line's names are looked at once, then only its value.

A page nearly always repeats the series of the last one. So the reader remembers the text that names a series together
with its number, and takes any line that it does not know through the full grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dashboard.exposition.errors import RefusedSeriesError, SampleLimitExceededError, SyntaxFault, TooManyLinesError
from dashboard.exposition.page import Format, Metadata, format_of
from dashboard.exposition.parser import GRAMMARS, gather_metadata
from dashboard.exposition.repetition import LastPage
from dashboard.exposition.syntax import MetadataLine
from dashboard.exposition.walk import FIRST_PLACE, Memory, Walk
from dashboard.model.exemplar import Exemplar
from dashboard.model.samples import FloatArray, IntArray

DROPPED = -1
"""The number that says of a series that it is not to be stored."""

Resolve = Callable[[Mapping[str, str]], int]
"""Turns the labels of a line (with the metric's name, and with empty values) into the number of its series.

A ``RefusedSeriesError`` out of it tells how many samples stood before, when it leaves the reader.
"""

Keeps = Callable[[Mapping[str, str]], bool]
"""Says of the labels of a line, without any effect, whether its series would be stored."""

_SPARE_LINES = 1000

MOST_LINES = 500_000
"""A page of more lines is refused, unless its job's sample limit is so high: it would hold up all other targets."""


@dataclass(frozen=True, slots=True)
class StampedSamples:
    """Samples whose lines carry timestamps of their own: int64[M], int64[M] (milliseconds), float64[M]."""

    series: IntArray
    timestamps: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as numbers: ``series`` int64[N] and ``values`` float64[N], each series once.

    ``samples`` counts the sample lines of the page, ``kept`` those of series that are not dropped, ``duplicates`` those
    of the kept that are left out because their series had come before. ``exemplars`` go with their series' numbers.
    """

    series: IntArray
    values: FloatArray
    stamped: StampedSamples
    metadata: Mapping[str, Metadata]
    samples: int
    kept: int
    duplicates: int
    exemplars: Sequence[tuple[int, Exemplar]]


class PageReader:
    """Reads the pages of one target. It knows nothing of storage: ``resolve`` gives each new series its number.

    ``resolve`` may say ``DROPPED``, which is remembered too; what it raises fails the page. ``keeps`` is asked instead
    where a page may be over its sample limit, so that such a page registers nothing; without it all series are kept.
    Without ``honor_timestamps`` the timestamps of a page are checked and then left out.
    """

    def __init__(self, resolve: Resolve, *, keeps: Keeps = lambda _: True, honor_timestamps: bool = True) -> None:
        self._resolve = resolve
        self._keeps = keeps
        self._honor_timestamps = honor_timestamps
        self._form = Format.TEXT
        self._memory = Memory()
        self._last = LastPage()
        self._asked = ("", 0)
        self._reading: Reading | None = None
        self._told: list[MetadataLine] = []
        self._metadata: dict[str, Metadata] = {}

    def read(self, body: bytes, content_type: str = "", sample_limit: int = 0) -> Reading:
        """Read one page. ``resolve`` is asked only after the whole page was found good.

        Raises:
            SyntaxFault: a line is not of the format; nothing of the page counts.
            TooManyLinesError: the page is far longer than any that is meant well.
            RefusedSeriesError: ``resolve`` raised it; nothing of the page counts.
            SampleLimitExceededError: more samples are kept than a ``sample_limit`` other than 0 allows.
            UnsupportedFormatError: the content type is one that we do not read.
        """
        asked = content_type, sample_limit
        values = self._last.values(body) if asked == self._asked else None
        if values is None or self._reading is None:
            self._reading = self._read_whole(body, content_type, sample_limit)
            self._last.learn(body, self._memory, self._reading.series, self._reading.values)
            self._asked = asked
        else:
            self._reading = replace(self._reading, values=values)
        return self._reading

    def _read_whole(self, body: bytes, content_type: str, sample_limit: int) -> Reading:
        form = format_of(content_type)
        if form is not self._form:
            # A line that is good in one format may be bad in the other.
            self._form, self._memory = form, Memory()
        lines, most = body.count(b"\n"), max(MOST_LINES, 2 * sample_limit)
        if lines > most:
            raise TooManyLinesError(lines, most)
        walk = Walk(body, GRAMMARS[form], self._memory, honor_timestamps=self._honor_timestamps)
        try:
            walk.read()
        except SyntaxFault as fault:
            fault.kept = self._count_kept(walk)
            raise
        if sample_limit and walk.samples > sample_limit:
            self._check_limit(walk, sample_limit)
        return self._settle(walk)

    def _check_limit(self, walk: Walk, sample_limit: int) -> None:
        """Refuse a page of which too much would be kept."""
        kept = self._count_kept(walk)
        if kept > sample_limit:
            raise SampleLimitExceededError(walk.samples, kept)

    def _count_kept(self, walk: Walk) -> int:
        """Count the samples of a page that would be kept."""
        fresh = np.array([0 if self._keeps(labels) else DROPPED for _, labels in walk.fresh()], np.int64)
        return _count_kept(walk.before(), fresh)

    def _settle(self, walk: Walk) -> Reading:
        fresh = self._number(walk)
        places, values = walk.plain
        numbers = _settled(places, fresh)
        kept = numbers != DROPPED
        series, values, duplicates = _first_of_each(numbers[kept], values[kept])
        stamped = _kept_of(walk, fresh)
        self._remember(walk, np.concatenate((series, stamped.series)))
        return Reading(
            series=series,
            values=values,
            stamped=stamped,
            metadata=self._metadata,
            samples=walk.samples,
            kept=len(series) + duplicates + len(stamped.series),
            duplicates=duplicates,
            exemplars=_numbered(walk.exemplars, fresh),
        )

    def _number(self, walk: Walk) -> IntArray:
        """Return the numbers of the new series of a page, int64[N]."""
        numbers: dict[bytes, int] = {}
        try:
            for text, labels in walk.fresh():
                numbers[text] = self._resolve(labels)
        except RefusedSeriesError as error:
            before = walk.before(FIRST_PLACE - len(numbers))
            error.samples, error.kept = len(before) + 1, _count_kept(before, _array_of(numbers))
            raise
        # Only now, so that pages which fail again and again with ever new series do not fill the memory.
        self._memory.series |= numbers
        return _array_of(numbers)

    def _remember(self, walk: Walk, series: IntArray) -> None:
        """Take over what a page told, and drop what it no longer holds once that is more than what it holds."""
        memory = self._memory
        memory.exemplars = walk.tails
        memory.comments |= walk.comments
        if walk.told != self._told:
            self._told, self._metadata = walk.told, gather_metadata(walk.told)
        if len(memory.series) > 2 * walk.samples + _SPARE_LINES:
            current = set(series.tolist())
            memory.series = {text: number for text, number in memory.series.items() if number in current}
        if len(memory.comments) > 2 * len(self._told) + _SPARE_LINES:
            told = {id(line) for line in self._told}
            memory.comments = {text: line for text, line in memory.comments.items() if id(line) in told}


def _array_of(numbers: Mapping[bytes, int]) -> IntArray:
    return np.fromiter(numbers.values(), np.int64, len(numbers))


def _count_kept(places: IntArray, fresh: IntArray) -> int:
    return int(np.count_nonzero(_settled(places, fresh) != DROPPED))


def _kept_of(walk: Walk, fresh: IntArray) -> StampedSamples:
    """Return the samples with timestamps of their own whose series are not dropped."""
    places, timestamps, values = walk.stamped
    numbers = _settled(places, fresh)
    kept = numbers != DROPPED
    return StampedSamples(numbers[kept], timestamps[kept], values[kept])


def _numbered(exemplars: Sequence[tuple[int, Exemplar]], fresh: IntArray) -> list[tuple[int, Exemplar]]:
    """Give exemplars the numbers of their series, and leave out those of dropped ones."""
    if not exemplars:
        return []
    numbers = _settled(np.array([place for place, _ in exemplars], np.int64), fresh).tolist()
    return [(number, exemplar) for number, (_, exemplar) in zip(numbers, exemplars, strict=True) if number != DROPPED]


def _settled(places: IntArray, fresh: IntArray) -> IntArray:
    """Replace the places of new series by the numbers that they were given."""
    new = places <= FIRST_PLACE
    places[new] = fresh[FIRST_PLACE - places[new]]
    return places


def _first_of_each(series: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray, int]:
    """Keep the first sample of each series, in the order of the page, and count the others."""
    _, first = np.unique(series, return_index=True)
    if len(first) == len(series):
        return series, values, 0
    first.sort()
    return series[first], values[first], len(series) - len(first)
