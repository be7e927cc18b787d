"""History, straight into blocks: visible when all of it is written, and not before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from dashboard.model.samples import FloatArray, IntArray, SeriesBatch
from dashboard.storage.block_writer import BlockWriter


def write_batches(
    writer: BlockWriter,
    batches: Iterable[SeriesBatch],
    numbers_of: Callable[[SeriesBatch], IntArray],
    block_length: int,
) -> None:
    """Write batches, cut at the windows of ``block_length``, into one block a window."""
    blocks: dict[int, int] = {}
    for batch in batches:
        series = numbers_of(batch)
        # A series named twice would have two values at one time: the first one counts.
        series, rows = np.unique(series, return_index=True)
        values = batch.values if len(rows) == len(batch.values) and (rows[1:] > rows[:-1]).all() else batch.values[rows]
        for start, first, last in _windows(batch.timestamps, block_length):
            if start not in blocks:
                blocks[start] = writer.begin(start, start + block_length)
            part: FloatArray = np.ascontiguousarray(values[:, first:last])
            writer.add_group(blocks[start], batch.timestamps[first:last], [(series, part)])


def _windows(times: IntArray, length: int) -> Iterator[tuple[int, int, int]]:
    """Yield the start of each window with the first and last place of its timestamps."""
    windows = times // length * length
    starts = np.flatnonzero(np.diff(windows, prepend=windows[:1] - 1))
    for first, last in zip(starts.tolist(), [*starts[1:].tolist(), len(times)], strict=True):
        yield int(windows[first]), first, last
