"""Groups of several blocks made into fewer and longer ones, some series and some time at once: memory stays bounded.

Series that lie in the same groups stay together. One that lacks a part of those others' time joins them if it has at
least half of it: gaps cost next to nothing on disk, but they are decoded with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboard.model.samples import FloatArray, IntArray, is_absent
from dashboard.storage.codec import absent_matrix
from dashboard.storage.source import Source, read
from dashboard.storage.windows import parts

Slices = Iterator[tuple[IntArray, FloatArray]]
Erase = Callable[[IntArray, IntArray, FloatArray], None]
"""Takes series, timestamps and float64[series, timestamps], and makes absent what is to go."""

_SLICE_SAMPLES = 1 << 20


@dataclass(slots=True)
class _Family:
    """Series, and the sources that hold them, the first of which wins where two have the same timestamp."""

    sources: frozenset[int]
    times: int
    series: list[IntArray] = field(default_factory=list)


def regroup(sources: Sequence[Source], erase: Erase) -> Iterator[tuple[IntArray, Slices]]:
    """Yield groups: their timestamps, and slices of series with float64[series, timestamps]."""
    for family in _families(sources):
        own = [sources[number] for number in sorted(family.sources)]
        series = _ordered(np.concatenate(family.series), own)
        times = np.unique(np.concatenate([source.times for source in own]))
        for first, last in parts(len(times)):
            yield times[first:last], _slices(own, series, times[first:last], erase)


def _families(sources: Sequence[Source]) -> list[_Family]:
    lengths = [len(source.times) for source in sources]
    families: list[_Family] = []
    chains = [(frozenset(chain), series) for chain, series in _chains(sources)]
    for chain, series in sorted(chains, key=lambda each: -sum(lengths[number] for number in each[0])):
        times = sum(lengths[number] for number in chain)
        family = next((each for each in families if chain <= each.sources and 2 * times >= each.times), None)
        if family is None:
            family = _Family(chain, times)
            families.append(family)
        family.series.append(series)
    return families


def _chains(sources: Sequence[Source]) -> Iterator[tuple[list[int], IntArray]]:
    """Group the series by the list of sources that hold them."""
    every = np.unique(np.concatenate([source.series for source in sources])) if sources else np.empty(0, np.int64)
    chains: list[list[int]] = [[]]
    chain_of = np.zeros(len(every), dtype=np.int64)
    for number, source in enumerate(sources):
        places = np.searchsorted(every, source.series)
        before, inverse = np.unique(chain_of[places], return_inverse=True)
        chain_of[places] = len(chains) + inverse
        chains.extend([*chains[chain], number] for chain in before.tolist())
    order = np.argsort(chain_of, kind="stable")
    numbers, starts = np.unique(chain_of[order], return_index=True)
    for chain, places in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        yield chains[chain], every[places]


def _ordered(series: IntArray, sources: Iterable[Source]) -> IntArray:
    """Put series in the order that they have in the newest source that holds them: like lies beside like there."""
    series = np.sort(series)
    order = np.zeros(len(series), dtype=np.int64)
    for number, source in enumerate(sources):
        places = np.searchsorted(series, source.series)
        known = (places < len(series)) & (series[np.minimum(places, len(series) - 1)] == source.series)
        order[places[known]] = (number << 32) + np.flatnonzero(known)
    return series[np.argsort(order, kind="stable")]


def _slices(sources: Sequence[Source], series: IntArray, times: IntArray, erase: Erase) -> Slices:
    overlapping = [source for source in sources if source.times[0] <= times[-1] and source.times[-1] >= times[0]]
    columns = [_columns(source, series) for source in overlapping]
    step = max(1, _SLICE_SAMPLES // len(times))
    for first in range(0, len(series), step):
        rows = slice(first, first + step)
        values = absent_matrix(len(series[rows]), len(times))
        for source, places in reversed(list(zip(overlapping, columns, strict=True))):
            _fill(values, times, source, places[rows])
        erase(series[rows], times, values)
        yield series[rows], values


def _columns(source: Source, series: IntArray) -> IntArray:
    """Return the column of each series in a source, or -1."""
    order = np.argsort(source.series)
    ordered = source.series[order]
    places = np.minimum(np.searchsorted(ordered, series), len(ordered) - 1)
    columns: IntArray = np.where(ordered[places] == series, order[places], -1)
    return columns


def _fill(values: FloatArray, times: IntArray, source: Source, columns: IntArray) -> None:
    """Write the samples of a source over what is there."""
    first, last = np.searchsorted(source.times, times[0]), np.searchsorted(source.times, times[-1], side="right")
    rows = np.flatnonzero(columns >= 0)
    if first == last or not len(rows):
        return
    found = read(source, columns[rows], int(first), int(last))
    places = np.searchsorted(times, source.times[first:last])
    present = ~is_absent(found)
    if present.all() and len(rows) == len(values) and places[-1] - places[0] == len(places) - 1:
        values[:, places[0] : places[-1] + 1] = found
        return
    row, place = np.nonzero(present)
    values[rows[row], places[place]] = found[row, place]
