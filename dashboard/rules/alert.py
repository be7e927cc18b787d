"""One alert and its states, as pure functions of time (after ``Eval`` and ``needsSending`` in Prometheus's
``rules/alerting.go``).

Times and durations are milliseconds. A record is never changed: each evaluation makes the next one from the last.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from dashboard.model.labels import Labels

RESOLVED_RETENTION = 15 * 60_000
"""How long a resolved alert is kept, so that its end is told again should a receiver have missed it."""


class AlertState(enum.Enum):
    """Where an alert, or a whole alerting rule, stands."""

    INACTIVE = "inactive"
    """The expression does not hold: nothing is wrong, or what was wrong is resolved."""
    PENDING = "pending"
    """The expression holds, for less than the rule's ``for`` so far: nobody is told yet."""
    FIRING = "firing"
    """The expression has held for the rule's ``for``, or stopped to less than ``keep_firing_for`` ago."""

    @property
    def rank(self) -> int:
        """How bad the state is: firing 2, pending 1, inactive 0."""
        return _RANKS[self]


_RANKS = {AlertState.INACTIVE: 0, AlertState.PENDING: 1, AlertState.FIRING: 2}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it stood after an evaluation. A time that has not come is ``None``."""

    state: AlertState
    labels: Labels
    annotations: Labels
    value: float
    """What the expression gave when it last held."""
    active_at: int
    """Since when the expression has held; after a restart moved on by the time in which nobody looked."""
    fired_at: int | None = None
    resolved_at: int | None = None
    keep_firing_since: int | None = None
    """When an evaluation first missed the alert, while ``keep_firing_for`` holds it up."""
    last_sent_at: int | None = None
    valid_until: int | None = None
    """When a receiver may think that a firing alert has ended, should it hear nothing more."""
    generator_url: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the alert is pending or firing."""
        return self.state is not AlertState.INACTIVE

    @property
    def starts_at(self) -> int:
        """The time that notifications name as the start."""
        return self.active_at if self.fired_at is None else self.fired_at

    @property
    def ends_at(self) -> int | None:
        """The time that notifications name as the end; in the future while the alert fires."""
        return self.valid_until if self.resolved_at is None else self.resolved_at


@dataclass(frozen=True, slots=True)
class Delays:
    """The two durations of a rule that govern its alerts' states."""

    hold: int
    """``for``: how long the expression must hold before an alert fires."""
    keep_firing: int
    """``keep_firing_for``: how long an alert still fires after the expression stopped to hold."""


def seen(before: Alert | None, found: Alert, delays: Delays, now: int) -> Alert:
    """Return what becomes of an alert that the expression gave at ``now``.

    ``found`` is the alert as if it were new: pending, active at ``now``. An alert that was resolved starts anew.
    """
    alert = found
    if before is not None and before.is_active:
        alert = replace(before, value=found.value, annotations=found.annotations, keep_firing_since=None)
    return _promoted(alert, delays, now)


def missed(before: Alert, delays: Delays, now: int) -> Alert | None:
    """Return what becomes of a known alert that the expression did not give at ``now``; ``None`` forgets it."""
    if before.state is AlertState.PENDING:
        return None
    if before.resolved_at is not None:
        return None if now - before.resolved_at > RESOLVED_RETENTION else before
    since = now if before.keep_firing_since is None else before.keep_firing_since
    if now - since < delays.keep_firing:
        return _promoted(replace(before, keep_firing_since=since), delays, now)
    return replace(before, state=AlertState.INACTIVE, resolved_at=now)


def held_up(before: Alert, pause: int) -> Alert:
    """Return an alert of before a restart, ``pause`` later: the pause counts for no ``for``."""
    if before.state is not AlertState.PENDING:
        return before
    return replace(before, active_at=before.active_at + pause)


def needs_sending(alert: Alert, resend_delay: int, now: int) -> bool:
    """Say whether receivers should hear of the alert now: at once when it changed, then each ``resend_delay``."""
    if alert.state is AlertState.PENDING:
        return False
    if alert.last_sent_at is None:
        return True
    if alert.resolved_at is not None and alert.resolved_at > alert.last_sent_at:
        return True
    return alert.last_sent_at + resend_delay < now


def sent(alert: Alert, resend_delay: int, interval: int, now: int) -> Alert:
    """Return the alert as it is sent at ``now``: valid long enough for two sends to fail."""
    return replace(alert, last_sent_at=now, valid_until=now + 4 * max(resend_delay, interval))


def _promoted(alert: Alert, delays: Delays, now: int) -> Alert:
    held = now - alert.active_at
    if alert.state is AlertState.PENDING and held >= delays.hold:
        return replace(alert, state=AlertState.FIRING, fired_at=now)
    if alert.state is AlertState.FIRING and _fired_too_early(alert, delays) and held < delays.hold:
        # A reload has lengthened the rule's ``for``: the alert has to wait again.
        return replace(
            alert, state=AlertState.PENDING, fired_at=None, keep_firing_since=None, last_sent_at=None, valid_until=None
        )
    return alert


def _fired_too_early(alert: Alert, delays: Delays) -> bool:
    # Asked of the firing time, not of the present one alone, so that a clock stepping back unfires nothing.
    return alert.fired_at is not None and alert.fired_at - alert.active_at < delays.hold
