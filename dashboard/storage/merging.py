"""Merging: as blocks age, those of a longer window become one, so that a long query opens few.

The new block is written in short transactions; one last transaction makes it count and the old ones not, and queries
see the change at one moment. The old ones are deleted when no query that began before looks at them any more.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from dashboard.database import Database
from dashboard.storage.block_writer import BlockWriter
from dashboard.storage.blocks import Block, Blocks
from dashboard.storage.rewriting import Erase, regroup
from dashboard.storage.tombstones import Tombstones
from dashboard.storage.windows import Windows

log = logging.getLogger(__name__)

_SHARE = 10
"""Blocks are merged when those beside the largest make up a tenth of it, or when there are ten of them."""


class Merger:
    """Merges the blocks of windows that have ended."""

    def __init__(self, database: Database, blocks: Blocks, windows: Windows, tombstones: Tombstones) -> None:
        self._tombstones = tombstones
        self._database = database
        self._blocks = blocks
        self._windows = windows
        self.merges = 0

    def run(self, now: int, erase: Erase) -> int:
        """Merge what can be merged, longest windows first; return how many blocks were made.

        Raises:
            DatabaseError: the database could not be written; the blocks are as they were.
        """
        made = 0
        for length in reversed(self._windows.lengths):
            for start, blocks in sorted(self._ended(length, now).items()):
                if _is_worth_it(blocks):
                    self.rewrite(blocks, start, start + length, erase)
                    made += 1
                    self.merges += 1
        return made

    def rewrite(self, blocks: Sequence[Block], start: int, end: int, erase: Erase) -> Block:
        """Write one block with what tombstones and ``erase`` leave of some, and put it in their place."""
        writer = BlockWriter(self._database, self._blocks, note_last=False)
        number = writer.begin(start, end)
        sources = [source for block in blocks for source in self._tombstones.cleaned(block, block.groups)]
        for times, slices in regroup([source for source in sources if len(source.series)], erase):
            writer.add_group(number, times, slices)
        old = [(block.number,) for block in blocks]
        (made,) = writer.complete(
            lambda connection: connection.executemany("UPDATE blocks SET complete = 0 WHERE id = ?", old)
        )
        self._blocks.replace(blocks, made)
        log.info("rewrote %d blocks as block %d with %d samples", len(blocks), made.number, made.samples)
        return made

    def _ended(self, length: int, now: int) -> dict[int, list[Block]]:
        """Return the blocks of each window of a length that has ended, by the start of the window."""
        found: dict[int, list[Block]] = {}
        for block in self._blocks.all():
            start = block.start // length * length
            if block.end <= start + length and self._windows.ended(start + length, now):
                found.setdefault(start, []).append(block)
        return found


def _is_worth_it(blocks: Sequence[Block]) -> bool:
    largest = max(block.samples for block in blocks)
    rest = sum(block.samples for block in blocks) - largest
    return len(blocks) > 1 and (len(blocks) >= _SHARE or _SHARE * rest >= largest)
