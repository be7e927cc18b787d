"""What a group's alerts have become, kept until the disk has it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping

from dashboard.database import DatabaseError
from dashboard.rules.alert import Alert, AlertState
from dashboard.rules.state import AlertKey, AlertStore, GroupKey, GroupUpdate
from dashboard.rules.status import AlertChange

_MOST_UNSAVED_CHANGES = 10_000

_logger = logging.getLogger(__name__)

Alerts = Mapping[AlertKey, Alert]


class AlertLedger:
    """Compares a group's alerts with those before, and with those on disk.

    While nothing can be written, what has changed waits here; only the oldest of very many changes are lost.
    """

    def __init__(self, key: GroupKey, store: AlertStore) -> None:
        self._key = key
        self._store = store
        self._saved: Alerts = {}
        self._unsaved: deque[AlertChange] = deque(maxlen=_MOST_UNSAVED_CHANGES)

    def begin_with(self, saved: Alerts) -> None:
        """Go on from what is on disk."""
        self._saved = saved

    def adopt(self, former: AlertLedger) -> None:
        """Go on from what the ledger of the group before a reload knew."""
        self._saved = former._saved
        self._unsaved.extend(former._unsaved)

    def note(self, before: Alerts, after: Alerts, now: int) -> None:
        """Remember the changes of state from ``before`` to ``after``; an alert that is not there is inactive."""
        self._unsaved.extend(_changes(self._key, before, after, now))

    def save(self, alerts: Alerts, now: int) -> None:
        """Store what has changed since the last successful save; a full disk delays this and nothing else."""
        if not alerts and not self._saved and not self._unsaved:
            return
        update = GroupUpdate(
            last_evaluation=now,
            changed={key: alert for key, alert in alerts.items() if _differs(self._saved.get(key), alert)},
            gone=[key for key in self._saved if key not in alerts],
            changes=tuple(self._unsaved),
        )
        try:
            self._store.save(self._key, update)
        except DatabaseError as error:
            _logger.warning("the alerts of group %s could not be saved: %s", self._key, error)
            return
        self._saved = alerts
        self._unsaved.clear()


def _changes(group: GroupKey, before: Alerts, after: Alerts, now: int) -> Iterable[AlertChange]:
    """Yield the changes of state between two moments."""
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        change = AlertChange(
            time=now,
            file=group.file,
            group=group.name,
            labels=key.labels,
            before=old.state if old else AlertState.INACTIVE,
            after=new.state if new else AlertState.INACTIVE,
            value=(new or before[key]).value,
        )
        if change.before is not change.after:
            yield change


def _differs(saved: Alert | None, alert: Alert) -> bool:
    if saved is None:
        return True
    # A new value or text alone is not worth a write: the first evaluation after a restart brings it anew.
    return (saved.state, saved.active_at, saved.resolved_at, saved.keep_firing_since, saved.last_sent_at) != (
        alert.state,
        alert.active_at,
        alert.resolved_at,
        alert.keep_firing_since,
        alert.last_sent_at,
    )
