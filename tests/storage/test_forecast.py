"""The size forecast: beside a store that is played day by day, and for cases that can be worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.database import Database, ReadError
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.storage import KeepRule, Retention
from dashboard.storage.forecast import (
    DAY,
    Arriving,
    Forecast,
    Keeping,
    Outcome,
    Space,
    Stored,
    daily_growth,
    forecast,
)
from tests.storage.conftest import FOREVER, Store

HOUR = DAY // 24
STEP = 6 * HOUR
LONG = 10 * DAY
MONTH = Keeping({30 * DAY: 1.0}, LONG)
NONE = Arriving()
# A gigabyte for the chunks of a day is 1.08 with what lies around them.
GIGA = 1_000_000_000
GROWTH = 1.08 * GIGA


def block(start: int, days: float, giga: float = 1.0) -> Stored:
    """A block whose chunks take so many gigabytes a day, one byte a sample."""
    size = int(giga * GIGA * days)
    end = start + int(days * DAY)
    return Stored(start, end, start, end, size, size)


def steady(days: int, now: int, giga: float = 1.0) -> list[Stored]:
    """Blocks of a store that has run for so many days: those of windows that have ended are merged."""
    found, at = [], now - days * DAY
    while at < now:
        end = (at // LONG + 1) * LONG
        end = end if end <= now else at + DAY
        found.append(block(at, (end - at) / DAY, giga))
        at = end
    return found


def used(stored: list[Stored]) -> int:
    return int(sum(each.bytes for each in stored) * 1.08)


NOW = 1000 * DAY


@pytest.mark.parametrize(
    ("days", "free", "limit", "outcome", "when"),
    [
        # A store of three days grows until its first block is too old: it is 40 days then.
        (3, 100, 0, Outcome.LEVELS_OFF, None),
        (3, 10, 0, Outcome.DISK_FULL, 10 / 1.08),
        (3, 0, 0, Outcome.DISK_FULL, 0),
        (3, 100, 13, Outcome.SIZE_REACHED, (13 - 3 * 1.08) / 1.08),
        # It has room for 40 days, but not for a merge beside them.
        (3, 42, 0, Outcome.DISK_FULL, 30),
        # The limit keeps it from filling the disk, unless the disk has no room beside for a merge.
        (3, 42, 20, Outcome.SIZE_REACHED, (20 - 3 * 1.08) / 1.08),
        (3, 20, 20, Outcome.DISK_FULL, 10),
        # One that is older than its retention only goes up and down.
        (40, 12, 0, Outcome.LEVELS_OFF, None),
        (40, 5, 0, Outcome.DISK_FULL, 10),
    ],
)
def test_what_becomes_of_a_steady_store(
    days: int, free: float, limit: float, outcome: Outcome, when: float | None
) -> None:
    stored = steady(days, NOW)
    found = forecast(stored, NONE, Space(used(stored), int(free * GIGA), int(limit * GIGA)), MONTH, NOW)
    assert found.growth == pytest.approx(GROWTH)
    assert found.outcome is outcome
    time = found.disk_full if outcome is Outcome.DISK_FULL else found.size_reached
    assert time == (None if when is None else pytest.approx(when * DAY, rel=1e-6))


def test_it_levels_off_at_the_age_and_what_a_whole_block_adds() -> None:
    for days in (1, 3, 29, 40):
        stored = steady(days, NOW)
        found = forecast(stored, NONE, Space(used(stored), 1000 * GIGA), MONTH, NOW)
        assert found.peak == pytest.approx(40 * GROWTH, rel=1e-6)


def test_a_store_that_has_begun_to_grow_faster_is_forecast_by_its_last_day() -> None:
    stored = [*steady(40, NOW - DAY), block(NOW - DAY, 1.0, 3.0)]
    found = forecast(stored, NONE, Space(used(stored), 1000 * GIGA), MONTH, NOW)
    assert found.growth == pytest.approx(3 * GROWTH)
    assert found.peak == pytest.approx(3 * 40 * GROWTH, rel=0.01)
    slower = [*steady(40, NOW - DAY), block(NOW - DAY, 1.0, 0.1)]
    assert forecast(slower, NONE, Space(used(slower), 1000 * GIGA), MONTH, NOW).peak < used(slower) + GIGA


def test_what_a_rule_keeps_shortly_goes_shortly() -> None:
    stored = steady(1, NOW)
    keeping = Keeping({2 * DAY: 0.75, 30 * DAY: 0.25}, LONG)
    found = forecast(stored, NONE, Space(used(stored), 1000 * GIGA), keeping, NOW)
    assert found.peak == pytest.approx((0.25 * 40 + 0.75 * 4) * GROWTH, rel=0.05)


def test_a_store_without_blocks_tells_nothing() -> None:
    found = forecast([], NONE, Space(8192, GIGA), MONTH, NOW)
    assert (found.outcome, found.growth, found.disk_full) == (Outcome.UNKNOWN, None, None)
    assert daily_growth([Stored(0, DAY, 5, 5, 1, 1)], NONE) is None


def test_growth_is_that_of_merged_blocks_and_of_time_with_samples() -> None:
    merged = block(NOW - 4 * DAY, 1.0)
    # Two hours, of which half an hour was scraped; young blocks take two bytes a sample.
    young = Stored(NOW - 2 * HOUR, NOW, NOW - HOUR // 2, NOW, GIGA // 48, GIGA // 24)
    assert daily_growth([young, merged], NONE) == pytest.approx(GROWTH)
    assert daily_growth([young], NONE) == pytest.approx(2 * GROWTH)


def test_what_comes_faster_than_before_counts_at_once() -> None:
    day, minute = [block(NOW - DAY, 1.0)], 60_000
    faster = 2 * GIGA * minute // DAY
    assert daily_growth(day, Arriving(5 * minute, 5 * faster)) == pytest.approx(2 * GROWTH, rel=1e-5)
    assert daily_growth(day, Arriving(4 * minute, 4 * faster)) == pytest.approx(GROWTH)
    assert daily_growth(day, Arriving(5 * minute, faster)) == pytest.approx(GROWTH)
    assert daily_growth([], Arriving(5 * minute, faster)) is None


def test_blocks_of_the_same_time_are_added_up() -> None:
    assert daily_growth([block(NOW - DAY, 1.0), block(NOW - DAY, 1.0, 0.5)], NONE) == pytest.approx(1.5 * GROWTH)
    assert daily_growth([block(NOW - DAY, 1.0), block(NOW - 2 * DAY, 1.0, 9.0)], NONE) == pytest.approx(GROWTH)


@dataclass
class Played:
    """A store that is played in steps: a block for what comes in each, by the window in which it ends up."""

    keeping: Keeping
    blocks: list[tuple[int, float]] = field(default_factory=list)

    def put(self, end: int, size: float) -> None:
        merged = -(-end // self.keeping.block_length) * self.keeping.block_length
        self.blocks.append((merged, size))

    def size(self, now: int) -> float:
        (age,) = self.keeping.shares
        self.blocks = [each for each in self.blocks if each[0] + age > now]
        return sum(size for _, size in self.blocks)


spans = st.lists(st.tuples(st.integers(0, 80), st.integers(1, 10), st.floats(0.1, 5.0)), min_size=1, max_size=12)


@settings(deadline=None)
@given(ago=spans, age=st.integers(11, 60), length=st.sampled_from([DAY, 5 * DAY]), offset=st.integers(0, 39))
def test_it_is_as_if_the_store_were_played(
    ago: list[tuple[int, int, float]], age: int, length: int, offset: int
) -> None:
    now, keeping = NOW + offset * STEP, Keeping({age * DAY: 1.0}, length)
    stored = [block(now - (days + long) * DAY, long, giga) for days, long, giga in ago]
    growth, played = daily_growth(stored, NONE), Played(keeping)
    assert growth is not None
    for each in stored:
        played.put(each.end, each.bytes * 1.08)
    sizes = [float(used(stored))]
    for at in range(now + STEP, now + age * DAY + 3 * length, STEP):
        played.put(at, growth * STEP / DAY)
        sizes.append(played.size(at))
    told = forecast(stored, NONE, Space(used(stored), 10**15), keeping, now)
    step = growth * STEP / DAY
    # What comes later than now leaves with its block, which may be earlier than the forecast has it leave.
    assert max(sizes) - step <= told.peak <= max(sizes) + growth * length / DAY
    limit = (sizes[0] + max(sizes[: age * DAY // STEP])) / 2
    reached = forecast(stored, NONE, Space(used(stored), 10**15, int(limit)), keeping, now).size_reached
    assert reached is not None
    place = int(reached // STEP)
    assert all(size < limit + step for size in sizes[:place])
    assert sizes[place] >= limit - step - 1


@given(days=st.integers(1, 60), free=st.integers(0, 100), more=st.integers(0, 100), limit=st.integers(0, 80))
def test_more_room_never_means_an_earlier_end(days: int, free: int, more: int, limit: int) -> None:
    stored = steady(days, NOW)

    def end(giga: int) -> float:
        found = forecast(stored, NONE, Space(used(stored), giga * GIGA, limit * GIGA), MONTH, NOW)
        return math.inf if found.disk_full is None else found.disk_full

    assert end(free) <= end(free + more)


def fill(store: Store, until: int) -> None:
    appender, chance = store.storage.appender(), np.random.default_rng(1)
    series = store.ids(*(f"m{number}" for number in range(50)))
    for time in range(0, until, 10):
        appender.append(time, series, chance.normal(size=50))
    store.storage.flush()
    store.storage.upkeep(until)


def test_a_store_tells_what_becomes_of_it(make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(block_length=1000, clock=lambda: 10_000)
    assert store.storage.forecast(10_000).outcome is Outcome.UNKNOWN
    assert store.metric("glass_storage_growth_bytes_per_second") is None
    fill(store, 10_000)
    monkeypatch.setattr(Database, "room", lambda _: 10 * GIGA)
    store.storage.retain(Retention(FOREVER, size=GIGA))
    found = store.storage.forecast(10_000)
    assert found.growth is not None
    stored = sum(each.bytes for each in store.storage._blocks.all())
    assert found.growth == pytest.approx(1.08 * stored / 9_990 * DAY, rel=0.3)
    assert found.size_reached == pytest.approx((GIGA - found.space.used) / found.growth * DAY, rel=1e-6)
    assert store.metric("prometheus_tsdb_storage_blocks_bytes") == stored
    assert store.metric("prometheus_tsdb_retention_limit_bytes") == GIGA
    assert store.metric("glass_storage_used_bytes") == found.space.used
    assert store.metric("glass_storage_growth_bytes_per_second") == pytest.approx(found.growth / 86_400)
    assert until(store, "size") == pytest.approx(found.size_reached / 1000)
    assert until(store, "disk") == math.inf


def until(store: Store, limit: str) -> float | None:
    return store.registry.get_sample_value("glass_storage_until_full_seconds", {"limit": limit})


def test_a_disk_that_does_not_tell_leaves_the_forecast_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise OSError("gone")

    monkeypatch.setattr("shutil.disk_usage", fail)
    with pytest.raises(ReadError, match="gone"):
        store.storage.forecast(0)
    assert until(store, "disk") is None
    assert store.metric("glass_storage_healthy") == 1


def test_rules_of_retention_have_their_shares(store: Store) -> None:
    store.ids("debug_a", "debug_b", "debug_c", "app")
    rule = KeepRule((Matcher(MatchKind.REGEX, "__name__", "debug.*"),), 500)
    assert store.storage._retainer.shares() == {FOREVER: 1.0}
    store.storage.retain(Retention(1000, rules=(rule,)))
    assert store.storage._retainer.shares() == {500: 0.75, 1000: 0.25}


def test_without_series_everything_is_kept_as_long_as_the_rest(store: Store) -> None:
    store.storage.retain(Retention(1000, rules=(KeepRule((), 500),)))
    assert store.storage._retainer.shares() == {1000: 1.0}
    assert isinstance(store.storage.forecast(0), Forecast)
