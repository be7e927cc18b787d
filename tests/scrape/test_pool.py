"""A pool goes over from one set of targets to another: what stays the same goes on, what is gone becomes stale."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dashboard.config.scrape import ScrapeConfig
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelAction, RelabelConfig
from dashboard.scrape.counters import PoolMetrics, ScrapeCounters
from dashboard.scrape.discovery import Discovered, TargetGroup
from dashboard.scrape.fetch import Answer
from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.pool import Pool
from dashboard.scrape.status import TargetHealth
from dashboard.scrape.target import Target
from dashboard.scrape.ticker import Ticker
from dashboard.scrape.timetable import Timetable

from .conftest import FakeStorage, stale

NOW = 1_700_000_000_000
JOB = ScrapeConfig(job_name="a", scrape_interval=5000, scrape_timeout=1000)


class Page:
    """A source that answers a page, once the test lets it."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()

    def fetch(self) -> Answer:
        self.entered.set()
        assert self.open.wait(20)
        return Answer(b"m 1\n", "text/plain")

    def cancel(self) -> None:
        self.open.set()

    def close(self) -> None:
        pass


class Bench:
    """A pool whose targets are scraped when the test says so: its ticker stands still."""

    def __init__(self, storage: FakeStorage) -> None:
        self.registry = CollectorRegistry()
        self.counters = ScrapeCounters(self.registry)
        self.ticks = itertools.count(NOW, 1000)
        self.storage = storage
        self.ticker = Ticker()
        self.pages: list[Page] = []
        timetable = Timetable(self.ticker, lambda: NOW)
        self.pool = Pool(JOB, self.make_loop, timetable, PoolMetrics(self.registry))

    def make_loop(self, target: Target, after: ScrapeLoop | None) -> ScrapeLoop:
        self.pages.append(Page())
        return ScrapeLoop(
            target,
            self.pages[-1],
            self.storage,
            counters=self.counters,
            clock=lambda: next(self.ticks),
            after=after,
        )

    def sync(self, *addresses: str, complete: bool = True, labels: dict[str, str] | None = None, **job: Any) -> None:
        group = TargetGroup(tuple({"__address__": address} for address in addresses), labels or {})
        self.pool.sync(dataclasses.replace(JOB, **job), Discovered([group], complete=complete))

    def scrape(self) -> None:
        for loop in self.pool.loops:
            loop.scrape()

    def addresses(self) -> list[str]:
        return [loop.target.address for loop in self.pool.loops]

    def values(self, instance: str) -> list[float]:
        """Return what was stored of the page of a target."""
        name = f'm{{instance="{instance}", job="a"}}'
        return [row[name] for _, row in self.storage.rows if name in row]

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"prometheus_target_{name}", {"scrape_job": "a", **labels})


@pytest.fixture
def bench(storage: FakeStorage) -> Bench:
    return Bench(storage)


def test_targets_that_are_gone_become_stale_and_go_on_when_they_return(bench: Bench) -> None:
    bench.sync("x:1", "y:1")
    bench.scrape()
    kept = bench.pool.loops[1]
    bench.sync("y:1", "z:1")
    assert bench.addresses() == ["y:1", "z:1"]
    assert bench.pool.loops[0] is kept
    assert [*map(stale, bench.values("x:1"))] == [False, True]
    bench.sync("x:1", "y:1")
    bench.scrape()
    assert [*map(stale, bench.values("x:1"))] == [False, True, False]
    assert [*map(stale, bench.values("y:1"))] == [False, False]


def test_what_is_not_known_yet_to_be_gone_is_scraped_on(bench: Bench) -> None:
    bench.sync("x:1", "y:1")
    before = set(bench.pool.loops)
    bench.sync("y:1", complete=False)
    assert set(bench.pool.loops) == before
    bench.sync("y:1")
    assert bench.addresses() == ["y:1"]


@pytest.mark.parametrize(
    "change",
    [
        {"target_limit": 9, "keep_dropped_targets": 3},
        {"relabel_configs": (RelabelConfig(("none",), regex="x", target_label="b"),)},
        {"labels": {"__meta_new": "b"}},
    ],
)
def test_a_target_that_comes_out_the_same_keeps_its_loop(bench: Bench, change: dict[str, Any]) -> None:
    bench.sync("x:1")
    (before,) = bench.pool.loops
    bench.sync("x:1", **change)
    (after,) = bench.pool.loops
    assert after is before
    assert after.status.discovered_labels.get("__meta_new") == change.get("labels", {}).get("__meta_new", "")


@pytest.mark.parametrize(
    "change",
    [
        {"honor_labels": True},
        {"scrape_interval": 7000},
        {"metrics_path": "/other"},
        {"relabel_configs": (RelabelConfig(target_label="__scheme__", replacement="https"),)},
        {"metric_relabel_configs": (RelabelConfig(("none",), target_label="x"),)},
    ],
)
def test_a_target_that_is_scraped_otherwise_goes_on_without_a_gap(bench: Bench, change: dict[str, Any]) -> None:
    bench.sync("x:1")
    bench.scrape()
    (before,) = bench.pool.loops
    bench.sync("x:1", **change)
    (after,) = bench.pool.loops
    assert after is not before
    assert after.status.health is TargetHealth.UP
    bench.scrape()
    assert not any(map(stale, bench.values("x:1")))
    assert len(bench.values("x:1")) == 2


