"""How much a query may read: it is counted from the sizes of what is stored, before any of it is decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import Known, SampleLimitError
from dashboard.promql import Engine, Ranges
from dashboard.promql.errors import TooManySamplesError
from dashboard.storage.blocks import Group, OpenGroup
from dashboard.storage.head import RawRows, SealedRows
from tests.storage.conftest import FOREVER, Store

MakeStore = Callable[..., Store]


@pytest.fixture
def filled(make_store: MakeStore) -> Store:
    """``a`` and ``b`` every 10 ms from 0 to 3490, in blocks, sealed rows and raw rows; and points ``p``."""
    store = make_store(block_length=1000, raw_rows=8)
    appender = store.storage.appender()
    for time in range(0, 3500, 10):
        appender.append(time, store.ids("a", "b"), np.array([time, -time], dtype=float))
    (point,) = store.ids("p")
    store.storage.append_points(np.full(30, point), np.arange(3460, 3490), np.arange(30.0))
    store.storage.flush()
    store.storage.upkeep(3260)
    kinds = {type(source) for source in store.storage._snapshot(0, FOREVER)[0]}
    assert {OpenGroup, SealedRows, RawRows} <= kinds
    return store


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of sources that were read."""
    found: list[str] = []

    def spy(kind: type) -> None:
        read_into = kind.read_into  # type: ignore[attr-defined]

        def noted(source: Any, *args: Any, **options: Any) -> Known:
            found.append(kind.__name__)
            known: Known = read_into(source, *args, **options)
            return known

        monkeypatch.setattr(kind, "read_into", noted)

    for kind in (OpenGroup, SealedRows, RawRows):
        spy(kind)
    return found


@pytest.mark.parametrize(
    ("names", "between", "samples"),
    [
        ("a b", (0, FOREVER), 700),
        ("a", (0, FOREVER), 350),
        ("a", (995, 2000), 101),
        ("b", (3400, 3449), 5),
        ("p", (0, FOREVER), 30),
        ("p", (3480, 3484), 5),
        ("a b p", (2990, FOREVER), 132),
    ],
)
def test_a_query_reads_at_most_as_many_samples_as_it_may(
    filled: Store, reads: list[str], names: str, between: tuple[int, int], samples: int
) -> None:
    matchers = [matcher_of(names)]
    with pytest.raises(SampleLimitError, match=f"there are more than {samples - 1} samples"):
        filled.storage.select(matchers, *between, most=samples - 1)
    assert reads == []
    batches = filled.storage.select(matchers, *between, most=samples)
    assert sum(batch.values.size for batch in batches) == samples
    assert bool(reads) == (names != "p")


def matcher_of(names: str) -> Matcher:
    return Matcher(MatchKind.REGEX, "__name__", "|".join(names.split()))


def test_without_a_limit_everything_is_read(filled: Store) -> None:
    assert sum(batch.values.size for batch in filled.storage.select([], 0, FOREVER)) == 730


def test_a_limit_that_is_far_exceeded_stops_the_counting(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    contents = Group.contents

    def noted(group: Group) -> Any:
        looked.append(group.number)
        return contents(group)

    monkeypatch.setattr(Group, "contents", noted)
    with pytest.raises(SampleLimitError) as refusal:
        filled.storage.select([], 0, FOREVER, most=20)
    assert set(looked) == {1, 2}
    assert refusal.value.found == 430


def test_the_engine_refuses_a_query_of_too_many_samples_before_any_is_read(filled: Store, reads: list[str]) -> None:
    def ask(limit: int) -> Any:
        engine = Engine(filled.storage, registry=CollectorRegistry(), max_samples=limit)
        return engine.instant('{__name__=~"a|b"}[30d]', 3490).value

    with pytest.raises(TooManySamplesError):
        ask(699)
    assert reads == []
    value = ask(700)
    assert isinstance(value, Ranges)
    assert sum(batch.values.size for batch in value.batches) == 700


def test_sealed_rows_of_one_width_are_searched_once(make_store: MakeStore) -> None:
    store = make_store(block_length=10**6, raw_rows=8)
    appender = store.storage.appender()
    for time in range(0, 1000, 10):
        appender.append(time, store.ids("a", "b"), np.array([time, -time], dtype=float))
        if not time % 100:
            store.storage.flush()
            store.storage.upkeep(time)
    sources = store.storage._snapshot(0, FOREVER)[0]
    assert sum(isinstance(source, SealedRows) for source in sources) > 2
    assert len({id(source.series) for source in sources}) == 1
