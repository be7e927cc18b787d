"""A queue of jobs before some workers: it fills when more comes than they can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Worked:
    """What a tick did to the queue: jobs done, jobs turned away because it was full, and jobs that are left."""

    processed: int
    dead_lettered: int
    depth: int


class WorkQueue:
    """Jobs that wait. A job waits at least ``linger_ms``, so a busy queue is never quite empty."""

    def __init__(self, limit: int, linger_ms: int) -> None:
        self._limit = limit
        self._linger_ms = linger_ms
        self.depth = 0

    def work(self, arrived: int, capacity: int, span_ms: float) -> Worked:
        """Take in the jobs that arrived evenly over a span of time, and do as many as the workers can in it."""
        ripe = self.depth + arrived - round(arrived * min(1.0, self._linger_ms / span_ms))
        processed = min(ripe, capacity)
        waiting = self.depth + arrived - processed
        dead_lettered = max(0, waiting - self._limit)
        self.depth = waiting - dead_lettered
        return Worked(processed, dead_lettered, self.depth)
