"""The last beats of an app: how each of its latest scrapes went, as a string of one letter a scrape."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import FloatArray, IntArray, SeriesBatch, is_stale
from dashboard.promql.engine import Queryable

BEATS = 50

# A day imported at a coarser step than the scrapes that follow it is no row of missed scrapes.
_GAP = 3.5


class Beat(enum.Enum):
    """How one scrape of an app's targets went; the value is its letter."""

    UP = "u"
    """Every target answered."""
    PART = "p"
    """Some targets answered."""
    DOWN = "d"
    """No target answered."""
    NONE = "n"
    """Nothing was scraped."""


def beats_by_job(queryable: Queryable, intervals: Mapping[str, int], now: int) -> dict[str, str]:
    """Return the latest beats of each job, oldest first; ``intervals`` are the jobs' own, in milliseconds."""
    found = dict.fromkeys(intervals, "")
    for interval in set(intervals.values()):
        jobs = {job for job, own in intervals.items() if own == interval}
        matchers = [Matcher(MatchKind.EQUAL, METRIC_NAME, "up")]
        batches = queryable.select(matchers, now - int(_GAP * BEATS * interval), now)
        found |= _joined(batches, jobs, interval, now)
    return found


def _joined(batches: Iterable[SeriesBatch], jobs: set[str], interval: int, now: int) -> dict[str, str]:
    rows: dict[str, list[str]] = {}
    for batch in batches:
        for labels, values in zip(batch.labels, batch.values, strict=True):
            job = labels.get("job")
            if job in jobs:
                rows.setdefault(job, []).append(series_beats(batch.timestamps, values, interval, now))
    return {job: join_beats(targets) for job, targets in rows.items()}


def series_beats(timestamps: IntArray, values: FloatArray, interval: int, now: int) -> str:
    """Return the beats of one target's ``up``; a gap of several intervals shows as scrapes that were not made."""
    stale = is_stale(values)
    letters = np.where(stale, Beat.NONE.value, np.where(values == 1, Beat.UP.value, Beat.DOWN.value))
    ends = np.append(timestamps[1:], now)
    gaps = np.where(ends - timestamps > _GAP * interval, (ends - timestamps) // interval - 1, 0)
    text = "".join(
        letter + Beat.NONE.value * int(min(gap, BEATS)) for letter, gap in zip(letters.tolist(), gaps, strict=True)
    )
    return text[-BEATS:]


def join_beats(targets: Sequence[str]) -> str:
    """Lay the beats of an app's targets over each other, the newest aligned."""
    length = max(map(len, targets))
    columns = zip(*(target.rjust(length, Beat.NONE.value) for target in targets), strict=True)
    return "".join(_worst({*column} - {Beat.NONE.value}) for column in columns)


def _worst(letters: set[str]) -> str:
    if not letters:
        return Beat.NONE.value
    return letters.pop() if len(letters) == 1 else Beat.PART.value


def beats_text(beats: str) -> str:
    """Say in words what the beats show, but for their gaps."""
    made = len(beats) - beats.count(Beat.NONE.value)
    if not made:
        return "not scraped yet"
    good = beats.count(Beat.UP.value)
    return f"{good} of the last {made} scrapes succeeded"
