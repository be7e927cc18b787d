"""Retention: how long samples are kept, by age, by size and by rules for some series.

Blocks are dropped whole. One that holds series of different ages is rewritten without those that are too old; and
merging leaves out what a rule no longer keeps.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboard.model.matcher import Matcher
from dashboard.model.samples import ABSENT, FloatArray, IntArray, is_absent
from dashboard.storage.blocks import Block, Blocks
from dashboard.storage.merging import Merger
from dashboard.storage.rewriting import Erase
from dashboard.storage.series import SeriesRegistry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeepRule:
    """The series that satisfy all matchers are kept for ``keep`` milliseconds."""

    matchers: tuple[Matcher, ...]
    keep: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How long samples are kept (milliseconds) and how much space they may take (bytes, 0 for any).

    For a series, the first rule counts whose matchers it satisfies; ``age`` if there is none. When ``size`` is
    exceeded, the oldest blocks go, whatever the rules say.
    """

    age: int
    size: int = 0
    rules: tuple[KeepRule, ...] = ()

    @property
    def longest(self) -> int:
        """How long any series is kept."""
        return max([self.age, *(rule.keep for rule in self.rules)])


@dataclass(frozen=True, slots=True)
class Removed:
    """What retention takes away: whole blocks, and the samples of those and of others that are rewritten."""

    blocks: int = 0
    samples: int = 0


class Retainer:
    """Drops what is not to be kept any more."""

    def __init__(self, blocks: Blocks, series: SeriesRegistry, merger: Merger, retention: Retention) -> None:
        self._blocks = blocks
        self._series = series
        self._merger = merger
        self.retention = retention
        self.by_age = 0
        self.by_size = 0
        self.samples = 0
        self._erased = 0

    def due(self, now: int) -> Removed:
        """Return what :meth:`run` would drop in whole blocks."""
        old = self._expired(now)
        every = [*old, *self._excess([block for block in self._blocks.all() if block not in old])]
        return Removed(len(every), sum(block.samples for block in every))

    def run(self, now: int) -> Removed:
        """Drop what is too old or too much, and give its space back to the disk.

        Raises:
            DatabaseError: the database could not be written; the next start, or the next call, goes on.
        """
        old = self._expired(now)
        self._blocks.remove([block.number for block in old])
        self._prune(now)
        excess = self._excess(self._blocks.all())
        self._blocks.remove([block.number for block in excess])
        dropped = sum(block.samples for block in (*old, *excess))
        removed, self._erased = Removed(len(old) + len(excess), dropped + self._erased), 0
        self.by_age, self.by_size = self.by_age + len(old), self.by_size + len(excess)
        self.samples += removed.samples
        if removed.samples:
            log.info("retention removed %d blocks and %d samples", removed.blocks, removed.samples)
        return removed

    def shares(self) -> dict[int, float]:
        """Return which share of the series is kept for how many milliseconds."""
        ages, numbers = self._ages(), self._series.select(())
        kept, counts = np.unique(ages[numbers[numbers < len(ages)]], return_counts=True)
        if not len(kept):
            return {self.retention.longest: 1.0}
        return dict(zip(kept.tolist(), (counts / counts.sum()).tolist(), strict=True))

    def erasing(self, now: int) -> Erase:
        """Return what takes out the samples that a rule no longer keeps, when blocks are rewritten."""
        if not self.retention.rules:
            return _erase_nothing
        ages = self._ages()

        def erase(series: IntArray, times: IntArray, values: FloatArray) -> None:
            oldest = now - ages[series]
            ends = np.searchsorted(times, oldest)
            for row in np.flatnonzero((ends > 0) & (ages[series] != self.retention.age)).tolist():
                self._erase(values[row, : ends[row]])

        return erase

    def _expired(self, now: int) -> list[Block]:
        """Return the blocks of which nothing is kept."""
        return [block for block in self._blocks.all() if block.end <= now - self.retention.longest]

    def _prune(self, now: int) -> None:
        """Rewrite the blocks that hold some series which are not kept so long, the oldest first."""
        if not self.retention.rules:
            return
        ages = self._ages()
        for block in sorted(self._blocks.all(), key=lambda each: each.end):
            held = [group.series for group in block.groups]
            old = [(block.end <= now - ages[series]).any() for series in held]
            if any(old):
                self._merger.rewrite([block], block.start, block.end, self._pruning(block, ages, now))

    def _pruning(self, block: Block, ages: IntArray, now: int) -> Erase:
        def erase(series: IntArray, times: IntArray, values: FloatArray) -> None:  # noqa: ARG001 - the whole block is too old.
            for row in np.flatnonzero(block.end <= now - ages[series]).tolist():
                self._erase(values[row])

        return erase

    def _erase(self, values: FloatArray) -> None:
        self._erased += int(np.count_nonzero(~is_absent(values)))
        values[:] = ABSENT

    def _ages(self) -> IntArray:
        """Return how long each series is kept, by number."""
        ages = np.full(len(self._series), self.retention.age, dtype=np.int64)
        for rule in reversed(self.retention.rules):
            numbers = self._series.select(rule.matchers)
            ages[numbers[numbers < len(ages)]] = rule.keep
        return ages

    def _excess(self, blocks: Sequence[Block]) -> list[Block]:
        """Return the oldest of some blocks, as many as must go to get below the size."""
        if not self.retention.size:
            return []
        excess = self._blocks.used_bytes() - sum(block.bytes for block in self._blocks.all() if block not in blocks)
        found: list[Block] = []
        for block in sorted(blocks, key=lambda each: each.end):
            if excess <= self.retention.size:
                break
            # What lies around the chunks counts too: a little more is freed than this.
            excess -= block.bytes
            found.append(block)
        return found


def _erase_nothing(series: IntArray, times: IntArray, values: FloatArray) -> None:
    """Leave everything where it is."""
