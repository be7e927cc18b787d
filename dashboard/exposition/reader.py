"""The pages of one target, scrape after scrape: each line's names are looked at once, then only its value.

A page nearly always repeats the series of the last one. So the reader remembers the text that names a series together
with its number, and takes any line that it does not know through the full grammar. Should a remembered line end in
anything but a number (a tab and a timestamp, say), the whole page goes that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.exposition.errors import SampleLimitExceededError, TooManyLinesError
from dashboard.exposition.page import Metadata, format_of
from dashboard.exposition.parser import GRAMMARS, Grammar, gather_metadata, raise_fault
from dashboard.exposition.syntax import BadSyntaxError, Entry, MetadataLine, SampleLine
from dashboard.exposition.values import parse_floats
from dashboard.model.exemplar import Exemplar
from dashboard.model.samples import FloatArray, IntArray

DROPPED = -1
"""The number that says of a series that it is not to be stored."""

Resolve = Callable[[Mapping[str, str]], int]
"""Turns the labels of a line (with the metric's name, and with empty values) into the number of its series."""

Keeps = Callable[[Mapping[str, str]], bool]
"""Says of the labels of a line, without any effect, whether its series would be stored."""

# A page is split into lines in pieces, so that an enormous one does not become an enormous list.
_PIECE = 256 * 1024
_SPARE_LINES = 1000
_FIRST_PLACE = DROPPED - 1

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

    ``samples`` counts the sample lines of the page, ``kept`` those of series that are not dropped, and ``duplicates`` those
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
        self._known: dict[bytes, int] = {}
        self._comments: dict[bytes, MetadataLine] = {}
        self._told: list[MetadataLine] = []
        self._metadata: dict[str, Metadata] = {}

    def read(self, body: bytes, content_type: str = "", sample_limit: int = 0) -> Reading:
        """Read one page. ``resolve`` is asked only after the whole page was found good.

        Raises:
            SyntaxFault: a line is not of the format; nothing of the page counts.
            TooManyLinesError: the page is far longer than any that is meant well.
            SampleLimitExceededError: more samples are kept than a ``sample_limit`` other than 0 allows.
            UnsupportedFormatError: the content type is one that we do not read.
        """
        grammar = GRAMMARS[format_of(content_type)]
        lines, most = body.count(b"\n"), max(MOST_LINES, 2 * sample_limit)
        if lines > most:
            raise TooManyLinesError(lines, most)
        try:
            walk = _Walk(body, grammar, self._known, self._comments, honor_timestamps=self._honor_timestamps)
        except _NotANumberError:
            walk = _Walk(body, grammar, {}, {}, trusting=False, honor_timestamps=self._honor_timestamps)
        if sample_limit and walk.samples > sample_limit:
            self._check_limit(walk, sample_limit)
        return self._settle(walk)

    def _check_limit(self, walk: _Walk, sample_limit: int) -> None:
        """Count what would be kept of a page that may hold too much."""
        fresh = np.array([0 if self._would_keep(line) else DROPPED for line in walk.fresh], np.int64)
        kept = sum(
            int(np.count_nonzero(_settled(places, fresh) != DROPPED)) for places in (walk.series, walk.stamped_series)
        )
        if kept > sample_limit:
            raise SampleLimitExceededError(walk.samples, kept)

    def _would_keep(self, line: SampleLine) -> bool:
        known = self._known.get(line.series)
        return self._keeps(line.labels) if known is None else known != DROPPED

    def _settle(self, walk: _Walk) -> Reading:
        fresh = self._number_fresh(walk)
        plain, stamped = _settled(walk.series, fresh), _settled(walk.stamped_series, fresh)
        plain_kept, stamped_kept = plain != DROPPED, stamped != DROPPED
        stamped = stamped[stamped_kept]
        series, values, duplicates = _first_of_each(plain[plain_kept], walk.values[plain_kept])
        self._comments |= walk.new_comments
        if walk.told != self._told:
            self._told, self._metadata = walk.told, gather_metadata(walk.told)
        self._forget(walk.samples, np.concatenate((series, stamped)))
        return Reading(
            series=series,
            values=values,
            stamped=StampedSamples(
                stamped,
                np.array(walk.timestamps, np.int64)[stamped_kept],
                np.array(walk.stamped_values, np.float64)[stamped_kept],
            ),
            metadata=self._metadata,
            samples=walk.samples,
            kept=len(series) + duplicates + len(stamped),
            duplicates=duplicates,
            exemplars=(),
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
    """One pass over a page. New series have the places -2, -3, ... in ``series`` until they are given their numbers.

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
        honor_timestamps: bool,
    ) -> None:
        self._trusting = trusting
        self._honor_timestamps = honor_timestamps
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
            if entry.timestamp is None or not self._honor_timestamps:
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
        place = self._places.setdefault(entry.series, _FIRST_PLACE - len(self.fresh))
        if place == _FIRST_PLACE - len(self.fresh):
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
    new = places <= _FIRST_PLACE
    places[new] = fresh[_FIRST_PLACE - places[new]]
    return places


def _first_of_each(series: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray, int]:
    """Keep the first sample of each series, in the order of the page, and count the others."""
    _, first = np.unique(series, return_index=True)
    if len(first) == len(series):
        return series, values, 0
    first.sort()
    return series[first], values[first], len(series) - len(first)
