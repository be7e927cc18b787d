"""Long stretches of time are read piece by piece, so that few samples are in memory at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import IntArray, SampleLimitError, SeriesBatch
from dashboard.promql.ast import VectorSelector
from dashboard.promql.context import Context
from dashboard.promql.errors import TooManySamplesError
from dashboard.promql.matrix import IndexArray, Matrix, stack

MOST_AT_ONCE = 1 << 21
"""The most samples that are read at once, if fewer steps need fewer samples (16 MiB of float64)."""

_MOST_PARTS = 1000
_RESERVE = 1.1

_Part = tuple[slice, Matrix]


def fetch_slices(
    context: Context, selector: VectorSelector, times: IntArray, before: int, after: int = 0
) -> Iterator[tuple[slice, list[SeriesBatch]]]:
    """Yield which steps, and the samples that they need: those in ``(t - before, t + after]`` of each of their times.

    ``times`` is int64[T], where the selector looks at each step. No batch is empty; the steps come in order.

    Raises:
        TooManySamplesError: there are more samples, or values at the steps, than the query may have in memory; they
            were not read, or not made.
    """
    made = 0
    waiting = [slice(0, len(times))]
    while waiting:
        context.limits.check_time()
        part = waiting.pop()
        first, last = int(times[part].min()), int(times[part].max())
        # Fewer steps need fewer samples only where the steps reach farther than the range of one.
        divisible = last - first > before
        readable = context.limits.readable()
        most = min(MOST_AT_ONCE, readable) if divisible else readable
        try:
            batches = context.queryable.select(selector.matchers, first - before + 1, last + after, most=most)
        except SampleLimitError as error:
            if context.limits.become_heavy():
                waiting.append(part)
                continue
            if not divisible:
                raise TooManySamplesError from error
            waiting.extend(reversed(_divided(part, error.found / max(most, 1))))
            continue
        found = [batch for batch in batches if batch.labels and len(batch.timestamps)]
        context.limits.read(sum(batch.size for batch in found))
        made += sum(len(batch.labels) for batch in found) * len(times[part])
        context.limits.check_samples(made)
        yield part, found


def _divided(part: slice, times_too_many: float) -> list[slice]:
    """Part steps into so many that each, with what the range of its first one takes, is likely to be small enough."""
    parts = min(math.ceil(times_too_many * _RESERVE) + 1, _MOST_PARTS)
    bounds = np.linspace(part.start, part.stop, parts + 1).astype(int).tolist()
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds) if start < stop]


def put_together(context: Context, parts: list[_Part]) -> Matrix:
    """Make one matrix of matrices that each have some of the steps; a series that is in several is one row.

    The list is empty afterwards, so that each part is in memory only until it was copied.
    """
    if len(parts) == 1 and len(parts[0][1].steps) == context.count:
        return parts.pop()[1]
    rows: dict[Labels, int] = {}
    places = [_places(rows, matrix.labels) for _, matrix in parts]
    context.limits.check_samples(len(rows) * context.count)
    values = np.zeros((len(rows), context.count))
    present = np.zeros(values.shape, dtype=np.bool_)
    while parts:
        steps, matrix = parts.pop()
        place = places.pop()
        values[place, steps] = matrix.values
        present[place, steps] = matrix.present
    return Matrix(list(rows), context.steps, values, present)


def _places(rows: dict[Labels, int], labels: Sequence[Labels]) -> IndexArray:
    return np.array([rows.setdefault(each, len(rows)) for each in labels], dtype=np.intp)


def stacked(context: Context, steps: slice, matrices: Sequence[Matrix]) -> _Part:
    """Return the series of several matrices of the same part of the steps, without those that are never present."""
    return steps, stack(context.steps[steps], matrices).compact()
