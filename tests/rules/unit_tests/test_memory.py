"""The store of unit tests: what queries see of it, and when."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import SampleLimitError, is_stale
from dashboard.rules.unit_tests import MemoryStore, parse_series

ALL = (Matcher(MatchKind.REGEX, "__name__", ".+"),)


def seen(store: MemoryStore, start: int = 0, end: int = 10**9) -> dict[str, list[tuple[int, float]]]:
    return {
        str(labels): list(zip(batch.timestamps.tolist(), row.tolist(), strict=True))
        for batch in store.select(ALL, start, end)
        for labels, row in zip(batch.labels, batch.values, strict=True)
    }


def store_of(*series: str, interval: int = 1000) -> MemoryStore:
    store = MemoryStore()
    store.load(interval, map(parse_series, series))
    return store


def test_samples_come_to_light_with_time() -> None:
    """Queries see a sample from its time on."""
    store = store_of("x 1 2 3")
    assert seen(store) == {}
    store.reveal(1000)
    assert seen(store) == {"x": [(0, 1.0), (1000, 2.0)]}
    store.reveal()
    assert [time for time, _ in seen(store)["x"]] == [0, 1000, 2000]


def test_a_selection_has_both_ends() -> None:
    """Start and end are included, omitted values are not there."""
    store = store_of("x 1 _ 3 4")
    store.reveal()
    assert seen(store, 1000, 3000) == {"x": [(2000, 3.0), (3000, 4.0)]}


def test_series_that_share_times_share_a_batch() -> None:
    """Equal timestamps make one batch, others another."""
    store = store_of("x 1 2", "y 3 4", "z 5 _")
    store.reveal()
    assert sorted(len(batch.labels) for batch in store.select(ALL, 0, 5000)) == [1, 2]


def test_loads_add_up() -> None:
    """A later load brings further series, and later samples of known ones."""
    store = store_of("x 1")
    store.reveal(0)
    store.load(500, [parse_series("x _ 2"), parse_series("y 3")])
    assert store.reveal() == 0
    assert seen(store) == {"x": [(0, 1.0), (500, 2.0)], "y": [(0, 3.0)]}


def test_late_samples_are_counted() -> None:
    """What is older than the last sample is dropped, as in Prometheus's store."""
    store = store_of("x 1 2 3")
    store.reveal()
    store.load(1000, [parse_series("x 9")])
    assert store.reveal() == 1
    assert seen(store)["x"][0] == (0, 1.0)


def test_too_many_samples_are_refused() -> None:
    """The limit is checked before anything is copied."""
    store = store_of("x 1x9")
    store.reveal()
    with pytest.raises(SampleLimitError):
        store.select(ALL, 0, 10**9, most=9)
    assert store.select(ALL, 0, 10**9, most=10)


def test_series_that_leave_a_row_are_ended() -> None:
    """An appender marks the series that its last row alone had."""
    store = MemoryStore()
    first, second = (store.series_id(Labels.of({"__name__": name})) for name in "ab")
    appender = store.appender()
    appender.append(0, np.array([first, second]), np.array([1.0, 2.0]))
    result = appender.append(1000, np.array([second]), np.array([3.0]))
    assert (result.added, result.out_of_order) == (0, 0)
    assert is_stale(np.array([seen(store)["a"][1][1]])).all()
    appender.end(2000)
    assert is_stale(np.array([seen(store)["b"][2][1]])).all()
