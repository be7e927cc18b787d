"""A storage in memory, and the series notation of Prometheus's own tests to fill it with."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, matches_all
from dashboard.model.samples import STALE, FloatArray, IntArray, SampleLimitError, SeriesBatch
from dashboard.promql import Engine, Matrix, QueryResult, Ranges, Scalar, Vector, parse
from dashboard.promql.ast import VectorSelector

_ITEM = re.compile(r"(?P<start>[^x]+?)(?:(?P<step>[+-][0-9.e]+))?(?:x(?P<times>[0-9]+))?")

Series = tuple[IntArray, FloatArray]


class MemoryStorage:
    """Series and their samples; those with the same timestamps come in one batch, as from the real storage."""

    def __init__(self, series: Mapping[Labels, Series] | None = None) -> None:
        self.series: dict[Labels, Series] = dict(series or {})
        self.asked: list[tuple[int, int]] = []

    def select(
        self, matchers: Sequence[Matcher], start: int, end: int, *, most: int | None = None
    ) -> list[SeriesBatch]:
        self.asked.append((start, end))
        found: dict[bytes, list[tuple[Labels, IntArray, FloatArray]]] = {}
        for labels, (timestamps, values) in self.series.items():
            if matches_all(tuple(matchers), labels):
                inside = slice(np.searchsorted(timestamps, start), np.searchsorted(timestamps, end, side="right"))
                row = (labels, timestamps[inside], values[inside])
                found.setdefault(row[1].tobytes(), []).append(row)
        samples = sum(len(row[1]) for rows in found.values() for row in rows)
        if most is not None and samples > most:
            raise SampleLimitError(most, samples)
        return [
            SeriesBatch([row[0] for row in rows], rows[0][1], np.stack([row[2] for row in rows]))
            for rows in found.values()
            if len(rows[0][1])
        ]

    def load(self, text: str, step: int = 30_000, start: int = 0) -> None:
        """Add series: a line each, labels and then values such as ``1 2+3x4 _ _x2 stale``."""
        for line in filter(None, map(str.strip, text.splitlines())):
            selector, items = re.fullmatch(r"(\S+\{.*?\}|\{.*?\}|\S+)\s+(.*)", line).groups()
            values = [value for item in items.split() for value in expand(item)]
            timestamps = [start + number * step for number, value in enumerate(values) if value is not None]
            kept = np.array([value for value in values if value is not None], dtype=np.float64)
            # Python turns the staleness marker into an ordinary NaN where it computes; here it only stores it.
            self.series[labels_of(selector)] = (np.array(timestamps, dtype=np.int64), kept)


def labels_of(text: str) -> Labels:
    """Read the labels of a series, as ``name{label="value"}``."""
    selector = parse(text)
    assert isinstance(selector, VectorSelector)
    return Labels.of({matcher.name: matcher.value for matcher in selector.matchers})


def expand(item: str) -> Iterable[float | None]:
    """Return the values that one item of the notation stands for; ``None`` is a gap."""
    if item == "stale":
        return [STALE]
    if item.startswith("_"):
        return [None] * int(item[2:] or 1)
    start, step, times = _ITEM.fullmatch(item).group("start", "step", "times")
    first = float(start)
    return [first + number * float(step or 0) for number in range(int(times or 0) + 1)]


Shown = dict[str, object]


def shown(result: QueryResult) -> object:
    """Return a result in plain values: by the text of its labels, what is there; NaN as the string NaN."""
    match result.value:
        case Vector() as vector:
            return {str(labels): plain(value) for labels, value in zip(vector.labels, vector.values, strict=True)}
        case Matrix() as matrix:
            rows = zip(matrix.labels, matrix.values, matrix.present, strict=True)
            return {
                str(labels): [plain(value) if there else None for value, there in zip(values, present, strict=True)]
                for labels, values, present in rows
            }
        case Ranges(batches):
            return {
                str(labels): list(zip(batch.timestamps.tolist(), map(plain, values), strict=True))
                for batch in batches
                for labels, values in zip(batch.labels, batch.values, strict=True)
            }
        case Scalar(_, value):
            return plain(value)
        case other:
            return other.value


def plain(value: float) -> float | str:
    return "NaN" if math.isnan(value) else float(value)


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def engine(storage: MemoryStorage) -> Engine:
    return Engine(storage, registry=CollectorRegistry())


@pytest.fixture
def load(storage: MemoryStorage) -> Callable[..., None]:
    """Load series in Prometheus's notation, 30 s apart, from time 0."""
    return storage.load


@pytest.fixture
def ask(engine: Engine) -> Callable[..., object]:
    """Ask an instant query at a time in seconds, and show the answer in plain values."""

    def ask_at(query: str, seconds: float = 0) -> object:
        return shown(engine.instant(query, round(seconds * 1000)))

    return ask_at


@pytest.fixture
def ask_range(engine: Engine) -> Callable[..., object]:
    """Ask a range query, all times in seconds, and show the answer in plain values."""

    def ask_over(query: str, start: float, end: float, step: float) -> object:
        return shown(engine.range(query, *(round(seconds * 1000) for seconds in (start, end, step))))

    return ask_over
