"""The past of an app: the same model as the live one, run on numpy arrays, all ticks at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.chance import LogLogistic, Step
from simulators.exposition import process_collector
from simulators.families import QUANTILES, Family, FamilyKind, Grid, LabelValues
from simulators.incidents import NONE
from simulators.ledger import WINDOW_MS, histogram_samples, summary_samples
from simulators.live import BUILD
from simulators.model import App, Model, Tick
from simulators.releases import release_at
from simulators.traffic import conditions

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STALE: float = float(np.array([0x7FF0_0000_0000_0002], dtype=np.uint64).view(np.float64)[0])
"""The NaN with which Prometheus says that a series has ended (model/value in prometheus/prometheus)."""

Row = tuple[str, dict[str, str], FloatArray]


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """What an app exposed over some time: series with the same timestamps.

    ``labels[S]`` hold ``__name__`` and the app's own labels, without those of the target; ``timestamps`` is int64[T] in
    ms; ``values`` is float64[S, T]. Prometheus's staleness marker stands where a series was not exposed (the build info
    of another version).
    """

    labels: list[dict[str, str]]
    timestamps: IntArray
    values: FloatArray


def history(app: App, *, start_ms: int, end_ms: int, step_ms: int, seed: int) -> HistoryTable:
    """Make the series of an app at ``start_ms``, then each ``step_ms``, before ``end_ms``. Counters begin near 0.

    The same arguments give the same table. Raises ``ValueError`` where no timestamp fits.
    """
    if step_ms <= 0 or start_ms >= end_ms:
        raise ValueError(f"A history from {start_ms} to {end_ms} in steps of {step_ms} ms has no timestamps.")
    timestamps = np.arange(start_ms, end_ms, step_ms, dtype=np.int64)
    model, ledger = app.model(), _ArrayLedger()
    model.tick(_all_ticks(app, timestamps, step_ms, seed, ledger))
    rows = [
        *_build_rows(app, timestamps, seed),
        *_rows(model, ledger, len(timestamps), step_ms),
        *_process_rows(timestamps, seed),
    ]
    labels = [{"__name__": name, **own} for name, own, _ in rows]
    return HistoryTable(labels, timestamps, np.stack([values for _, _, values in rows]))


def _all_ticks(app: App, timestamps: IntArray, step_ms: int, seed: int, ledger: _ArrayLedger) -> Tick[FloatArray]:
    past = [conditions(app.profile, app.name, seed, now_ms, NONE) for now_ms in timestamps.tolist()]
    rate, slowdown, errors = np.array([(now.rate, now.slowdown, now.error_share) for now in past]).T
    random = np.random.default_rng([seed & 0xFFFF_FFFF_FFFF_FFFF, app.port])
    return Tick(step_ms / 1000, rate, slowdown, errors, NONE, _ArrayChance(random, timestamps), ledger)


class _ArrayChance:
    """Draws for all ticks from a seeded generator."""

    def __init__(self, random: np.random.Generator, timestamps: IntArray) -> None:
        self._random = random
        self._timestamps: list[int] = timestamps.tolist()

    def constant(self, value: float) -> FloatArray:
        return np.full(len(self._timestamps), value)

    def at_most(self, value: FloatArray, limit: float) -> FloatArray:
        return np.minimum(value, limit)

    def poisson(self, mean: FloatArray) -> FloatArray:
        return self._random.poisson(mean).astype(np.float64)

    def binomial(self, count: FloatArray, share: FloatArray) -> FloatArray:
        return self._random.binomial(count.astype(np.int64), np.clip(share, 0.0, 1.0)).astype(np.float64)

    def spread(self, count: FloatArray, law: LogLogistic, slowdown: FloatArray, grid: Grid) -> list[FloatArray]:
        # The share of durations below an edge is 1 / (1 + (median * slowdown / edge) ** shape).
        odds = np.multiply.outer(slowdown**law.shape, (law.median / np.array(grid.edges)) ** law.shape)
        shares = np.diff(1.0 / (1.0 + odds), axis=1, prepend=0.0, append=1.0)
        cells = self._random.multinomial(count.astype(np.int64), shares / shares.sum(axis=1, keepdims=True))
        return list(np.ascontiguousarray(cells.T, dtype=np.float64))

    def walk(self, step: Step, *inputs: FloatArray) -> list[FloatArray]:
        ticks = zip(self._timestamps, zip(*(values.tolist() for values in inputs), strict=True), strict=True)
        return list(np.array([step(now_ms, values) for now_ms, values in ticks], dtype=np.float64).T)


class _ArrayLedger:
    """The amounts of all ticks, tick by tick: nothing is summed up over time yet."""

    def __init__(self) -> None:
        self.single: dict[Family, dict[LabelValues, FloatArray]] = {}
        self.cells: dict[Family, dict[LabelValues, Sequence[FloatArray]]] = {}

    def add(self, family: Family, labels: LabelValues, amount: FloatArray) -> None:
        amounts = self.single.setdefault(family, {})
        amounts[labels] = amounts[labels] + amount if labels in amounts else amount

    def set(self, family: Family, labels: LabelValues, value: FloatArray) -> None:
        self.single.setdefault(family, {})[labels] = value

    def observe(self, family: Family, labels: LabelValues, cells: Sequence[FloatArray]) -> None:
        self.cells.setdefault(family, {})[labels] = cells


def _rows(model: Model, ledger: _ArrayLedger, ticks: int, step_ms: int) -> Iterator[Row]:
    infos = model.infos(NONE)
    for family in model.families:
        for labels, amounts in ledger.single.get(family, {}).items():
            values = np.cumsum(amounts) if family.kind is FamilyKind.COUNTER else amounts
            yield family.name, dict(zip(family.labels, labels, strict=True)), values
        for labels, cells in ledger.cells.get(family, {}).items():
            yield from _observation_rows(family, labels, np.cumsum(np.stack(cells), axis=1), step_ms)
        for labels in (labels for of, labels in infos if of is family):
            yield family.name, dict(zip(family.labels, labels, strict=True)), np.ones(ticks)


def _observation_rows(family: Family, labels: LabelValues, totals: FloatArray, step_ms: int) -> Iterator[Row]:
    if family.kind is FamilyKind.HISTOGRAM:
        yield from histogram_samples(family, labels, list(totals))
        return
    yield from _quantile_rows(family, labels, totals, max(1, WINDOW_MS // step_ms))
    yield from summary_samples(family, labels, list(totals))


def _quantile_rows(family: Family, labels: LabelValues, totals: FloatArray, ticks: int) -> Iterator[Row]:
    window = totals.copy()
    window[:, ticks:] -= totals[:, :-ticks]
    seen = np.cumsum(window, axis=0)
    own = dict(zip(family.labels, labels, strict=True))
    for q in QUANTILES:
        cell = np.argmax(seen >= q * seen[-1], axis=0)
        values = np.where(seen[-1] > 0, np.array(family.grid.values)[cell], np.nan)
        yield family.name, {**own, "quantile": str(q)}, values


def _build_rows(app: App, timestamps: IntArray, seed: int) -> Iterator[Row]:
    releases = [release_at(app.name, seed, now_ms) for now_ms in timestamps.tolist()]
    for release in dict.fromkeys(releases):
        own = dict(zip(BUILD.labels, (app.name, release.version, release.revision), strict=True))
        yield BUILD.name, own, np.where([ran == release for ran in releases], 1.0, STALE)


def _process_rows(timestamps: IntArray, seed: int) -> Iterator[Row]:
    """Yield what this platform exposes of a process, as a small process would have had it since the first timestamp."""
    seconds = (timestamps - timestamps[0]) / 1000
    random = np.random.default_rng(seed & 0xFFFF_FFFF_FFFF_FFFF)
    memory = 29e6 + 1.2e6 * np.sin(seconds / 5400) + random.integers(0, 40, len(seconds)) * 4096
    past = {
        "process_cpu_seconds_total": np.round(0.3 + seconds * 0.003, 2),
        "process_resident_memory_bytes": np.floor(memory / 4096) * 4096,
        "process_start_time_seconds": np.full(len(seconds), timestamps[0] / 1000),
        "process_virtual_memory_bytes": np.full(len(seconds), 2.2e8),
        "process_open_fds": np.full(len(seconds), 8.0),
        "process_max_fds": np.full(len(seconds), 1024.0),
    }
    for metric in process_collector().collect():
        for sample in metric.samples:
            yield sample.name, dict(sample.labels), past[sample.name]
