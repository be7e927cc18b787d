"""History, straight into blocks: visible when all of it is written, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from dashboard.model.samples import FloatArray, IntArray, SeriesBatch
from dashboard.storage.block_writer import BlockWriter
from dashboard.storage.windows import Windows, parts

_SLICE_SAMPLES = 1 << 20


def write_batches(
    writer: BlockWriter,
    batches: Iterable[SeriesBatch],
    numbers_of: Callable[[SeriesBatch], IntArray],
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
        for start, end, first, last in windows.cut(batch.timestamps, now):
            if (start, end) not in blocks:
                blocks[start, end] = writer.begin(start, end)
            for begin, stop in parts(last - first):
                part = slice(first + begin, first + stop)
                writer.add_group(blocks[start, end], batch.timestamps[part], _slices(series, values, part))


def _slices(series: IntArray, values: FloatArray, part: slice) -> Iterator[tuple[IntArray, FloatArray]]:
    step = max(1, _SLICE_SAMPLES // (part.stop - part.start))
    for first in range(0, len(series), step):
        rows = slice(first, first + step)
        yield series[rows], np.ascontiguousarray(values[rows, part])
