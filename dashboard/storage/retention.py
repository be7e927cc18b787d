"""Retention: blocks that are older than they may be are dropped whole."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from dashboard.storage.blocks import Blocks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removed:
    """What retention took away."""

    blocks: int
    samples: int


def drop_old(blocks: Blocks, oldest: int) -> Removed:
    """Remove the blocks that end before a timestamp, and give their space back to the disk.

    Raises:
        DatabaseError: the database could not be written; the next start, or the next call, goes on.
    """
    old = [block for block in blocks.all() if block.end <= oldest]
    if not old:
        return Removed(0, 0)
    blocks.remove([block.number for block in old])
    removed = Removed(len(old), sum(block.samples for block in old))
    log.info("retention removed %d blocks with %d samples", removed.blocks, removed.samples)
    return removed
