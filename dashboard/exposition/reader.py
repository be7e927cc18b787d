"""The pages of one target, scrape after scrape: each line's names are looked at once, then only its value.

A page nearly always repeats the series of the last one. So the reader remembers the text that names a series together
with its number, and takes any line that it does not know through the full grammar. Should a remembered line end in
anything but a number (a tab and a timestamp, say), the whole page goes that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dashboard.exposition.errors import SampleLimitExceededError, TooManyLinesError
from dashboard.exposition.page import Metadata, format_of
from dashboard.exposition.parser import GRAMMARS, Grammar, gather_metadata, raise_fault
from dashboard.exposition.syntax import BadSyntaxError, Entry, MetadataLine, SampleLine
from dashboard.exposition.values import parse_floats
from dashboard.model.samples import FloatArray, IntArray

Resolve = Callable[[Mapping[str, str]], int]
"""Turns the labels of a line (with the metric's name, and with empty values) into the number of its series."""

# A page is split into lines in pieces, so that an enormous one does not become an enormous list.
_PIECE = 256 * 1024
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

    ``samples`` counts the sample lines of the page, ``duplicates`` those left out because their series had come before.
    """

    series: IntArray
    values: FloatArray
    stamped: StampedSamples
    metadata: Mapping[str, Metadata]
    samples: int
    duplicates: int


class PageReader:
    """Reads the pages of one target. It knows nothing of storage: ``resolve`` gives each new series its number."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._known: dict[bytes, int] = {}
        self._comments: dict[bytes, MetadataLine] = {}
        self._told: list[MetadataLine] = []
        self._metadata: dict[str, Metadata] = {}

    def read(self, body: bytes, content_type: str = "", sample_limit: int = 0) -> Reading:
        """Read one page. ``resolve`` is asked only after the whole page was found good.

        Raises:
            SyntaxFault: a line is not of the format; nothing of the page counts.
            TooManyLinesError: the page is far longer than any that is meant well.
            SampleLimitExceededError: the page holds more samples than a ``sample_limit`` other than 0 allows.
            UnsupportedFormatError: the content type is one that we do not read.
        """
        grammar = GRAMMARS[format_of(content_type)]
        lines, most = body.count(b"\n"), max(MOST_LINES, 2 * sample_limit)
        if lines > most:
            raise TooManyLinesError(lines, most)
        try:
            walk = _Walk(body, grammar, self._known, self._comments)
        except _NotANumberError:
            walk = _Walk(body, grammar, {}, {}, trusting=False)
        if sample_limit and walk.samples > sample_limit:
            raise SampleLimitExceededError(walk.samples)
        return self._settle(walk)

    def _settle(self, walk: _Walk) -> Reading:
        fresh = self._number_fresh(walk)
        series, values, duplicates = _first_of_each(_settled(walk.series, fresh), walk.values)
        stamped = _settled(walk.stamped_series, fresh)
        self._comments |= walk.new_comments
        if walk.told != self._told:
            self._told, self._metadata = walk.told, gather_metadata(walk.told)
        self._forget(walk.samples, np.concatenate((series, stamped)))
        return Reading(
            series=series,
            values=values,
            stamped=StampedSamples(
                stamped, np.array(walk.timestamps, np.int64), np.array(walk.stamped_values, np.float64)
            ),
            metadata=self._metadata,
            samples=walk.samples,
            duplicates=duplicates,
        )

    def _number_fresh(self, walk: _Walk) -> IntArray:
        for line in walk.fresh:
            if line.series not in self._known:
                self._known[line.series] = self._resolve(line.labels)
        return np.array([self._known[line.series] for line in walk.fresh], np.int64)

    def _forget(self, samples: int, series: IntArray) -> None:
        """Drop the lines that the page no longer holds, once they are more than those it holds."""
        if len(self._known) > 2 * samples + _SPARE_LINES:
            current = set(series.tolist())
            self._known = {text: number for text, number in self._known.items() if number in current}
        if len(self._comments) > 2 * len(self._told) + _SPARE_LINES:
            told = {id(line) for line in self._told}
            self._comments = {text: line for text, line in self._comments.items() if id(line) in told}


class _NotANumberError(Exception):
    """A line that was known by its beginning ends in something that is no number."""


class _Walk:
    """One pass over a page. New series have the places -1, -2, ... in ``series`` until they are given their numbers.

    A pass that is not ``trusting`` takes each line through the grammar, even where the same series came before.
    """

    def __init__(
        self,
        body: bytes,
        grammar: Grammar,
        known: Mapping[bytes, int],
        comments: Mapping[bytes, MetadataLine],
        *,
        trusting: bool = True,
    ) -> None:
        self._trusting = trusting
        self._body = body
        self._grammar = grammar
        self._known = known
        self._comments = comments
        self._places: dict[bytes, int] = {}
        self.fresh: list[SampleLine] = []
        self.samples = 0
        self._series: list[IntArray] = [np.empty(0, np.int64)]
        self._values: list[FloatArray] = [np.empty(0, np.float64)]
        self._stamped_series: list[int] = []
        self.timestamps: list[int] = []
        self.stamped_values: list[float] = []
        self.told: list[MetadataLine] = []
        self.new_comments: dict[bytes, MetadataLine] = {}
        at = 0
        while at < len(body):
            at = self._read_piece(at)
        self._end()

    @property
    def series(self) -> IntArray:
        """Numbers and places of the series of ``values``, int64[N]."""
        return np.concatenate(self._series)

    @property
    def values(self) -> FloatArray:
        """The values of the samples without timestamps, float64[N]."""
        return np.concatenate(self._values)

    @property
    def stamped_series(self) -> IntArray:
        """Numbers and places of the series whose samples have timestamps, int64[M]."""
        return np.array(self._stamped_series, np.int64)

    def _read_piece(self, start: int) -> int:
        lines, end = self._split(start)
        numbers: list[int] = []
        tokens: list[bytes] = []
        known, comments = self._known.get, self._comments.get
        places = self._places.get if self._trusting else known
        walk = enumerate(lines)
        met, at = 0, start
        for index, line in walk:
            text, _, token = line.rpartition(b" ")
            number = known(text)
            if number is None:
                number = places(text)
            if number is not None:
                numbers.append(number)
                tokens.append(token)
            elif told := comments(line):
                self.told.append(told)
            else:
                # Places are counted only where a line needs its own.
                at += sum(map(len, lines[met:index])) + index - met
                met = index
                behind = self._read_line(line, at, numbers, tokens)
                end = max(end, behind)
                self._skip(walk, at, behind)
        self._keep(numbers, tokens)
        return end

    def _split(self, start: int) -> tuple[list[bytes], int]:
        """Return the lines of the next piece and the place behind it."""
        end = self._body.rfind(b"\n", start, start + _PIECE)
        if end < 0:
            end = self._body.find(b"\n", start)
        if end < 0:
            end = len(self._body)
        return self._body[start:end].split(b"\n"), end + 1

    def _read_line(self, line: bytes, at: int, numbers: list[int], tokens: list[bytes]) -> int:
        try:
            entry, behind = self._grammar.read_entry(self._body, at)
        except BadSyntaxError as error:
            # A line above this one may be bad as well, and is then the one to name.
            self._keep(numbers, tokens)
            raise_fault(self._body, at, error, self.samples)
        self._take(entry, line, numbers, tokens)
        return behind

    def _take(self, entry: Entry, line: bytes, numbers: list[int], tokens: list[bytes]) -> None:
        if isinstance(entry, MetadataLine):
            self.told.append(entry)
            self.new_comments[line] = entry
        elif isinstance(entry, SampleLine):
            place = self._place(entry)
            if entry.timestamp is None:
                numbers.append(place)
                tokens.append(entry.token)
            else:
                self.samples += 1
                self._stamped_series.append(place)
                self.timestamps.append(entry.timestamp)
                self.stamped_values.append(entry.value)

    def _place(self, entry: SampleLine) -> int:
        number = self._known.get(entry.series)
        if number is not None:
            return number
        place = self._places.setdefault(entry.series, -1 - len(self.fresh))
        if place == -1 - len(self.fresh):
            self.fresh.append(entry)
        return place

    def _skip(self, walk: Iterator[tuple[int, bytes]], at: int, behind: int) -> None:
        """Pass over the further lines of an entry: values of the text format may hold line ends."""
        for _ in range(self._body.count(b"\n", at, behind - 1)):
            next(walk, None)

    def _keep(self, numbers: list[int], tokens: list[bytes]) -> None:
        try:
            self._values.append(parse_floats(tokens))
        except ValueError as error:
            raise _NotANumberError from error
        self._series.append(np.array(numbers, np.int64))
        self.samples += len(numbers)

    def _end(self) -> None:
        try:
            self._grammar.check_end(self._body)
        except BadSyntaxError as error:
            raise_fault(self._body, len(self._body), error, self.samples)


def _settled(places: IntArray, fresh: IntArray) -> IntArray:
    """Replace the places of new series by the numbers that they were given."""
    new = places < 0
    places[new] = fresh[-1 - places[new]]
    return places


def _first_of_each(series: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray, int]:
    """Keep the first sample of each series, in the order of the page, and count the others."""
    _, first = np.unique(series, return_index=True)
    if len(first) == len(series):
        return series, values, 0
    first.sort()
    return series[first], values[first], len(series) - len(first)
