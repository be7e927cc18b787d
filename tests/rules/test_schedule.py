"""Due times: aligned, stable, spread, and never made up for."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules.schedule import LONGEST_FIRST_WAIT, Slots, SlotTrigger


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@given(now=st.integers(0, 2**42), interval=st.integers(1, 10_000_000), name=st.text())
def test_due_times_are_aligned(now: int, interval: int, name: str) -> None:
    """The latest due time is less than an interval old, and all due times of a group are whole intervals apart."""
    slots = Slots.of(name, interval)
    due = slots.at_or_before(now)
    assert due <= now < due + interval == slots.after(now)
    assert (due - slots.offset) % interval == 0


def test_groups_are_spread() -> None:
    """Groups with the same interval do not all run at once, and keep their place."""
    offsets = [Slots.of(f"file;group{number}", 60_000).offset for number in range(200)]
    assert offsets == [Slots.of(f"file;group{number}", 60_000).offset for number in range(200)]
    assert max(offsets) > 50_000
    assert min(offsets) < 10_000
    assert len(set(offsets)) > 190


def test_first_wait_is_short() -> None:
    """A group with a long interval is first evaluated after five seconds, one with a short interval when it is due."""
    now = 1_700_000_000_000
    long = Slots(3_600_000, (now - 1000) % 3_600_000)
    assert SlotTrigger(long).get_next_fire_time(None, _time(now)) == _time(now + LONGEST_FIRST_WAIT)
    short = Slots(2000, (now + 500) % 2000)
    assert SlotTrigger(short).get_next_fire_time(None, _time(now)) == _time(now + 500)


def test_missed_times_are_not_made_up_for() -> None:
    """After a pause of an hour the next run is at the next due time, once."""
    slots = Slots(10_000, 0)
    trigger = SlotTrigger(slots)
    assert trigger.get_next_fire_time(_time(20_000), _time(20_003)) == _time(30_000)
    assert trigger.get_next_fire_time(_time(20_000), _time(3_620_001)) == _time(3_630_000)
    # The early first run is followed by the due time after it.
    assert trigger.get_next_fire_time(_time(23_000), _time(23_000)) == _time(30_000)
