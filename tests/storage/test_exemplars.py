"""The newest exemplars are kept in one ring, in order, and survive a restart."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind

from .conftest import FOREVER, Store

ALL = [[Matcher(MatchKind.NOT_EQUAL, "__name__", "")]]


def exemplar(trace: str = "x", value: float = 1.0, timestamp: int | None = None) -> Exemplar:
    return Exemplar(Labels.of({"trace_id": trace}), value, timestamp)


def kept(store: Store, start: int = 0, end: int = FOREVER) -> dict[str, list[tuple[str, int | None]]]:
    """Return trace and timestamp of each exemplar, by the name of its series."""
    return {
        each.series.metric_name: [(one.labels.get("trace_id"), one.timestamp) for one in each.exemplars]
        for each in store.storage.select_exemplars(ALL, start, end)
    }


def append(store: Store, name: str, given: Exemplar, now: int = 0) -> tuple[int, int, int]:
    (series,) = store.ids(name).tolist()
    result = store.storage.append_exemplars([(series, given)], now)
    return result.added, result.out_of_order, result.too_long


def test_exemplars_come_back_by_series_and_time(store: Store) -> None:
    for name, trace, time in (("b", "one", 10), ("a", "two", 20), ("b", "three", 30)):
        append(store, name, exemplar(trace, timestamp=time))
    assert kept(store) == {"a": [("two", 20)], "b": [("one", 10), ("three", 30)]}
    assert kept(store, 11, 30) == {"a": [("two", 20)], "b": [("three", 30)]}
    assert list(kept(store)) == ["a", "b"]
    assert store.storage.select_exemplars([], 0, 100) == []
    only_b = [[Matcher(MatchKind.EQUAL, "__name__", "b")], [Matcher(MatchKind.EQUAL, "__name__", "b")]]
    assert [each.series.metric_name for each in store.storage.select_exemplars(only_b, 0, 100)] == ["b"]


def test_one_without_a_timestamp_is_of_the_scrape_that_first_showed_it(store: Store) -> None:
    assert append(store, "a", exemplar(), now=100) == (1, 0, 0)
    assert append(store, "a", exemplar(), now=200) == (0, 0, 0)
    assert append(store, "a", exemplar("y"), now=300) == (1, 0, 0)
    assert append(store, "a", exemplar("y", math.nan), now=400) == (1, 0, 0)
    assert append(store, "a", exemplar("y", math.nan), now=500) == (0, 0, 0)
    assert kept(store) == {"a": [("x", 100), ("y", 300), ("y", 400)]}


def test_late_and_repeated_ones_are_dropped(store: Store) -> None:
    assert append(store, "a", exemplar(timestamp=50)) == (1, 0, 0)
    assert append(store, "a", exemplar(timestamp=50)) == (0, 0, 0)
    assert append(store, "a", exemplar(timestamp=49)) == (0, 1, 0)
    assert append(store, "a", exemplar(value=0.5, timestamp=50)) == (0, 1, 0)
    assert append(store, "a", exemplar(value=2, timestamp=50)) == (1, 0, 0)
    assert append(store, "b", exemplar(timestamp=1)) == (1, 0, 0)


@pytest.mark.parametrize(("sign", "fits"), [("y", 128 - 8), ("é", 128 - 8)])
def test_long_labels_are_counted_in_characters(store: Store, sign: str, fits: int) -> None:
    assert append(store, "a", exemplar(sign * fits)) == (1, 0, 0)
    assert append(store, "b", exemplar(sign * (fits + 1))) == (0, 0, 1)


def test_the_oldest_of_all_makes_room(store: Store) -> None:
    store.storage.limit_exemplars(3)
    for number, name in enumerate("aabbc"):
        append(store, name, exemplar(str(number), timestamp=number))
    assert kept(store) == {"b": [("2", 2), ("3", 3)], "c": [("4", 4)]}
    store.storage.limit_exemplars(1)
    assert kept(store) == {"c": [("4", 4)]}
    store.storage.limit_exemplars(0)
    assert append(store, "d", exemplar()) == (0, 0, 0)
    assert kept(store) == {}


def test_a_restart_keeps_them_and_what_they_say(store: Store) -> None:
    append(store, "a", exemplar("one", -0.0), now=10)
    append(store, "b", exemplar("two", math.nan, 20))
    store.reopen()
    assert kept(store) == {"a": [("one", 10)], "b": [("two", 20)]}
    values = [each.exemplars[0].value for each in store.storage.select_exemplars(ALL, 0, 100)]
    assert (math.copysign(1, values[0]), math.isnan(values[1])) == (-1, True)
    # What repeats after a restart is known to repeat.
    assert append(store, "a", exemplar("one", -0.0), now=30) == (0, 0, 0)


def test_the_table_holds_no_more_than_the_ring(store: Store) -> None:
    store.storage.limit_exemplars(5)
    for number in range(40):
        append(store, "a", exemplar(str(number), timestamp=number))
    store.close()
    store.open()
    with store.database.read() as connection:
        assert [row[0] for row in connection.execute("SELECT time FROM exemplars ORDER BY id")] == list(range(35, 40))
    append(store, "a", exemplar("next", timestamp=100))
    store.storage.limit_exemplars(2)
    assert kept(store) == {"a": [("39", 39), ("next", 100)]}


def test_those_older_than_the_retention_go(tmp_path: Path) -> None:
    store = Store(tmp_path, retention=100)
    try:
        append(store, "a", exemplar("old", timestamp=10))
        append(store, "a", exemplar("new", timestamp=500))
        store.storage.upkeep(now=200)
        store.reopen()
        assert kept(store) == {"a": [("new", 500)]}
    finally:
        store.close()


def test_one_whose_series_was_never_saved_is_forgotten(store: Store) -> None:
    append(store, "a", exemplar(timestamp=10))
    store.close()
    store.open()
    store.database.write(lambda connection: connection.execute("UPDATE exemplars SET series = 1000"))
    store.reopen()
    assert kept(store) == {}
    for number in range(1100):
        store.storage.series_id(Labels.of({"__name__": f"m{number}"}))
    store.reopen()
    assert kept(store) == {}
