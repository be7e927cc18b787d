"""History as OpenMetrics: files with a timestamp at each sample, larger than memory, read piece by piece.

Such a file nearly always has many lines of one series in a row, or the same series again and again. So what follows a
series' text is cut out of a whole run of its lines at once, and a text that was met before is not looked at again. What
looks odd is read again with the grammar alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

import numpy as np

from dashboard.exposition import openmetrics
from dashboard.exposition.errors import SyntaxFault
from dashboard.exposition.reader import StampedSamples
from dashboard.exposition.syntax import LONGEST_TEXT, BadSyntaxError, SampleLine
from dashboard.exposition.values import parse_floats

Resolve = Callable[[Mapping[str, str]], int]
"""Turns the labels of a line (with the metric's name, and with empty values) into the number of its series."""

_PIECE = 1 << 20
_SHORT = 1 << 12
_MIXED = 1 << 16
_BETWEEN = b" \n "
_LONGEST_LINE_SHOWN = 4096
_END = re.compile(rb"# EOF\n?")


@dataclass(slots=True)
class _Piece:
    """What was read of one piece of the file; values and timestamps are still texts."""

    series: list[int] = field(default_factory=list)
    tokens: list[bytes] = field(default_factory=list)
    stamps: list[bytes] = field(default_factory=list)

    def add_run(self, number: int, prefix: bytes, lines: Sequence[bytes]) -> None:
        """Add lines of one series, all of which begin with ``prefix``.

        Raises:
            ValueError: one has less or more behind it than a value and a timestamp.
        """
        behind = len(prefix)
        parts = _BETWEEN.join([line[behind:] for line in lines]).split(b" ")
        ends = parts[2::3]
        if len(parts) != 3 * len(lines) - 1 or ends.count(b"\n") != len(ends):
            raise ValueError("a line is not a value and a timestamp")
        self.series += [number] * len(lines)
        self.tokens += parts[0::3]
        self.stamps += parts[1::3]

    def extend(self, other: _Piece) -> None:
        """Add what another piece holds."""
        self.series += other.series
        self.tokens += other.tokens
        self.stamps += other.stamps

    def samples(self) -> StampedSamples:
        """Read the numbers.

        Raises:
            ValueError: Prometheus refuses one of them.
        """
        values, timestamps = parse_floats(self.tokens), openmetrics.read_timestamps(self.stamps)
        return StampedSamples(np.array(self.series, np.int64), timestamps, values)


class HistoryReader:
    """Reads one file, once. ``latest`` (milliseconds) is the last timestamp that is taken.

    A sample without a timestamp is refused, exemplars and metadata are checked and left out.
    """

    def __init__(self, file: BinaryIO, resolve: Resolve, latest: int) -> None:
        self._file = file
        self._resolve = resolve
        self._latest = latest
        self._numbers: dict[bytes, int] = {}
        self._lines = 0
        self._samples = 0
        self._ended = False
        # How far we look for lines of one series: the farther, the longer they went on before.
        self._window = _SHORT

    def pieces(self) -> Iterator[tuple[StampedSamples, int]]:
        """Yield the samples of each piece, in the order of the file, with the number of bytes that were read for it.

        Raises:
            SyntaxFault: a line cannot be taken, or the file does not end with its mark.
        """
        rest = b""
        while read := self._file.read(_PIECE):
            body, end, after = (rest + read).rpartition(b"\n")
            rest = after
            if len(rest) > LONGEST_TEXT:
                self._fail(rest, f"a line is longer than {LONGEST_TEXT} bytes")
            if end:
                yield self._samples_of(body + end), len(read)
        if rest:
            yield self._samples_of(rest), 0
        if not self._ended:
            self._fail(b"", openmetrics.UNENDED)

    def _samples_of(self, body: bytes) -> StampedSamples:
        """Read whole lines, as fast as they allow."""
        if self._ended:
            raise SyntaxFault(openmetrics.BEHIND_THE_END, self._lines, b"# EOF", self._samples)
        try:
            samples = self._read(body)
        except (BadSyntaxError, ValueError):
            # Not all of it was as it seemed: line by line, the grammar tells what is wrong, and where.
            samples = self._read_strictly(body)
        self._lines += body.count(b"\n")
        self._samples += len(samples.series)
        return samples

    def _read(self, body: bytes) -> StampedSamples:
        piece = _Piece()
        at = 0
        while at < len(body):
            text = _text_of(body, at)
            prefix = text + b" "
            number = self._numbers.get(text)
            if number is None:
                at = self._read_entry(piece, body, at)
            elif body.startswith(prefix, body.find(b"\n", at) + 1):
                at = self._read_run(piece, body, at, number, prefix)
            else:
                at = self._read_mixed(piece, body, at)
        return self._checked(piece)

    def _read_run(self, piece: _Piece, body: bytes, at: int, number: int, prefix: bytes) -> int:
        """Read lines of one series, and return the place behind them."""
        seen = body[at : _window_end(body, at, self._window)]
        lines = seen.removesuffix(b"\n").split(b"\n")
        if seen.count(b"\n" + prefix) == len(lines) - 1:
            self._window = min(2 * self._window, _PIECE)
            piece.add_run(number, prefix, lines)
            return at + len(seen)
        self._window = _SHORT
        lines = list(itertools.takewhile(lambda line: line.startswith(prefix), lines))
        piece.add_run(number, prefix, lines)
        return at + sum(map(len, lines)) + len(lines)

    def _read_mixed(self, piece: _Piece, body: bytes, at: int) -> int:
        """Read some lines of different series one by one, and return the place behind them."""
        known = self._numbers.get
        for line in body[at : _window_end(body, at, _MIXED)].split(b"\n"):
            text, _, stamp = line.rpartition(b" ")
            text, _, token = text.rpartition(b" ")
            number = known(text)
            if number is None:
                return self._read_entry(piece, body, at) if line else at
            piece.series.append(number)
            piece.tokens.append(token)
            piece.stamps.append(stamp)
            at += len(line) + 1
        return at

    def _read_strictly(self, body: bytes) -> StampedSamples:
        whole = _Piece()
        at = 0
        while at < len(body):
            piece = _Piece()
            try:
                behind = self._read_entry(piece, body, at)
                self._checked(piece)
            except (BadSyntaxError, ValueError) as error:
                self._samples += len(whole.series)
                self._fail(body, str(error), at)
            whole.extend(piece)
            at = behind
        return self._checked(whole)

    def _read_entry(self, piece: _Piece, body: bytes, at: int) -> int:
        """Read one entry with the grammar, and return the place behind it."""
        if _END.match(body, at):
            self._ended = True
        entry, behind = openmetrics.read_entry(body, at)
        if isinstance(entry, SampleLine):
            if not entry.stamp:
                raise BadSyntaxError("the sample has no timestamp")
            number = self._numbers.get(entry.series)
            if number is None:
                number = self._numbers[entry.series] = self._resolve(entry.labels)
            piece.series.append(number)
            piece.tokens.append(entry.token)
            piece.stamps.append(entry.stamp)
        return behind

    def _checked(self, piece: _Piece) -> StampedSamples:
        samples = piece.samples()
        if len(samples.timestamps) and samples.timestamps.max() > self._latest:
            raise ValueError("the timestamp lies in the future; OpenMetrics has seconds since 1970")
        return samples

    def _fail(self, body: bytes, reason: str, at: int = 0) -> NoReturn:
        line = body[at : at + _LONGEST_LINE_SHOWN].partition(b"\n")[0]
        raise SyntaxFault(reason, self._lines + body.count(b"\n", 0, at) + 1, line, self._samples)


def _text_of(body: bytes, at: int) -> bytes:
    """Return the text that names the series of a line with a timestamp."""
    end = body.find(b"\n", at)
    line = body[at : end if end >= 0 else len(body)]
    return line.rpartition(b" ")[0].rpartition(b" ")[0]


def _window_end(body: bytes, at: int, length: int) -> int:
    """Return the place behind the last whole line that lies within ``length`` bytes, or behind the first one."""
    if len(body) - at <= length:
        return len(body)
    end = body.rfind(b"\n", at, at + length)
    if end < 0:
        end = body.find(b"\n", at)
    return end + 1 if end >= 0 else len(body)
