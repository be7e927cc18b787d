"""Alerts of before a restart, until an evaluation has found them again.

The time in which nobody looked counts for no ``for``: as long as an alert is not found again, its beginning moves on
with the clock. And the first evaluation after a restart ends no alert, since what it watches may not have been scraped
yet. (Prometheus restores ``for`` from ``ALERTS_FOR_STATE`` to the same end; see ``RestoreForState``.)
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from dashboard.model.labels import Labels
from dashboard.rules.alert import Alert, AlertState, held_up

OUTAGE_TOLERANCE = 3_600_000
"""After nobody has looked for longer than this, in milliseconds, a pending alert starts anew instead of going on."""


class Recovery:
    """Which restored alerts are not found again yet, and when they were looked at last (milliseconds)."""

    def __init__(self, labels: frozenset[Labels] = frozenset(), looked_at: int = 0) -> None:
        self._missing = labels
        self._looked_at = looked_at
        self._first = True

    @classmethod
    def of(cls, restored: Mapping[Labels, Alert], looked_at: int) -> Recovery:
        """Begin with all restored alerts that are pending or firing."""
        return cls(frozenset(labels for labels, alert in restored.items() if alert.is_active), looked_at)

    def moved_on(self, active: Mapping[Labels, Alert], now: int) -> Mapping[Labels, Alert]:
        """Return the alerts as they enter the evaluation at ``now``."""
        if not self._missing:
            return active
        pause = max(0, now - self._looked_at)
        if pause > OUTAGE_TOLERANCE:
            active = {labels: alert for labels, alert in active.items() if alert.state is not AlertState.PENDING}
            self._missing &= active.keys()
        return {labels: held_up(alert, pause) if labels in self._missing else alert for labels, alert in active.items()}

    def holds(self, labels: Labels) -> bool:
        """Say whether an alert stays as it is although this evaluation does not find it."""
        return self._first and labels in self._missing

    def evaluated(self, found: Container[Labels], now: int) -> None:
        """Remember what the evaluation at ``now`` has found."""
        self._missing = frozenset(labels for labels in self._missing if self.holds(labels) and labels not in found)
        self._first = False
        self._looked_at = now
