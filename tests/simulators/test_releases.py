"""Releases come now and then, and each has a version and a revision of its own."""

from __future__ import annotations

from itertools import pairwise

from simulators.releases import release_at
from simulators.traffic import DAY_MS, HOUR_MS

START_MS = 1_790_000_000_000


def test_every_day_sees_one_or_two_deployments() -> None:
    for seed in range(20):
        for start_ms in range(START_MS, START_MS + 3 * DAY_MS, 7 * HOUR_MS):
            day = [release_at("ai-planner", seed, start_ms + minute * 60_000) for minute in range(0, 24 * 60, 5)]
            assert len(set(day)) in (2, 3)
            changes = sum(before != after for before, after in pairwise(day))
            assert changes == len(set(day)) - 1, "no version comes back"


def test_a_release_depends_on_app_seed_and_hotfixes() -> None:
    now = release_at("ai-planner", 1, START_MS)
    assert release_at("ai-planner", 1, START_MS) == now
    fixed = release_at("ai-planner", 1, START_MS, hotfixes=2)
    assert fixed.version == f"{now.version.rpartition('.')[0]}.2"
    others = {release_at("wargaming", 1, START_MS).revision, release_at("ai-planner", 2, START_MS).revision}
    assert len({now.revision, fixed.revision, *others}) == 4
    assert len(now.revision) == 12
