"""History from a file: samples in any order of series and time become batches, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from dashboard.exposition.history import HistoryReader
from dashboard.exposition.reader import StampedSamples
from dashboard.model.labels import Labels
from dashboard.model.samples import IntArray, SeriesBatch
from dashboard.storage.storage import Storage

_GATHERED = 2 << 20
"""How many samples are gathered before they are stored: series of a month at 15 s come whole, and beside each other."""
_AHEAD = 600_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held: its series, the samples that were new, and the span of all; ``None`` where there was none.

    A sample that stands in it twice, far apart, may be counted twice. It is shown once.
    """

    series: int
    samples: int
    earliest: int | None
    latest: int | None


def import_openmetrics(
    storage: Storage, file: BinaryIO, now: int, progress: Callable[[int], object] = lambda _: None
) -> Imported:
    """Store the samples of an OpenMetrics file; ``progress`` is told how many bytes of it were read each time.

    They become visible all at once, when the whole file was found good. Where there is a sample already, it stays. A
    timestamp more than ten minutes ahead of ``now`` is refused, as Prometheus does in scrapes: nothing could be
    appended to its series until then.

    Raises:
        SyntaxFault: a line cannot be taken; nothing is visible.
        ImportFailedError: the database could not be written; nothing is visible.
    """
    seen = _Seen()
    reader = HistoryReader(file, seen.number, now + _AHEAD)
    samples = storage.import_batches(_batches(seen.labels, _told(reader, seen, progress)))
    return Imported(len(seen.labels), samples, seen.earliest, seen.latest)


class _Seen:
    """The series of a file, numbered as they come, and the span of its samples."""

    def __init__(self) -> None:
        self.labels: list[Labels] = []
        self.earliest: int | None = None
        self.latest: int | None = None
        self._numbers: dict[Labels, int] = {}

    def number(self, labels: Mapping[str, str]) -> int:
        """Return the number of a series in this file; different texts may name the same one."""
        key = Labels.of(labels)
        number = self._numbers.setdefault(key, len(self.labels))
        if number == len(self.labels):
            self.labels.append(key)
        return number

    def span(self, timestamps: IntArray) -> None:
        """Widen the span to hold these timestamps, of which there is one at least."""
        first, last = int(timestamps.min()), int(timestamps.max())
        self.earliest = first if self.earliest is None else min(first, self.earliest)
        self.latest = last if self.latest is None else max(last, self.latest)


def _told(reader: HistoryReader, seen: _Seen, progress: Callable[[int], object]) -> Iterator[StampedSamples]:
    for samples, read in reader.pieces():
        progress(read)
        if len(samples.series):
            seen.span(samples.timestamps)
            yield samples


def _batches(labels: list[Labels], pieces: Iterable[StampedSamples]) -> Iterator[SeriesBatch]:
    """Gather pieces, and cut them into batches. The series that ends them goes on with the next ones."""
    gathered: list[StampedSamples] = []
    count = 0
    for piece in pieces:
        gathered.append(piece)
        count += len(piece.series)
        if count >= _GATHERED:
            done, rest = _without_last_run(_joined(gathered))
            yield from _cut(labels, done)
            gathered, count = [rest], len(rest.series)
    if gathered:
        yield from _cut(labels, _joined(gathered))


def _joined(pieces: list[StampedSamples]) -> StampedSamples:
    return StampedSamples(
        np.concatenate([piece.series for piece in pieces]),
        np.concatenate([piece.timestamps for piece in pieces]),
        np.concatenate([piece.values for piece in pieces]),
    )


def _part(samples: StampedSamples, places: IntArray | slice) -> StampedSamples:
    return StampedSamples(samples.series[places], samples.timestamps[places], samples.values[places])


def _without_last_run(samples: StampedSamples) -> tuple[StampedSamples, StampedSamples]:
    """Part the lines of the last series from what stands before, unless they are most of it."""
    series = samples.series
    others = np.flatnonzero(series != series[-1])
    first = int(others[-1]) + 1 if len(others) else 0
    if first < len(series) // 2:
        first = len(series)
    return _part(samples, slice(first)), _part(samples, slice(first, None))


def _cut(labels: list[Labels], samples: StampedSamples) -> Iterator[SeriesBatch]:
    """Yield series with the same timestamps together, in order of their numbers."""
    samples = _sorted(samples)
    bounds = np.flatnonzero(np.diff(samples.series, prepend=-1, append=-1))
    alike: dict[bytes, list[tuple[int, int]]] = {}
    for first, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        alike.setdefault(samples.timestamps[first:end].tobytes(), []).append((first, end))
    for runs in alike.values():
        first, end = runs[0]
        yield SeriesBatch(
            [labels[int(samples.series[begin])] for begin, _ in runs],
            samples.timestamps[first:end],
            np.stack([samples.values[begin:stop] for begin, stop in runs]),
        )


def _sorted(samples: StampedSamples) -> StampedSamples:
    """Sort by series and time; of what stands there twice, the first counts."""
    if not _rises(samples.series, samples.timestamps):
        samples = _part(samples, np.lexsort((samples.timestamps, samples.series)))
        repeats = (np.diff(samples.series) == 0) & (np.diff(samples.timestamps) == 0)
        if repeats.any():
            samples = _part(samples, np.flatnonzero(np.concatenate([[True], ~repeats])))
    return samples


def _rises(series: IntArray, timestamps: IntArray) -> bool:
    """Say whether samples are in order already, as in a file that holds series after series."""
    further = np.diff(series)
    return bool(((further > 0) | ((further == 0) & (np.diff(timestamps) > 0))).all())
