"""The size forecast: when the disk is full or the size limit reached, or how much there is once as much goes as comes.

Samples come as they did in the last day of blocks, or as they come now, if that is faster. What they take is judged by
merged blocks, where there are any: young ones are larger. What is stored goes when retention drops the block that it
will be in.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

DAY = 86_400_000
# Chunks lie in whole pages, beside their indexes: measured, the file is 7.6 % larger than they are.
_AROUND = 1.08
_TELLING = 300_000
_MOST_MERGES = 400
"""How many merges are looked at, which is more than ten years of the usual ones."""


class Outcome(enum.Enum):
    """What becomes of the store if everything goes on as it does."""

    UNKNOWN = "unknown"
    """There is no block yet from which to tell."""
    DISK_FULL = "disk full"
    """The disk will be full."""
    SIZE_REACHED = "size reached"
    """The size limit will be reached: from then on samples go before their age."""
    LEVELS_OFF = "levels off"
    """Retention by age drops as much as comes before either happens."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A block: its window, its earliest and latest sample, and how many samples it holds and bytes its chunks take.

    Blocks of the first version do not tell their bytes.
    """

    start: int
    end: int
    first: int
    last: int
    samples: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Arriving:
    """The samples that are in no block yet: the time that they cover, and how many there are."""

    covered: int = 0
    samples: int = 0

    @property
    def rate(self) -> float:
        """How many come in a millisecond; 0 while there are too few to tell."""
        return self.samples / self.covered if self.covered >= _TELLING else 0.0


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes: those in use, those that the disk has left, and the size limit (0 for none)."""

    used: int
    free: int
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Keeping:
    """Which share of the samples is kept for how many milliseconds, and the length of the longest blocks."""

    shares: Mapping[int, float]
    block_length: int

    @property
    def longest(self) -> int:
        """How long any sample is kept."""
        return max(self.shares)

    def delay(self, age: int) -> int:
        """Return how much older samples may get than ``age``: blocks are dropped whole, and pruned as they merge."""
        return min(age, self.block_length)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What will be; durations are milliseconds from now on, and ``None`` stands for never."""

    space: Space
    growth: float | None = None
    """Bytes a day, or ``None`` before it is known."""
    peak: float = 0.0
    """How many bytes will be in use at most."""
    disk_full: float | None = None
    size_reached: float | None = None

    @property
    def outcome(self) -> Outcome:
        """What comes of it. A disk that is full is worse than a limit that is reached."""
        if self.growth is None:
            return Outcome.UNKNOWN
        if self.disk_full is not None:
            return Outcome.DISK_FULL
        return Outcome.LEVELS_OFF if self.size_reached is None else Outcome.SIZE_REACHED


def forecast(stored: Sequence[Stored], arriving: Arriving, space: Space, keeping: Keeping, now: int) -> Forecast:
    """Work out what becomes of a store."""
    stored = [each for each in stored if each.bytes]
    growth = daily_growth(stored, arriving)
    if growth is None:
        return Forecast(space)
    legs = list(_course(stored, space.used, growth / DAY, keeping, now))
    capacity, limit = space.used + space.free, space.limit or math.inf
    disk_full = _time_of(legs, capacity)
    if limit + growth / DAY * keeping.block_length < capacity:
        # The limit holds the store below what the disk has, even while blocks are merged.
        disk_full = None
    peak = min(max(leg.last for leg in legs), limit, capacity)
    return Forecast(space, growth, peak, disk_full, _time_of(_without_copies(legs), limit))


def daily_growth(stored: Sequence[Stored], arriving: Arriving) -> float | None:
    """Return how many bytes come in a day, or ``None`` where nothing tells."""
    recent, covered = _recent(stored)
    if not covered:
        return None
    shortest = min(each.end - each.start for each in stored)
    merged, _ = _recent([each for each in stored if each.end - each.start > shortest])
    judged = merged or recent
    sample_bytes = sum(each.bytes for each in judged) / sum(each.samples for each in judged)
    rate = max(sum(each.samples for each in recent) / covered, arriving.rate)
    return rate * DAY * sample_bytes * _AROUND


def _recent(stored: Sequence[Stored]) -> tuple[list[Stored], int]:
    """Return the newest blocks, as many as cover a day with all that is about the same time, and the time they cover.

    Time without samples is left out: a server that was off does not grow more slowly when it is on.
    """
    found: list[Stored] = []
    covered, begin = 0, math.inf
    for each in sorted(stored, key=lambda one: -one.last):
        if covered >= DAY and each.last <= begin:
            break
        found.append(each)
        # Nothing between ``begin`` and here is new: the block that begins there ends later than this one.
        covered += max(0, int(min(each.last, begin)) - each.first)
        begin = min(begin, each.first)
    return found, covered


@dataclass(frozen=True, slots=True)
class _Change:
    """What happens at a time: so many bytes are dropped; before that, so many are needed beside for a moment."""

    at: float
    dropped: float = 0.0
    copied: float = 0.0


@dataclass(frozen=True, slots=True)
class _Leg:
    """A stretch of time in which the bytes in use grow at one rate."""

    begin: float
    end: float
    bytes: float
    rate: float
    copied: float = 0.0

    @property
    def last(self) -> float:
        """The bytes in use at its end."""
        return self.bytes + self.rate * (self.end - self.begin) if self.rate else self.bytes

    def time_of(self, most: float) -> float | None:
        """Return when so many bytes are reached, if they are."""
        if self.bytes >= most:
            return self.begin
        if self.last >= most:
            return self.begin + (most - self.bytes) / self.rate
        return self.end if self.last + self.copied >= most else None


def _course(stored: Sequence[Stored], used: int, rate: float, keeping: Keeping, now: int) -> Iterator[_Leg]:
    """Yield the bytes in use from now on; the last leg has no end."""
    # From then on as much of a share goes as comes.
    settled = {age + keeping.delay(age): share for age, share in sorted(keeping.shares.items())}
    earliest = min(each.first for each in stored) - now
    changes = [
        *(change for each in stored for change in _departures(each, keeping, now)),
        *(_Change(at, copied=rate * min(keeping.block_length, at - earliest)) for at in _merges(keeping, now)),
        *map(_Change, settled),
    ]
    at, size = 0.0, float(used)
    for change in sorted(changes, key=lambda one: (one.at, -one.copied)):
        growing = rate * sum(share for end, share in settled.items() if end > at)
        leg = _Leg(at, change.at, size, growing, change.copied)
        yield leg
        at, size = change.at, leg.last - change.dropped
    yield _Leg(at, math.inf, size, 0.0)


def _departures(block: Stored, keeping: Keeping, now: int) -> Iterator[_Change]:
    """Yield when the bytes of a block go: when the longer block that it becomes a part of is too old."""
    merged = -(-block.end // keeping.block_length) * keeping.block_length
    times = {age: min(merged, block.end + keeping.delay(age)) + age - now for age in keeping.shares}
    left = {age: share for age, share in keeping.shares.items() if times[age] > 0}
    if not left:
        yield _Change(0.0, dropped=block.bytes * _AROUND)
    for age, share in left.items():
        yield _Change(times[age], dropped=block.bytes * _AROUND * share / sum(left.values()))


def _merges(keeping: Keeping, now: int) -> Iterable[int]:
    """Return when blocks of the greatest length are made: then what they replace is there twice for a moment."""
    first = -(-(now + 1) // keeping.block_length) * keeping.block_length - now
    return range(first, keeping.longest + keeping.block_length + 1, keeping.block_length)[:_MOST_MERGES]


def _without_copies(legs: Iterable[_Leg]) -> Iterator[_Leg]:
    return (_Leg(leg.begin, leg.end, leg.bytes, leg.rate) for leg in legs)


def _time_of(legs: Iterable[_Leg], most: float) -> float | None:
    times = (leg.time_of(most) for leg in legs)
    return next(itertools.filterfalse(lambda time: time is None, times), None)
