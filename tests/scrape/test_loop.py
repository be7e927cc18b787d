"""One scrape: a page becomes a row together with what is reported of it; a fault makes every series stale."""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from dashboard.exposition.page import Metadata, MetricType
from dashboard.scrape.counters import ScrapeCounters
from dashboard.scrape.errors import FetchError, Layer
from dashboard.scrape.fetch import Answer
from dashboard.scrape.loop import ScrapeLoop
from dashboard.scrape.recorder import REPORTS
from dashboard.scrape.status import BadLine, TargetHealth
from dashboard.scrape.target import Target

from .conftest import FakeStorage, make_target, stale

NOW = 1_700_000_000_500
# Its grid is at whole multiples of its interval.
TARGET = dataclasses.replace(make_target(), id="0" * 16)
OWN = 'instance="h:80", job="a"'


@dataclass
class Pages:
    """A source that gives what the test says, once each; the last one for ever."""

    bodies: list[bytes | Exception] = field(default_factory=list)
    content_type: str = "text/plain"
    cancelled: bool = False

    def fetch(self) -> Answer:
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if isinstance(body, Exception):
            raise body
        return Answer(body, self.content_type)

    def cancel(self) -> None:
        self.cancelled = True

    def close(self) -> None:
        pass


class Bench:
    """A loop over given pages, a second between its scrapes."""

    def __init__(self, storage: FakeStorage, *bodies: bytes | Exception, target: Target = TARGET) -> None:
        self.registry = CollectorRegistry()
        self.storage = storage
        self.pages = Pages(list(bodies))
        ticks = itertools.count(NOW, 1000)
        self.loop = ScrapeLoop(
            target, self.pages, storage, counters=ScrapeCounters(self.registry), clock=lambda: next(ticks)
        )

    def scrape(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop.scrape()

    def count(self, name: str) -> float:
        """Return one of Prometheus's counters of dropped samples."""
        return self.registry.get_sample_value(f"prometheus_target_scrapes_{name}_total") or 0.0


def test_a_page_becomes_one_row_with_the_reported_series(storage: FakeStorage) -> None:
    Bench(storage, b'a 1\nb{x="y"} 2\n').scrape()
    ((timestamp, row),) = storage.rows
    assert timestamp == NOW
    assert {name.partition("{")[0] for name in row} == {*REPORTS, "a", "b"}
    assert storage.page() == {f"a{{{OWN}}}": 1.0, f'b{{{OWN}, x="y"}}': 2.0}
    assert [storage.report(name) for name in REPORTS if name != "scrape_duration_seconds"] == [1, 2, 2, 2]
    assert 0 <= storage.report("scrape_duration_seconds") < 60


def test_only_new_series_are_reported_as_added(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\nb 1\n", b"a 2\nb 2\n", b"b 3\nc 3\nd 3 123\n", ValueError(), b"b 1\nc 2\nd 3 124\n")
    added = []
    for _ in range(5):
        bench.scrape()
        added.append(storage.report("scrape_series_added"))
    assert added == [2, 0, 2, 0, 0]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (FetchError(Layer.TCP, "connection refused"), "TCP: connection refused"),
        (b"a 1\nb\n", 'line 2: expected value after metric: "b"'),
        (b"a 1\nb 0x1\n", 'line 2: invalid value: not a number: "b 0x1"'),
        (RuntimeError("surprise"), "surprise"),
    ],
)
def test_a_fault_makes_every_series_stale_at_once(storage: FakeStorage, fault: bytes | Exception, message: str) -> None:
    bench = Bench(storage, b"a 1\nb 2\n", fault, b"a 3\nb 4\n")
    bench.scrape(2)
    assert all(map(stale, storage.page().values()))
    assert len(storage.page()) == 2
    assert storage.report("up") == 0
    assert (bench.loop.status.health, bench.loop.status.last_error) == (TargetHealth.DOWN, message)
    bench.scrape()
    assert list(storage.page().values()) == [3, 4]
    assert (bench.loop.status.health, bench.loop.status.last_error) == (TargetHealth.UP, "")


