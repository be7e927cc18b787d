"""History, straight into blocks: visible when all of it is written, and not before. What is there already stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from dashboard.model.samples import ABSENT, FloatArray, IntArray, SeriesBatch, is_absent
from dashboard.storage.block_writer import BlockWriter
from dashboard.storage.select import Part
from dashboard.storage.windows import Windows, parts

_SLICE_SAMPLES = 1 << 20

Held = Callable[[IntArray, int, int], Iterable[Part]]
"""Returns what there is of some series between two timestamps, both included."""


def write_batches(
    writer: BlockWriter,
    batches: Iterable[SeriesBatch],
    numbers_of: Callable[[SeriesBatch], IntArray],
    held: Held,
    *,
    windows: Windows,
    now: int,
) -> None:
    """Write batches, each cut at the longest windows that have ended, into one block a window."""
    blocks: dict[tuple[int, int], int] = {}
    for batch in batches:
        series = numbers_of(batch)
        # A series named twice would have two values at one time: the first one counts.
        _, rows = np.unique(series, return_index=True)
        whole = len(rows) == len(series)
        values = batch.values if whole else batch.values[np.sort(rows)]
        series = series if whole else series[np.sort(rows)]
        values = _without(held, series, batch.timestamps, values)
        for start, end, first, last in windows.cut(batch.timestamps, now):
            if is_absent(values[:, first:last]).all():
                continue
            if (start, end) not in blocks:
                blocks[start, end] = writer.begin(start, end)
            for begin, stop in parts(last - first):
                part = slice(first + begin, first + stop)
                writer.add_group(blocks[start, end], batch.timestamps[part], _slices(series, values, part))


def _without(held: Held, series: IntArray, times: IntArray, values: FloatArray) -> FloatArray:
    """Leave out the samples at whose timestamps their series has one already."""
    left = values
    for part in held(series, int(times[0]), int(times[-1])) if len(times) else ():
        if left is values:
            left = values.copy()
        left[np.ix_(part.places, np.isin(times, part.times))] = ABSENT
    return left


def _slices(series: IntArray, values: FloatArray, part: slice) -> Iterator[tuple[IntArray, FloatArray]]:
    step = max(1, _SLICE_SAMPLES // (part.stop - part.start))
    for first in range(0, len(series), step):
        rows = slice(first, first + step)
        yield series[rows], np.ascontiguousarray(values[rows, part])