def test_a_scrape_that_a_change_cuts_short_is_made_up_for_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[str] = []
    monkeypatch.setattr(Timetable, "enter", lambda *_: entered.append("soon"))
    monkeypatch.setattr(Timetable, "enter_on_grid", lambda *_: entered.append("grid"))
    monkeypatch.setattr(Timetable, "withdraw", lambda *_: None)
    bench.sync("x:1")
    bench.sync("x:1", sample_limit=9)
    page, (loop,) = bench.pages[-1], bench.pool.loops
    page.open.clear()
    page.cancel = lambda: None  # type: ignore[method-assign]
    thread = threading.Thread(target=loop.scrape)
    thread.start()
    assert page.entered.wait(20)
    bench.sync("x:1", sample_limit=10)
    page.open.set()
    thread.join()
    assert entered == ["soon", "grid", "soon"]
    assert bench.storage.rows == []


def test_other_labels_make_another_target(bench: Bench) -> None:
    bench.sync("x:1")
    bench.scrape()
    bench.sync("x:1", labels={"env": "prod"})
    assert [*map(stale, bench.values("x:1"))] == [False, True]
    (loop,) = bench.pool.loops
    assert loop.status.health is TargetHealth.UNKNOWN


def test_too_many_targets_are_none(bench: Bench) -> None:
    bench.sync("x:1", "y:1", "z:1", target_limit=2)
    bench.scrape()
    assert {loop.status.last_error for loop in bench.pool.loops} == {
        "target_limit exceeded (number of targets: 3, limit: 2)"
    }
    assert bench.values("x:1") == []
    assert bench.registry.get_sample_value("prometheus_target_scrape_pool_exceeded_target_limit_total") == 1
    assert bench.count("scrape_pool_target_limit") == 2
    bench.sync("x:1", "y:1", target_limit=2)
    bench.scrape()
    assert {loop.status.health for loop in bench.pool.loops} == {TargetHealth.UP}


def test_what_people_are_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    drop = RelabelConfig(("__address__",), regex="d.*", action=RelabelAction.DROP)
    group = TargetGroup(tuple({"__address__": address} for address in ("x:1", "d1", "d2", "http://h")), {})
    job = dataclasses.replace(JOB, relabel_configs=(drop,), keep_dropped_targets=1)
    for _ in range(2):
        bench.pool.sync(job, Discovered([group], ("no answer",)))
    status = bench.pool.status()
    assert (status.name, [target.url for target in status.active]) == ("a", ["http://x:1/metrics"])
    assert ([labels.get("__address__") for labels in status.dropped], status.dropped_count) == (["d1"], 2)
    assert status.errors == ("no answer", 'http://h: "http://h" is not a valid hostname')
    assert [record.getMessage() for record in caplog.records] == [
        'job "a" has a target that cannot be made: http://h: "http://h" is not a valid hostname'
    ]
    (step,) = bench.pool.relabel_steps(status.dropped[0])
    assert (step.config, step.labels) == (drop, None)
    assert bench.pool.relabel_steps(Labels.of({"__address__": "x"}))[0].labels == Labels.of({"__address__": "x"})


def test_what_is_counted(bench: Bench) -> None:
    bench.sync("x:1", "a/b")
    bench.sync("x:1", "y:1")
    names = ["scrape_pool_targets", "scrape_pool_sync_total", "sync_length_seconds_count", "sync_failed_total"]
    assert [bench.count(name) for name in names] == [2, 2, 2, 1]
    bench.pool.end()
    assert [bench.count(name) for name in names] == [None] * 4


def test_a_stopped_pool_scrapes_nothing_and_marks_nothing(bench: Bench) -> None:
    bench.sync("x:1")
    bench.scrape()
    loops = bench.pool.loops
    bench.pool.stop()
    for loop in loops:
        loop.scrape()
    assert [*map(stale, bench.values("x:1"))] == [False]
    assert bench.pool.loops == []


addresses = st.lists(st.sampled_from(["u:1", "v:1", "w:1", "x:1"]), unique=True)
steps = st.lists(st.tuples(addresses, st.booleans(), st.sampled_from([{}, {"honor_labels": True}])), max_size=8)


@given(steps)
def test_whatever_comes_and_goes_a_series_is_stale_just_when_its_target_is_gone(
    steps: list[tuple[list[str], bool, dict[str, bool]]],
) -> None:
    bench = Bench(FakeStorage())
    active: set[str] = set()
    seen: set[str] = set()
    for wanted, complete, job in steps:
        bench.sync(*wanted, complete=complete, **job)
        active = set(wanted) if complete else active | set(wanted)
        assert set(bench.addresses()) == active
        bench.scrape()
        seen |= active
        for address in seen:
            assert stale(bench.values(address)[-1]) is (address not in active)
    bench.pool.end()
    assert all(stale(bench.values(address)[-1]) for address in seen)
