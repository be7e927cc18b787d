"""One pass over a page: a line known from earlier pages gives only its numbers, an odd one goes through the grammar.

Should a line that looked well known not be what it seemed (it ends in a tab and a timestamp, say), its piece of the
page is read again with the grammar alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dashboard.exposition.openmetrics import MARK, read_exemplar, supports_exemplars
from dashboard.exposition.parser import Grammar, raise_fault
from dashboard.exposition.syntax import LONGEST_TEXT, BadSyntaxError, MetadataLine, SampleLine, plain_labels
from dashboard.exposition.values import parse_floats
from dashboard.model.exemplar import Exemplar
from dashboard.model.samples import FloatArray, IntArray

FIRST_PLACE = -2
"""Series without numbers have the places -2, -3, ...; -1 is the number of those that are dropped."""

# A page is split into lines in pieces, so that an enormous one does not become an enormous list.
_PIECE = 256 * 1024
# The labels of more new series than these are not kept until the page was found good, but read from their texts again.
_MOST_LABEL_SETS = 100_000


@dataclass(slots=True)
class Memory:
    """What is known of a target's lines: series and their numbers, lines of metadata, exemplars of the last page."""

    series: dict[bytes, int] = field(default_factory=dict)
    comments: dict[bytes, MetadataLine] = field(default_factory=dict)
    exemplars: dict[bytes, Exemplar] = field(default_factory=dict)


@dataclass(slots=True)
class _Piece:
    """What was read of one piece of a page; values and timestamps are still texts."""

    places: list[int] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    stamped_places: list[int] = field(default_factory=list)
    stamped_tokens: list[bytes] = field(default_factory=list)
    stamps: list[bytes] = field(default_factory=list)
    stamped_after: list[int] = field(default_factory=list)
    """How many samples without timestamps stand before each with one."""
    told: list[MetadataLine] = field(default_factory=list)
    comments: dict[bytes, MetadataLine] = field(default_factory=dict)
    exemplars: list[tuple[int, Exemplar, int | None]] = field(default_factory=list)
    """Each with the place of its series, and the index of its sample's timestamp where there is one."""
    tails: dict[bytes, Exemplar] = field(default_factory=dict)


class _DoubtError(Exception):
    """A line is not what it seemed; the grammar will tell."""


