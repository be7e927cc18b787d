"""How much traffic an app has at a time, and how well it copes: pure functions of time and seed."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from simulators.incidents import IncidentKind

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# A burst begins in some of these slots, and ends inside its slot.
_BURST_SLOT_MS = 2 * HOUR_MS
_BURST_CHANCE = 0.3

_MAX_CALM_ERRORS = 0.02


@dataclass(frozen=True, slots=True)
class Profile:
    """What an app is built for: requests/s at the busiest hour of a working day, and the most it could serve."""

    peak_rate: float
    capacity: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a tick: requests/s, how many times slower than idle, the share of requests that fail (5xx)."""

    rate: float
    slowdown: float
    error_share: float


@dataclass(frozen=True, slots=True)
class _Burst:
    start_ms: float
    length_ms: float
    height: float


def rhythm(now_ms: int) -> float:
    """Return the share of peak traffic at a time (UTC): most in the early afternoon, least at night and at weekends."""
    day, in_day = divmod(now_ms, DAY_MS)
    daily = 0.7 + 0.3 * math.cos((in_day - 14 * HOUR_MS) / DAY_MS * math.tau)
    # 1 January 1970 was a Thursday.
    weekend = (day + 3) % 7 >= 5
    return daily * (0.65 if weekend else 1.0)


def burst(now_ms: int, seed: int, app: str) -> float:
    """Return by what a burst multiplies the traffic at a time: 1 outside of bursts, at most 2.2."""
    found = _burst(now_ms // _BURST_SLOT_MS, seed, app)
    if found is None or not 0 <= now_ms - found.start_ms < found.length_ms:
        return 1.0
    return 1.0 + found.height * math.sin((now_ms - found.start_ms) / found.length_ms * math.pi)


@lru_cache(maxsize=256)
def _burst(slot: int, seed: int, app: str) -> _Burst | None:
    random = Random(f"burst/{seed}/{app}/{slot}")  # noqa: S311 - a simulation, not a secret
    if random.random() > _BURST_CHANCE:
        return None
    length_ms = random.uniform(4, 15) * 60_000
    start_ms = slot * _BURST_SLOT_MS + random.uniform(0, _BURST_SLOT_MS - length_ms)
    return _Burst(start_ms, length_ms, random.uniform(0.5, 1.2))


def wobble(now_ms: int, seed: int, app: str) -> float:
    """Return a slow drift around 1, so that no two minutes and no two apps look the same."""
    return 1.0 + sum(0.035 * math.sin(now_ms / period + phase) for period, phase in _waves(seed, app))


@lru_cache(maxsize=64)
def _waves(seed: int, app: str) -> tuple[tuple[float, float], ...]:
    random = Random(f"waves/{seed}/{app}")  # noqa: S311 - a simulation, not a secret
    periods_ms = (7_000, 41_000, 190_000, 870_000)
    return tuple((period * random.uniform(0.8, 1.2), random.uniform(0, math.tau)) for period in periods_ms)


def conditions(profile: Profile, app: str, seed: int, now_ms: int, incidents: Set[IncidentKind]) -> Conditions:
    """Return the conditions of an app at a time: load slows it down, and what is slow fails more often."""
    if IncidentKind.OUTAGE in incidents:
        return Conditions(0.0, 1.0, 0.0)
    rate = profile.peak_rate * rhythm(now_ms) * burst(now_ms, seed, app) * wobble(now_ms, seed, app)
    slowdown = slowdown_at(rate / profile.capacity, incidents)
    return Conditions(rate, slowdown, error_share_at(slowdown, incidents))


def slowdown_at(load: float, incidents: Set[IncidentKind]) -> float:
    """Return how many times slower than idle an app is at a load of 0 (idle) to 1 (capacity) and above."""
    slowdown = 1.0 / (1.0 - 0.45 * min(load, 1.2))
    if IncidentKind.LATENCY in incidents:
        slowdown *= 16.0
    if IncidentKind.ERRORS in incidents or IncidentKind.DEPLOY in incidents:
        slowdown *= 1.25
    return slowdown


def error_share_at(slowdown: float, incidents: Set[IncidentKind]) -> float:
    """Return the share of requests that fail (5xx) at a slowdown."""
    if IncidentKind.ERRORS in incidents:
        return 0.35
    return min(_MAX_CALM_ERRORS, 0.002 + 0.008 * (slowdown - 1.0) ** 2)
