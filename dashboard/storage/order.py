"""The last sample of every series: what tells a new sample from a repeated or late one.

As in Prometheus (``memSeries.appendable`` in tsdb/head_append.go), a sample must be newer than its series' last one.
With the same timestamp and the same bits it is a repetition and nothing happens; else it is dropped and counted.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.model.samples import BoolArray, FloatArray, IntArray
from dashboard.storage.damage import Damage
from dashboard.storage.scan import scan

_ROW = {"time": int, "bits": int}
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which samples may be stored, and how many of the others must be counted."""

    accepted: BoolArray
    late: BoolArray
    """Which samples may be stored though their series have newer ones."""
    duplicates: int
    out_of_order: int


_SAVE = """INSERT INTO series_last (id, time, bits) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET time = excluded.time, bits = excluded.bits WHERE excluded.time > time"""


def save_last(connection: sqlite3.Connection, series: IntArray, times: IntArray, bits: IntArray) -> None:
    """Write last samples that nothing else on disk would tell at the next start."""
    connection.executemany(_SAVE, zip(series.tolist(), times.tolist(), bits.tolist(), strict=True))


class LastSamples:
    """The last accepted timestamp and value of each series, by number. Not thread-safe."""

    def __init__(self) -> None:
        self.newest = NEVER
        """The newest timestamp of all."""
        self._times = np.empty(0, dtype=np.int64)
        self._bits = np.empty(0, dtype=np.uint64)

    def times(self, series: IntArray) -> IntArray:
        """Return the last timestamps; ``NEVER`` where a series has no sample."""
        times = self._times
        known = series < len(times)
        return np.where(known, times[np.where(known, series, 0)], NEVER) if len(times) else np.full(len(series), NEVER)

    def accept_row(self, series: IntArray, timestamp: int, values: FloatArray, window: int = 0) -> Verdict:
        """Judge and remember one sample of each of several different series.

        A late one may be stored if it is at most ``window`` older than the newest of all before; none is if that is 0.
        """
        self._reach(series)
        oldest = self._raise_newest(series, timestamp, window)
        bits = values.view(np.uint64)
        last = self._times[series]
        accepted = last < timestamp
        if accepted.all():
            self._times[series] = timestamp
            self._bits[series] = bits
            return Verdict(accepted, np.zeros(len(series), dtype=np.bool_), 0, 0)
        late = (last > timestamp) & (timestamp >= oldest)
        refused = int(np.count_nonzero((last > timestamp) & ~late))
        duplicates = int(np.count_nonzero((last == timestamp) & (self._bits[series] != bits)))
        self._times[series[accepted]] = timestamp
        self._bits[series[accepted]] = bits[accepted]
        return Verdict(accepted, late, duplicates, refused)

    def accept_points(self, series: IntArray, timestamps: IntArray, values: FloatArray, window: int = 0) -> Verdict:
        """Judge and remember samples with timestamps of their own, as if they came one after the other."""
        self._reach(series)
        if not len(series):
            nothing = np.zeros(0, dtype=np.bool_)
            return Verdict(nothing, nothing, 0, 0)
        oldest = self._raise_newest(series, int(timestamps.max()), window)
        order = np.argsort(series, kind="stable")
        numbers, times, bits = series[order], timestamps[order], values.view(np.uint64)[order]
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        newest = self._newest_before(numbers, times, starts)
        accepted = times > newest
        before = self._bits_before(numbers, bits, accepted, starts)
        duplicates = int(np.count_nonzero((times == newest) & (bits != before)))
        old = times < newest
        late = old & (times >= oldest)
        # Written in order, so the last accepted sample of each series stays.
        self._times[numbers[accepted]] = times[accepted]
        self._bits[numbers[accepted]] = bits[accepted]
        in_order, behind = np.empty_like(accepted), np.empty_like(late)
        in_order[order], behind[order] = accepted, late
        return Verdict(in_order, behind, duplicates, int(np.count_nonzero(old & ~late)))

    def raise_to(self, series: IntArray, times: IntArray, bits: npt.NDArray[np.uint64]) -> None:
        """Remember samples that were stored elsewhere, one of each series, where they are newer."""
        self._reach(series)
        self.newest = max(self.newest, int(times.max(initial=NEVER)))
        newer = times > self._times[series]
        self._times[series[newer]] = times[newer]
        self._bits[series[newer]] = bits[newer]

    def forget(self, series: IntArray) -> None:
        """Forget series that have no sample left."""
        known = series[series < len(self._times)]
        self._times[known] = NEVER

    def load(self, connection: sqlite3.Connection, damage: Damage, count: int) -> None:
        """Read the table ``series_last``: the last samples that are in blocks, of ``count`` series."""
        # A number that was never given is damaged.
        rows = [row for row in scan(connection, "series_last", _ROW, damage) if row[0] < count]
        if rows:
            table = np.array(rows, dtype=np.int64)
            self.raise_to(table[:, 0], table[:, 1], np.ascontiguousarray(table[:, 2]).view(np.uint64))

    def latest(self, series: IntArray, times: IntArray) -> BoolArray:
        """Say of timestamps whether they are their series' last ones."""
        return self.times(series) <= times

    def bits(self, series: IntArray) -> IntArray:
        """Return the bits of the last values of series that have samples."""
        return self._bits[series].view(np.int64)

    def _raise_newest(self, series: IntArray, timestamp: int, window: int) -> int:
        """Return from when on late samples are taken, judged by what was the newest before these; note the new one."""
        oldest = max(NEVER, self.newest - window) if window else np.iinfo(np.int64).max
        if len(series):
            self.newest = max(self.newest, timestamp)
        return int(oldest)

    def _newest_before(self, numbers: IntArray, times: IntArray, starts: IntArray) -> IntArray:
        """Return for each sample the newest timestamp before it in its series: stored, or earlier in this call."""
        # Ranks keep the running maximum of one series from reaching into the next.
        _, ranks = np.unique(times, return_inverse=True)
        runs = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(numbers)))
        highest = np.maximum.accumulate(runs * len(numbers) + ranks) % len(numbers)
        stored = self._times[numbers]
        running = np.sort(np.unique(times))[highest]
        newest = stored.copy()
        newest[1:] = np.maximum(stored[1:], running[:-1])
        newest[starts] = stored[starts]
        return newest

    def _bits_before(
        self, numbers: IntArray, bits: npt.NDArray[np.uint64], accepted: BoolArray, starts: IntArray
    ) -> npt.NDArray[np.uint64]:
        """Return for each sample the value of the last accepted one before it in its series."""
        places = np.arange(len(numbers))
        holders = np.maximum.accumulate(np.where(accepted, places, -1))
        previous = np.concatenate([[-1], holders[:-1]])
        first = np.repeat(starts, np.diff(starts, append=len(numbers)))
        return np.where(previous >= first, bits[previous], self._bits[numbers])

    def _reach(self, series: IntArray) -> None:
        needed = int(series.max(initial=-1)) + 1
        missing = needed - len(self._times)
        if missing > 0:
            missing += needed // 2
            self._times = np.concatenate([self._times, np.full(missing, NEVER)])
            self._bits = np.concatenate([self._bits, np.zeros(missing, dtype=np.uint64)])