def test_a_bad_page_is_told_with_its_first_bad_line(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\nb 2\n<p>\x1b\n", b"a 1\n")
    bench.scrape()
    assert bench.loop.status.bad_line == BadLine(3, "<p>\\x1b", "expected a valid start token")
    assert storage.report("scrape_samples_scraped") == 2
    bench.scrape()
    assert bench.loop.status.bad_line is None


def test_a_series_that_a_page_no_longer_has_is_stale(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\nb 2\n", b"a 3\n")
    bench.scrape(2)
    a, b = storage.page().values()
    assert a == 3
    assert stale(b)


def test_an_exposed_nan_is_a_value(storage: FakeStorage) -> None:
    Bench(storage, b"a NaN\n").scrape()
    (value,) = storage.page().values()
    assert math.isnan(value)
    assert not stale(value)


def test_too_many_samples_fail_the_scrape(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\nb 2\nc 3\n", target=make_target(sample_limit=2))
    bench.scrape()
    assert bench.loop.status.last_error == "sample limit exceeded"
    assert (storage.report("up"), storage.report("scrape_samples_scraped")) == (0, 3)
    assert storage.page() == {}
    assert bench.count("exceeded_sample_limit") == 1


def test_samples_with_timestamps_go_apart_from_the_row(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1 1700000000000\nb 2\na 3 1700000000001\n", b"b 4\n")
    bench.scrape()
    name = f"a{{{OWN}}}"
    assert storage.points == [(name, 1_700_000_000_000, 1.0), (name, 1_700_000_000_001, 3.0)]
    assert storage.report("scrape_samples_scraped") == 3
    bench.scrape()
    assert list(storage.page()) == [f"b{{{OWN}}}"]


def test_samples_far_ahead_are_dropped_and_counted(storage: FakeStorage) -> None:
    bench = Bench(storage, f"a 1 {NOW + 600_000}\nb 2 {NOW + 600_001}\n".encode())
    bench.scrape()
    assert [value for _, _, value in storage.points] == [1.0]
    assert (storage.report("up"), bench.count("sample_out_of_bounds")) == (1, 1)


def test_ancient_samples_are_dropped_and_counted(storage: FakeStorage) -> None:
    bench = Bench(storage, f"a 1 {NOW - 3_600_001}\nb 2 {NOW - 3_600_000}\nc 3 0\n".encode())
    bench.scrape()
    assert [value for _, _, value in storage.points] == [2.0]
    assert (storage.report("up"), bench.count("sample_out_of_bounds")) == (1, 2)


def test_timestamps_that_are_not_honored_are_the_scrapes(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1 123\nb 2\na 3 124\n", target=make_target(honor_timestamps=False))
    bench.scrape()
    assert storage.points == []
    assert storage.page() == {f"a{{{OWN}}}": 1.0, f"b{{{OWN}}}": 2.0}
    assert bench.count("sample_duplicate_timestamp") == 1


def test_duplicates_are_counted_and_the_first_is_kept(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\na 2\nb 3\n")
    bench.scrape()
    assert list(storage.page().values()) == [1, 3]
    assert (bench.count("sample_duplicate_timestamp"), storage.report("scrape_samples_scraped")) == (1, 3)


@pytest.mark.parametrize(
    ("honor", "expected"), [(False, 'a{exported_job="b", '), (True, 'a{instance="h:80", job="b"}')]
)
def test_labels_that_clash(storage: FakeStorage, honor: bool, expected: str) -> None:
    Bench(storage, b'a{job="b"} 1\n', target=make_target(honor_labels=honor)).scrape()
    (name,) = storage.page()
    assert name.startswith(expected)


def test_a_page_that_exposes_up_is_stored_as_it_says(storage: FakeStorage) -> None:
    bench = Bench(storage, b"up 7\na 1\n", FetchError(Layer.TCP, "gone"))
    bench.scrape()
    assert storage.report("up") == 7
    bench.scrape()
    assert storage.report("up") == 0


def test_metadata_is_that_of_the_last_good_page(storage: FakeStorage) -> None:
    bench = Bench(storage, b"# TYPE a counter\na 1\n", b"bad\n")
    bench.scrape(2)
    assert bench.loop.metadata == {"a": Metadata(MetricType.COUNTER)}


def test_timestamps_on_the_grid_never_repeat(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n")
    bench.loop._clock = iter([1_700_000_000_001, 1_700_000_000_007, 1_700_000_004_995]).__next__
    bench.scrape(3)
    assert [timestamp for timestamp, _ in storage.rows] == [1_700_000_000_000, 1_700_000_000_007, 1_700_000_005_000]


def test_the_end_marks_every_series_stale_and_nothing_follows(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n")
    bench.scrape()
    bench.loop.end()
    assert all(map(stale, storage.rows[-1][1].values()))
    assert len(storage.rows[-1][1]) == 6
    rows = len(storage.rows)
    bench.scrape()
    assert len(storage.rows) == rows


class Gate:
    """A source that waits until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.fetched = 0

    def fetch(self) -> Answer:
        self.fetched += 1
        self.entered.set()
        assert self.open.wait(20)
        return Answer(b"a 1\n", "")

    def cancel(self) -> None:
        self.open.set()

    def close(self) -> None:
        pass


@pytest.fixture
def gated(storage: FakeStorage) -> tuple[ScrapeLoop, Gate]:
    gate = Gate()
    counters = ScrapeCounters(CollectorRegistry())
    return ScrapeLoop(TARGET, gate, storage, counters=counters, clock=lambda: NOW), gate


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_target_is_never_scraped_twice_at_once(gated: tuple[ScrapeLoop, Gate]) -> None:
    loop, gate = gated
    thread = in_thread(loop.scrape)
    assert gate.entered.wait(20)
    assert loop.scrape().health is TargetHealth.UNKNOWN
    gate.open.set()
    thread.join(20)
    assert (gate.fetched, loop.status.health) == (1, TargetHealth.UP)


def test_a_scrape_that_runs_at_the_end_stores_nothing(storage: FakeStorage, gated: tuple[ScrapeLoop, Gate]) -> None:
    loop, gate = gated
    thread = in_thread(loop.scrape)
    assert gate.entered.wait(20)
    loop.end()
    thread.join(20)
    assert not thread.is_alive()
    assert [row for _, row in storage.rows] == [{}]