class Walk:
    """One pass over a page; without ``honor_timestamps`` timestamps are checked and then left out.

    Series whose numbers are not known yet are in :meth:`fresh`, in the order of their places.
    """

    def __init__(self, body: bytes, grammar: Grammar, memory: Memory, *, honor_timestamps: bool) -> None:
        self._body = body
        self._grammar = grammar
        self._memory = memory
        self._honor_timestamps = honor_timestamps
        self._places: dict[bytes, int] = {}
        self._fresh: list[tuple[bytes, Mapping[str, str] | None]] = []
        self._series: list[IntArray] = [np.empty(0, np.int64)]
        self._values: list[FloatArray] = [np.empty(0, np.float64)]
        self._stamped_series: list[IntArray] = [np.empty(0, np.int64)]
        self._stamped_values: list[FloatArray] = [np.empty(0, np.float64)]
        self._timestamps: list[IntArray] = [np.empty(0, np.int64)]
        self._stamped_after: list[IntArray] = [np.empty(0, np.int64)]
        self.samples = 0
        self.told: list[MetadataLine] = []
        self.comments: dict[bytes, MetadataLine] = {}
        self.exemplars: list[tuple[int, Exemplar]] = []
        self.tails: dict[bytes, Exemplar] = {}

    def read(self) -> None:
        """Read the page; what was read before a fault is there, too.

        Raises:
            SyntaxFault: a line is not of the format.
        """
        at = 0
        while at < len(self._body):
            at = self._read_piece(at)
        self._end()

    @property
    def plain(self) -> tuple[IntArray, FloatArray]:
        """The samples that take the scrape's timestamp: numbers and places of series int64[N], values float64[N]."""
        return np.concatenate(self._series), np.concatenate(self._values)

    @property
    def stamped(self) -> tuple[IntArray, IntArray, FloatArray]:
        """The samples with timestamps of their own: series int64[M], timestamps int64[M], values float64[M]."""
        return (
            np.concatenate(self._stamped_series),
            np.concatenate(self._timestamps),
            np.concatenate(self._stamped_values),
        )

    def before(self, place: int | None = None) -> IntArray:
        """Return the number or place of each sample's series, up to the first one of a place, or of the whole page."""
        after, stamped = np.concatenate(self._stamped_after), np.concatenate(self._stamped_series)
        places = np.insert(np.concatenate(self._series), after, stamped)
        return places if place is None else places[: np.argmax(places == place)]

    def fresh(self) -> Iterator[tuple[bytes, Mapping[str, str]]]:
        """Return text and labels of each series whose number is not known yet."""
        for text, labels in self._fresh:
            yield text, labels or plain_labels(text) or {}

    def _read_piece(self, start: int) -> int:
        end = self._piece_end(start)
        if end - start > LONGEST_TEXT:
            return self._read_alone(start)
        known = len(self._fresh)
        try:
            return self._read_lines(start, end, self._memory, trusting=True)
        except _DoubtError:
            for series, _ in self._fresh[known:]:
                del self._places[series]
            del self._fresh[known:]
            return self._read_lines(start, end, Memory(), trusting=False)

    def _read_alone(self, start: int) -> int:
        """Read an enormous line without a copy of it, and return the place behind."""
        piece = _Piece()
        behind = self._read_entry(piece, b"", start, trusting=False)
        self._keep(piece)
        return behind

    def _read_lines(self, start: int, end: int, memory: Memory, *, trusting: bool) -> int:
        """Read the lines of a piece and return the place behind it; unless ``trusting``, with the grammar alone."""
        lines = self._body[start:end].split(b"\n")
        end += 1
        piece = _Piece()
        known, comments = memory.series.get, memory.comments.get
        places = self._places.get if trusting else known
        put, put_token = piece.places.append, piece.tokens.append
        walk = enumerate(lines)
        met, at = 0, start
        for index, line in walk:
            text, _, token = line.rpartition(b" ")
            place = known(text)
            if place is None:
                place = places(text)
            if place is not None:
                put(place)
                put_token(token)
            elif told := comments(line):
                piece.told.append(told)
            elif not (trusting and self._take(piece, line, text, token)):
                # Places in the page are counted only where a line needs its own.
                at += sum(map(len, lines[met:index])) + index - met
                met = index
                behind = self._read_entry(piece, line, at, trusting=trusting)
                end = max(end, behind)
                self._skip(walk, at, behind)
        self._keep(piece)
        return end

    def _piece_end(self, start: int) -> int:
        """Return where the last line of the next piece ends."""
        end = self._body.rfind(b"\n", start, start + _PIECE)
        if end < 0:
            end = self._body.find(b"\n", start)
        return end if end >= 0 else len(self._body)

    def _take(self, piece: _Piece, line: bytes, text: bytes, token: bytes) -> bool:
        """Take a line with a timestamp or an exemplar, or one of a new series; leave odd ones to the grammar."""
        exemplar = None
        if self._grammar.has_exemplars and MARK in line:
            head = line.partition(MARK)[0]
            exemplar = self._exemplar(piece, line, len(head))
            text, _, token = head.rpartition(b" ")
            if exemplar is None or not supports_exemplars(text.partition(b"{")[0]):
                return False
        parts = self._parts(text, token) if token else None
        if parts is None:
            return False
        self._put(piece, *parts, exemplar)
        return True

    def _parts(self, text: bytes, token: bytes) -> tuple[int, bytes, bytes] | None:
        """Return the number or place of a line's series, the text of its value, and that of its timestamp."""
        stamp = b""
        if b" " in text and not text.endswith(b"}"):
            stamp = token
            text, _, token = text.rpartition(b" ")
        place = self._known(text)
        if place is None:
            place = self._new(text)
        return None if place is None else (place, token, stamp)

    def _known(self, text: bytes) -> int | None:
        place = self._memory.series.get(text)
        return self._places.get(text) if place is None else place

    def _new(self, text: bytes) -> int | None:
        """Give a series a place, if its text is plainly written."""
        labels = plain_labels(text)
        if labels is None:
            return None
        return self._enter(text, labels if len(self._fresh) < _MOST_LABEL_SETS else None)

    def _enter(self, text: bytes, labels: Mapping[str, str] | None) -> int:
        place = self._places[text] = FIRST_PLACE - len(self._fresh)
        self._fresh.append((text, labels))
        return place

    def _put(self, piece: _Piece, place: int, token: bytes, stamp: bytes, exemplar: Exemplar | None) -> None:
        honored = bool(stamp) and self._honor_timestamps
        if exemplar:
            piece.exemplars.append((place, exemplar, len(piece.stamps) if honored else None))
        (piece.stamped_places if honored else piece.places).append(place)
        (piece.stamped_tokens if honored else piece.tokens).append(token)
        if honored:
            piece.stamped_after.append(len(piece.places))
        if stamp:
            piece.stamps.append(stamp)

    def _exemplar(self, piece: _Piece, line: bytes, at: int) -> Exemplar | None:
        """Read the exemplar with which a line ends, or take it as it was in the last page."""
        tail = line[at:]
        exemplar = self._memory.exemplars.get(tail)
        if exemplar is None:
            try:
                exemplar, end = read_exemplar(line, at)
            except BadSyntaxError:
                return None
            if end < len(line):
                return None
        piece.tails[tail] = exemplar
        return exemplar

    def _read_entry(self, piece: _Piece, line: bytes, at: int, *, trusting: bool) -> int:
        try:
            entry, behind = self._grammar.read_entry(self._body, at)
        except BadSyntaxError as error:
            if trusting:
                # A line above this one may be bad as well, and is then the one to name.
                raise _DoubtError from error
            self._keep(piece)
            raise_fault(self._body, at, error, self.samples)
        if isinstance(entry, MetadataLine):
            piece.told.append(entry)
            # One that runs over several lines, with a name in quotes, is not known by its first.
            if behind - at == len(line) + 1:
                piece.comments[line] = entry
        elif isinstance(entry, SampleLine):
            place = self._known(entry.series)
            if place is None:
                place = self._enter(entry.series, entry.labels)
            self._put(piece, place, entry.token, entry.stamp, entry.exemplar)
        return behind

    def _skip(self, walk: Iterator[tuple[int, bytes]], at: int, behind: int) -> None:
        """Pass over the further lines of an entry: values of the text format may hold line ends."""
        for _ in range(self._body.count(b"\n", at, behind - 1)):
            next(walk, None)

    def _keep(self, piece: _Piece) -> None:
        """Read the numbers of a piece, and add it to the page."""
        try:
            values, stamped_values = parse_floats(piece.tokens), parse_floats(piece.stamped_tokens)
            timestamps = self._grammar.read_timestamps(piece.stamps)
        except ValueError as error:
            raise _DoubtError from error
        self._stamped_after.append(np.array(piece.stamped_after, np.int64) + sum(map(len, self._series)))
        self._series.append(np.array(piece.places, np.int64))
        self._values.append(values)
        self._stamped_series.append(np.array(piece.stamped_places, np.int64))
        self._stamped_values.append(stamped_values)
        self._timestamps.append(timestamps[: len(stamped_values)])
        self.samples += len(values) + len(stamped_values)
        self.told += piece.told
        self.comments |= piece.comments
        self.tails |= piece.tails
        for place, exemplar, stamp in piece.exemplars:
            bare = exemplar.timestamp is None and stamp is not None
            self.exemplars.append((place, replace(exemplar, timestamp=int(timestamps[stamp])) if bare else exemplar))

    def _end(self) -> None:
        try:
            self._grammar.check_end(self._body)
        except BadSyntaxError as error:
            raise_fault(self._body, len(self._body), error, self.samples)
