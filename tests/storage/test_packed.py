"""Samples that stay packed say the same as the values that would be made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dashboard.model.labels import Labels
from dashboard.model.samples import STALE, Falls, FloatArray, IntArray, SeriesBatch, find_falls
from dashboard.promql import Engine, Matrix
from dashboard.storage import select
from dashboard.storage.codec import encode_chunks, unpack_chunk
from dashboard.storage.packed import PackedSamples
from tests.storage.conftest import Store

MakeStore = Callable[..., Store]

STEP = 15_000
COUNT = 24_000
"""Four days: more than a group, and several blocks."""


def series(seed: int, count: int) -> FloatArray:
    """Rows of every coding: counters that begin anew, buckets against each other, levels, decimals, bits, constants."""
    chance = np.random.default_rng(seed)
    steps = chance.poisson(chance.choice([0.2, 5, 300]), (4, count)).astype(float)
    counters = np.cumsum(np.cumsum(steps, axis=0), axis=1)
    begun = int(chance.integers(1, count))
    counters[:, begun:] -= counters[:, begun - 1 : begun]
    walk = np.round(np.cumsum(chance.normal(0, 1, count)), 1)
    rows = [*counters, walk, np.rint(chance.normal(50, 20, count)), chance.normal(size=count), np.full(count, 7.0)]
    rows += [1000.0 * counters[0], counters[1] / 8, counters[0] * 1e9]
    return np.stack(rows) + 0.0  # There is no minus zero among them.


def test_sums_of_steps_may_be_beyond_64_bits_on_the_way() -> None:
    """A counter of nanoseconds that begins anew takes many steps, counted from the lowest one."""
    values = 8e15 + np.cumsum(np.random.default_rng(4).integers(0, 10**6, (2, 5000)), axis=1).astype(float)
    values[:, 3000:] -= values[:, 2999:3000]
    ((height, blob),) = encode_chunks(values)
    chunk = unpack_chunk(blob, (height, 5000), np.arange(2))
    for first in (0, 1, 1200, 2999, 3000, 4999):
        found = np.empty((2, 5000 - first))
        chunk.write(found, first)
        assert np.array_equal(found, values[:, first:])
    assert np.array_equal(chunk.take(np.array([7, 2999, 3000, 4000])), values[:, [7, 2999, 3000, 4000]])


def test_what_is_kept_of_a_chunk_is_counted_and_is_of_the_series_asked_for() -> None:
    values = np.arange(9 * 14_400.0).reshape(9, -1)
    values[:, ::2] = np.nan
    ((height, blob),) = encode_chunks(values)
    whole = unpack_chunk(blob, (height, 14_400), np.arange(9))
    assert whole.nbytes > 9 * 7_200 * 24
    assert unpack_chunk(blob, (height, 14_400), np.arange(1)).nbytes < whole.nbytes / 8


def told(falls: Falls) -> list[tuple[int, int, float]]:
    return list(zip(falls.rows.tolist(), falls.places.tolist(), falls.before.tolist(), strict=True))


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.data())
def test_a_long_chunk_tells_of_values_what_they_say_themselves(seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(2049, 5000))
    values = series(seed, count)
    some = st.lists(st.integers(0, len(values) - 1), min_size=1, unique=True)
    start = 0
    for height, blob in encode_chunks(values):
        rows = np.array([row % height + start for row in data.draw(some)], dtype=np.int64)
        rows = rows[np.sort(np.unique(rows, return_index=True)[1])]
        chunk = unpack_chunk(blob, (height, count), rows - start)
        first, last = sorted(data.draw(st.tuples(*2 * (st.integers(0, count),))))
        places = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=40))))
        assert chunk.is_plain
        assert np.array_equal(chunk.take(places), values[rows][:, places])
        assert told(chunk.falls(first, last)) == told(find_falls(values[rows, first:last]))
        assert all(map(np.array_equal, chunk.edges(), (values[rows, 0], values[rows, -1])))
        start += height


@pytest.fixture
def history(make_store: MakeStore) -> Store:
    """Two targets, with the same timestamps but for a part that one of them lacks."""
    store = make_store(block_length=7_200_000, retention=10**12, clock=lambda: (COUNT + 10_000) * STEP)
    times = np.arange(COUNT, dtype=np.int64) * STEP
    batches: list[SeriesBatch] = []
    for target, kept in (("a", slice(None)), ("b", slice(9_000, None)), ("c", slice(None))):
        values = series(len(batches), COUNT)
        labels = [Labels.of({"__name__": "m_total", "row": str(row), "target": target}) for row in range(len(values))]
        batches.append(SeriesBatch(labels, times[kept], values[:, kept]))
    batches[2].values[3, 17_000] = STALE
    store.storage.import_batches(iter(batches))
    store.storage.upkeep((COUNT + 10_000) * STEP)
    return store


def rows_of(batches: list[SeriesBatch]) -> dict[Labels, tuple[IntArray, FloatArray]]:
    return {
        labels: (batch.timestamps, values)
        for batch in batches
        for labels, values in zip(batch.labels, batch.values, strict=True)
    }


def packed_and_not(
    store: Store, monkeypatch: pytest.MonkeyPatch, start: int, end: int
) -> tuple[list[SeriesBatch], list[SeriesBatch]]:
    dense = store.storage.select([], start, end)
    with monkeypatch.context() as patched:
        patched.setattr(select, "_KEPT", 0)
        return store.storage.select([], start, end), dense


@pytest.mark.parametrize("between", [(0, COUNT), (123, 20_000), (8_990, 9_010), (0, 5_000)])
def test_a_query_finds_the_same_packed_or_not(
    history: Store, monkeypatch: pytest.MonkeyPatch, between: tuple[int, int]
) -> None:
    packed, dense = packed_and_not(history, monkeypatch, between[0] * STEP, between[1] * STEP)
    assert any(isinstance(batch.samples, PackedSamples) for batch in packed)
    found, wanted = rows_of(packed), rows_of(dense)
    assert found.keys() == wanted.keys()
    for labels, (times, values) in wanted.items():
        assert np.array_equal(found[labels][0], times)
        assert np.array_equal(found[labels][1].view(np.uint64), values.view(np.uint64))


def test_packed_samples_are_taken_and_fall_as_their_values_do(history: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, _ = packed_and_not(history, monkeypatch, 100 * STEP, 23_000 * STEP)
    for batch in packed:
        if isinstance(batch.samples, PackedSamples):
            values = batch.values
            places = np.unique(np.random.default_rng(3).integers(0, values.shape[1], 500))
            again = np.concatenate((places, places[::-1]))
            assert np.array_equal(batch.take(again), values[:, again])
            assert told(batch.falls()) == told(find_falls(values))


def test_nothing_falls_where_samples_of_others_lie_in_between(make_store: MakeStore) -> None:
    """A target that has one series more for a while is in two groups of a block, one of which surrounds the other."""
    now = (COUNT + 10_000) * STEP
    store = make_store(block_length=7_200_000, retention=10**12, clock=lambda: now)
    times, more = np.arange(COUNT, dtype=np.int64) * STEP, (np.arange(COUNT) // 4_000) % 2 == 1
    values = np.cumsum(np.full((3, COUNT), 15.0), axis=1)
    labels = [Labels.of({"__name__": "m_total", "row": str(row)}) for row in range(3)]
    few = SeriesBatch(labels[:2], times[~more], values[:2, ~more])
    store.storage.import_batches(iter([few, SeriesBatch(labels, times[more], values[:, more])]))
    store.storage.upkeep(now)
    engine = Engine(store.storage, registry=CollectorRegistry())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(select, "_KEPT", 0)
        value = engine.range('rate(m_total{row=~"0|1"}[12h])', 4_500 * STEP, 5_000 * STEP, 125 * STEP).value
        found = [told(batch.falls()) for batch in store.storage.select([], 1_620 * STEP, 4_500 * STEP)]
    assert isinstance(value, Matrix)
    assert np.allclose(value.values[value.present], 1.0)
    assert found == [[]] * len(found)


QUERIES = ("rate(m_total[1h])", "irate(m_total[10m])", "delta(m_total[3h])", "m_total", "resets(m_total[2h])")


@pytest.mark.parametrize("query", QUERIES)
def test_queries_answer_the_same_packed_or_not(history: Store, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    engine = Engine(history.storage, registry=CollectorRegistry())

    def ask() -> Matrix:
        value = engine.range(query, 7_300, COUNT * STEP, 1_800_000).value
        assert isinstance(value, Matrix)
        return value

    dense = ask()
    monkeypatch.setattr(select, "_KEPT", 0)
    packed = ask()
    assert packed.labels == dense.labels
    assert np.array_equal(packed.present, dense.present)
    assert np.array_equal(packed.values[packed.present], dense.values[dense.present])
