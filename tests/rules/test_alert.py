"""The states of one alert, against a plain model and by cases that are told in words."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.rules.alert import (
    RESOLVED_RETENTION,
    Alert,
    AlertState,
    Delays,
    held_up,
    missed,
    needs_sending,
    seen,
    sent,
)

LABELS = Labels.of({"alertname": "Test"})


def _found(now: int, value: float = 1.0) -> Alert:
    return Alert(state=AlertState.PENDING, labels=LABELS, annotations=Labels(), value=value, active_at=now)


def _step(before: Alert | None, present: bool, delays: Delays, now: int) -> Alert | None:
    if present:
        return seen(before, _found(now), delays, now)
    return None if before is None else missed(before, delays, now)


@dataclass
class Model:
    """An alert told by its history alone: when the expression began to hold, fired, and was last seen."""

    delays: Delays
    since: int | None = None
    fired: int | None = None
    absent_since: int | None = None
    resolved: int | None = None

    def step(self, present: bool, now: int) -> AlertState | None:
        if present:
            self.resolved = self.absent_since = None
            self.since = now if self.since is None else self.since
            if self.fired is None and now - self.since >= self.delays.hold:
                self.fired = now
            return AlertState.PENDING if self.fired is None else AlertState.FIRING
        if self.fired is None:
            self.since = None
        elif self.resolved is None:
            self.absent_since = now if self.absent_since is None else self.absent_since
            if now - self.absent_since < self.delays.keep_firing:
                return AlertState.FIRING
            self.since = self.fired = None
            self.resolved = now
        if self.resolved is None:
            return None
        if now - self.resolved > RESOLVED_RETENTION:
            self.resolved = None
            return None
        return AlertState.INACTIVE


@given(
    hold=st.sampled_from([0, 1, 15_000, 60_000]),
    keep=st.sampled_from([0, 1, 30_000]),
    steps=st.lists(st.tuples(st.booleans(), st.sampled_from([1000, 15_000, 400_000])), max_size=60),
)
def test_states_follow_the_model(hold: int, keep: int, steps: list[tuple[bool, int]]) -> None:
    """Whatever comes and goes, state and times are those of the model."""
    delays = Delays(hold, keep)
    model, alert, now = Model(delays), None, 1_000_000
    for present, pause in steps:
        now += pause
        alert = _step(alert, present, delays, now)
        assert (alert.state if alert else None) is model.step(present, now)
        if alert is not None and alert.is_active:
            assert (alert.active_at, alert.fired_at, alert.resolved_at) == (model.since, model.fired, None)
            assert alert.keep_firing_since == model.absent_since
        if alert is not None and not alert.is_active:
            assert alert.resolved_at == model.resolved
            assert alert.ends_at == model.resolved


def test_without_for_an_alert_fires_at_once() -> None:
    """``for: 0`` never shows the pending state."""
    alert = seen(None, _found(1000), Delays(0, 0), 1000)
    assert (alert.state, alert.active_at, alert.starts_at) == (AlertState.FIRING, 1000, 1000)


def test_for_shorter_than_the_interval_fires_at_the_next_evaluation() -> None:
    """An alert with a ``for`` is pending once, however short the ``for``."""
    delays = Delays(15_000, 0)
    first = seen(None, _found(0), delays, 0)
    assert first.state is AlertState.PENDING
    assert seen(first, _found(30_000), delays, 30_000).fired_at == 30_000


def test_returning_resets_keep_firing() -> None:
    """An alert that comes back while it is kept firing never ended, and may be kept as long again."""
    delays = Delays(0, 10_000)
    alert = seen(None, _found(0), delays, 0)
    kept = missed(alert, delays, 5000)
    assert kept is not None
    assert (kept.state, kept.keep_firing_since) == (AlertState.FIRING, 5000)
    back = seen(kept, _found(10_000), delays, 10_000)
    assert (back.keep_firing_since, back.fired_at) == (None, 0)
    gone = missed(missed(back, delays, 15_000) or back, delays, 25_000)
    assert gone is not None
    assert (gone.state, gone.resolved_at) == (AlertState.INACTIVE, 25_000)


def test_value_and_annotations_follow_the_last_result() -> None:
    """An alert that goes on shows the newest value and keeps its times."""
    delays = Delays(0, 0)
    alert = seen(None, _found(0, 15.0), delays, 0)
    later = seen(alert, _found(1000, 19.0), delays, 1000)
    assert (later.value, later.active_at, later.fired_at) == (19.0, 0, 0)


def test_longer_for_unfires() -> None:
    """When a reload lengthens ``for``, an alert that has not held for that long waits again."""
    alert = seen(None, _found(0), Delays(0, 0), 0)
    waiting = seen(alert, _found(1000), Delays(5000, 0), 1000)
    assert (waiting.state, waiting.fired_at, waiting.active_at) == (AlertState.PENDING, None, 0)
    assert seen(waiting, _found(5000), Delays(5000, 0), 5000).state is AlertState.FIRING


def test_clock_stepping_back_unfires_nothing() -> None:
    """An alert that fired rightly still fires when the clock goes back."""
    delays = Delays(5000, 0)
    alert = seen(seen(None, _found(100_000), delays, 100_000), _found(105_000), delays, 105_000)
    assert seen(alert, _found(50_000), delays, 50_000).state is AlertState.FIRING


def test_pause_moves_pending_only() -> None:
    """The time in which nobody looked counts for no ``for``; what fires keeps its times."""
    pending = seen(None, _found(0), Delays(60_000, 0), 0)
    firing = seen(None, _found(0), Delays(0, 0), 0)
    assert held_up(pending, 500).active_at == 500
    assert held_up(firing, 500) == firing


def test_sending() -> None:
    """Firing alerts are sent at once and then strictly later than the delay; pending ones never."""
    delays = Delays(0, 0)
    assert not needs_sending(seen(None, _found(0), Delays(5, 0), 0), 60_000, 0)
    alert = seen(None, _found(0), delays, 0)
    assert needs_sending(alert, 60_000, 0)
    alert = sent(alert, 60_000, 15_000, 0)
    assert (alert.last_sent_at, alert.ends_at) == (0, 240_000)
    assert not needs_sending(alert, 60_000, 60_000)
    assert needs_sending(alert, 60_000, 60_001)


def test_resolved_is_sent_at_once_and_again() -> None:
    """The end of an alert is told at once, and again each delay, with the time at which it ended."""
    delays = Delays(0, 0)
    alert = sent(seen(None, _found(0), delays, 0), 60_000, 15_000, 0)
    gone = missed(alert, delays, 15_000)
    assert gone is not None
    assert needs_sending(gone, 60_000, 15_000)
    gone = sent(gone, 60_000, 15_000, 15_000)
    assert gone.ends_at == 15_000
    assert not needs_sending(gone, 60_000, 30_000)
    assert needs_sending(gone, 60_000, 75_001)


def test_resolved_is_kept_for_15_minutes() -> None:
    """A resolved alert is there until more than 15 minutes have gone by."""
    delays = Delays(0, 0)
    gone = missed(seen(None, _found(0), delays, 0), delays, 1000)
    assert gone is not None
    assert missed(gone, delays, 1000 + 900_000) == gone
    assert missed(gone, delays, 1000 + 900_001) is None


def test_interval_longer_than_the_resend_delay_rules_validity() -> None:
    """An alert that is sent seldom is valid for four intervals."""
    alert = sent(seen(None, _found(0), Delays(0, 0), 0), 60_000, 300_000, 0)
    assert alert.valid_until == 1_200_000
