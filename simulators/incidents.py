"""The faults that one can provoke in an app, each for a number of seconds."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class IncidentKind(enum.Enum):
    """What can go wrong on request."""

    LATENCY = "latency"
    ERRORS = "errors"
    OUTAGE = "outage"
    QUEUE = "queue"
    BREAKER = "breaker"
    ABUSE = "abuse"
    COST = "cost"
    STORAGE = "storage"
    SCHEMA = "schema"
    DEPLOY = "deploy"


EVERY_APP = frozenset({IncidentKind.LATENCY, IncidentKind.ERRORS, IncidentKind.OUTAGE, IncidentKind.DEPLOY})

NONE: frozenset[IncidentKind] = frozenset()


class Incidents:
    """Which incidents run, and until when."""

    def __init__(self) -> None:
        self._until: dict[IncidentKind, int] = {}

    def start(self, kind: IncidentKind, now_ms: int, length_ms: int) -> int:
        """Start an incident, or give a running one a new end; returns the end in ms since 1970."""
        self._until[kind] = now_ms + length_ms
        return self._until[kind]

    def active(self, now_ms: int) -> frozenset[IncidentKind]:
        """Return the incidents that run at a time."""
        if not self._until:
            return NONE
        return frozenset(kind for kind, until in self._until.items() if now_ms < until)

    def left(self, now_ms: int) -> Mapping[IncidentKind, int]:
        """Return the milliseconds that each running incident still has."""
        return {kind: until - now_ms for kind, until in self._until.items() if now_ms < until}
