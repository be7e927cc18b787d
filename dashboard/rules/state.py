"""The alerts on disk: their states, so that a restart forgets none, and every change of a state.

A state is written when it changes and when the alert is sent, not with every new value: what a restart brings back
is at most one resend older than what was lost, and is replaced by the first evaluation.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dashboard.database import Database
from dashboard.model.labels import Labels
from dashboard.rules.alert import Alert, AlertState
from dashboard.rules.status import AlertChange

MOST_CHANGES = 100_000
"""How many changes the log keeps; the oldest go first."""

_COLUMNS = (
    "state, annotations, value, active_at, fired_at, resolved_at, keep_firing_since, last_sent_at, valid_until, "
    "generator_url"
)


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What a group is recognised by: names need not be unique across files."""

    file: str
    name: str

    def __str__(self) -> str:
        return f"{self.file};{self.name}"


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What an alert is recognised by within its group. ``rule`` is its rule's name, labels and number."""

    rule: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class SavedGroup:
    """What is known of a group from before: when it was evaluated last (milliseconds), and its alerts."""

    last_evaluation: int
    alerts: Mapping[AlertKey, Alert]


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """What one evaluation of a group has changed."""

    last_evaluation: int
    changed: Mapping[AlertKey, Alert] = field(default_factory=dict)
    gone: Sequence[AlertKey] = ()
    changes: Sequence[AlertChange] = ()


class AlertStore:
    """Reads and writes the tables of `dashboard.rules.migrations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, key: GroupKey) -> SavedGroup | None:
        """Return what was saved of a group."""
        with self._database.read() as connection:
            group = connection.execute(
                "SELECT last_evaluation FROM rule_group WHERE file = ? AND name = ?", (key.file, key.name)
            ).fetchone()
            if group is None:
                return None
            rows = connection.execute(
                f"SELECT rule, labels, {_COLUMNS} FROM alert WHERE file = ? AND group_name = ?",  # noqa: S608 - a constant.
                (key.file, key.name),
            ).fetchall()
        return SavedGroup(group[0], {AlertKey(row[0], _labels(row[1])): _alert(row) for row in rows})

    def save(self, key: GroupKey, update: GroupUpdate) -> None:
        """Store what an evaluation has changed, all of it or nothing."""
        self._database.write(lambda connection: _save(connection, key, update))

    def forget(self, kept: Iterable[GroupKey], now: int) -> None:
        """Drop all groups but those that are kept; their pending and firing alerts are logged as inactive from now."""
        known = {(key.file, key.name) for key in kept}
        self._database.write(lambda connection: _forget(connection, known, now))

    def changes(self, limit: int) -> list[AlertChange]:
        """Return the latest changes, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT time, file, group_name, labels, before, after, value FROM alert_change "
                "ORDER BY id DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [_change(row) for row in rows]


def _save(connection: sqlite3.Connection, key: GroupKey, update: GroupUpdate) -> None:
    place = (key.file, key.name)
    connection.execute("INSERT OR REPLACE INTO rule_group VALUES (?, ?, ?)", (*place, update.last_evaluation))
    connection.executemany(
        "DELETE FROM alert WHERE file = ? AND group_name = ? AND rule = ? AND labels = ?",
        [(*place, alert.rule, _json(alert.labels)) for alert in update.gone],
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO alert (file, group_name, rule, labels, {_COLUMNS}) "  # noqa: S608 - a constant.
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (*place, alert_key.rule, _json(alert_key.labels), *_alert_columns(alert))
            for alert_key, alert in update.changed.items()
        ],
    )
    _log(connection, update.changes)


def _forget(connection: sqlite3.Connection, kept: set[tuple[str, str]], now: int) -> None:
    for file, name in connection.execute("SELECT file, name FROM rule_group").fetchall():
        if (file, name) not in kept:
            place = (file, name)
            rows = connection.execute(
                "SELECT ?, file, group_name, labels, state, ?, value FROM alert "
                "WHERE file = ? AND group_name = ? AND state <> ?",
                (now, AlertState.INACTIVE.value, *place, AlertState.INACTIVE.value),
            ).fetchall()
            _log(connection, [_change(row) for row in rows])
            connection.execute("DELETE FROM rule_group WHERE file = ? AND name = ?", place)
            connection.execute("DELETE FROM alert WHERE file = ? AND group_name = ?", place)


def _log(connection: sqlite3.Connection, changes: Sequence[AlertChange]) -> None:
    if not changes:
        return
    connection.executemany(
        "INSERT INTO alert_change (time, file, group_name, labels, before, after, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [_change_columns(change) for change in changes],
    )
    connection.execute(
        "DELETE FROM alert_change WHERE id <= (SELECT max(id) FROM alert_change) - ?",
        (MOST_CHANGES,),
    )


def _alert_columns(alert: Alert) -> tuple[object, ...]:
    return (
        alert.state.value,
        _json(alert.annotations),
        alert.value,
        alert.active_at,
        alert.fired_at,
        alert.resolved_at,
        alert.keep_firing_since,
        alert.last_sent_at,
        alert.valid_until,
        alert.generator_url,
    )


def _alert(row: Sequence[object]) -> Alert:
    _, labels, state, annotations, value, *times, generator_url = row
    active_at, fired_at, resolved_at, keep_firing_since, last_sent_at, valid_until = (
        time if isinstance(time, int) else None for time in times
    )
    return Alert(
        state=AlertState(state),
        labels=_labels(labels),
        annotations=_labels(annotations),
        value=_number(value),
        active_at=active_at or 0,
        fired_at=fired_at,
        resolved_at=resolved_at,
        keep_firing_since=keep_firing_since,
        last_sent_at=last_sent_at,
        valid_until=valid_until,
        generator_url=str(generator_url),
    )


def _change_columns(change: AlertChange) -> tuple[object, ...]:
    return (
        change.time,
        change.file,
        change.group,
        _json(change.labels),
        change.before.value,
        change.after.value,
        change.value,
    )


def _change(row: Sequence[object]) -> AlertChange:
    time, file, group, labels, before, after, value = row
    return AlertChange(
        time=int(str(time)),
        file=str(file),
        group=str(group),
        labels=_labels(labels),
        before=AlertState(before),
        after=AlertState(after),
        value=_number(value),
    )


def _json(labels: Labels) -> str:
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"))


def _labels(text: object) -> Labels:
    return Labels.of(json.loads(str(text)))


def _number(value: object) -> float:
    # SQLite keeps NaN as NULL.
    return float(value) if isinstance(value, int | float) else math.nan
