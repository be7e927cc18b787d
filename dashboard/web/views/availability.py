"""The share of the last 24 hours in which an app's targets answered, by time and not by the number of scrapes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from dashboard.model.duration import format_duration
from dashboard.model.labels import METRIC_NAME
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import BoolArray, IntArray, SeriesBatch, is_stale
from dashboard.promql.engine import Queryable
from dashboard.web.views.queries import selector

DAY = 86_400_000

# A scrape counts until the next one, but no longer than a query would look back for it.
_LONGEST = 300_000
_MOST_STEPS = 1_000_000


def ask_availability(queryable: Queryable, now: int) -> dict[str, float]:
    """Return the ratio of the last 24 hours in which each job's targets answered; time without scrapes is left out."""
    good: dict[str, int] = defaultdict(int)
    known: dict[str, int] = defaultdict(int)
    for batch in queryable.select([Matcher(MatchKind.EQUAL, METRIC_NAME, "up")], now - DAY, now):
        lengths = _lengths(batch.timestamps, now)
        for labels, up, told in zip(batch.labels, *_times(batch, lengths), strict=True):
            good[labels.get("job")] += up
            known[labels.get("job")] += told
    return {job: good[job] / length for job, length in known.items() if length}


def availability_query(job: str, interval: int, targets: int) -> str:
    """Return the query of a job's availability: its targets are looked at once a scrape interval (milliseconds).

    Where that would be more than a million times in all, each is looked at once in several intervals.
    """
    step = -(-DAY * targets // (_MOST_STEPS * interval)) * interval
    ups = f"{selector([(METRIC_NAME, 'up'), ('job', job)])}[{format_duration(DAY)}:{format_duration(step)}]"
    return f"sum(sum_over_time({ups})) / sum(count_over_time({ups}))"


def _lengths(timestamps: IntArray, now: int) -> IntArray:
    """Return for how long each scrape counts, int64[T] in milliseconds; one that was made just now counts, too."""
    ends = np.append(timestamps[1:], max(now, int(timestamps[-1]) + 1))
    return np.minimum(ends - timestamps, _LONGEST)


def _times(batch: SeriesBatch, lengths: IntArray) -> tuple[list[int], list[int]]:
    """Return for each target how long it answered, and for how long that is known, in milliseconds."""
    return _sums(batch.values == 1, lengths), _sums(~is_stale(batch.values), lengths)


def _sums(there: BoolArray, lengths: IntArray) -> list[int]:
    return [int(total) for total in there @ lengths]
