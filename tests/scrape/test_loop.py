"""One scrape: a page becomes a row together with what is reported of it; a fault makes every series stale."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import itertools
import math
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dashboard.exposition.page import Metadata, MetricType
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelAction, RelabelConfig
from dashboard.scrape.counters import ScrapeCounters
from dashboard.scrape.errors import BodyLimitError, FetchError, Layer, TargetLimitError
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


def test_an_empty_page_between_makes_no_series_new(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n", b"", b"a 1\nb 1\n")
    added = []
    for _ in range(3):
        bench.scrape()
        added.append(storage.report("scrape_series_added"))
    assert added == [1, 0, 1]


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


def relabelled(**options: Any) -> dict[str, Any]:
    return {"metric_relabel_configs": (RelabelConfig(**options),)}


def test_what_metric_relabelling_drops_is_counted_and_not_stored(storage: FakeStorage) -> None:
    target = make_target(**relabelled(source_labels=("__name__",), regex="go_.*", action=RelabelAction.DROP))
    bench = Bench(storage, b"go_x 1\na 2\ngo_y 3 1700000000000\n", target=target)
    bench.scrape(2)
    assert storage.page() == {f"a{{{OWN}}}": 2.0}
    assert storage.points == []
    assert [storage.report(name) for name in REPORTS if name != "scrape_duration_seconds"] == [1, 3, 1, 0]
    assert not any("go_" in str(labels) for labels in storage.labels)


def test_series_that_relabelling_makes_one_are_duplicates(storage: FakeStorage) -> None:
    bench = Bench(storage, b'a{x="1"} 1\na{x="2"} 2\n', target=make_target(**relabelled(target_label="x")))
    bench.scrape()
    assert storage.page() == {f"a{{{OWN}}}": 1.0}
    assert (bench.count("sample_duplicate_timestamp"), storage.report("scrape_samples_post_metric_relabeling")) == (
        1,
        2,
    )


def test_the_sample_limit_counts_what_relabelling_leaves(storage: FakeStorage) -> None:
    rules = relabelled(source_labels=("__name__",), regex="go_.*", action=RelabelAction.DROP)
    within = Bench(storage, b"go_x 1\na 2\ngo_y 3\n", target=make_target(sample_limit=1, **rules))
    within.scrape()
    assert storage.report("up") == 1
    beyond = Bench(storage, b"go_x 1\na 2\nb 3\n", target=make_target(sample_limit=1, **rules))
    beyond.scrape()
    assert (beyond.loop.status.last_error, beyond.count("exceeded_sample_limit")) == ("sample limit exceeded", 1)
    assert [storage.report(name) for name in REPORTS if name != "scrape_duration_seconds"] == [0, 3, 2, 0]


def test_a_page_beyond_the_limits_of_labels_fails_and_is_counted(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n", b'a 1\nb{x="y"} 2\n', target=make_target(label_limit=3))
    bench.scrape(2)
    assert bench.loop.status.last_error == "label_limit exceeded (metric: b, number of labels: 4, limit: 3)"
    assert all(map(stale, storage.page().values()))
    counted = bench.registry.get_sample_value("prometheus_target_scrape_pool_exceeded_label_limits_total")
    assert counted == 1


def test_pages_that_fail_with_ever_new_series_are_not_remembered(storage: FakeStorage) -> None:
    pages = [f'a{{x="{number}"}} 1\na{{y="y",z="z"}} 1\n'.encode() for number in range(5)]
    bench = Bench(storage, *pages, target=make_target(label_limit=4))
    bench.scrape(5)
    assert bench.loop.recorder.reader._memory.series == {}


def test_a_page_whose_series_lose_their_name_fails(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n", target=make_target(**relabelled(target_label="__name__", replacement="")))
    bench.scrape()
    assert bench.loop.status.last_error == "missing metric name (__name__ label)"


STAMPED = b"a 1 1700000000000\nb 2 1700000000001\n"


def test_series_with_timestamps_get_no_stale_marker_unless_it_is_asked_for(storage: FakeStorage) -> None:
    bench = Bench(storage, STAMPED, b"b 2 1700000000002\n", FetchError(Layer.TCP, "gone"))
    bench.scrape(3)
    bench.loop.end()
    assert not any(stale(value) for _, _, value in storage.points)


def test_series_with_timestamps_become_stale_where_that_is_asked_for(storage: FakeStorage) -> None:
    target = make_target(track_timestamps_staleness=True)
    bench = Bench(storage, STAMPED, b"b 2 1700000000002\n", FetchError(Layer.TCP, "gone"), STAMPED, target=target)
    bench.scrape(4)
    bench.loop.end()
    a, b = f"a{{{OWN}}}", f"b{{{OWN}}}"
    ended = [(name, timestamp - NOW) for name, timestamp, value in storage.points if stale(value)]
    assert ended == [(a, 1000), (b, 2000), (a, 4000), (b, 4000)]


def test_a_series_that_loses_its_timestamps_goes_on(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1 1700000000000\n", b"a 2\n", target=make_target(track_timestamps_staleness=True))
    bench.scrape(2)
    assert [value for _, _, value in storage.points] == [1]
    assert storage.page() == {f"a{{{OWN}}}": 2.0}


def test_exemplars_are_kept_with_their_series(storage: FakeStorage) -> None:
    body = b'# TYPE a counter\na_total 1 # {trace_id="x"} 0.5\nb_total 1 # {trace_id="y"} 1 1700000000.5\n# EOF\n'
    bench = Bench(storage, body)
    bench.pages.content_type = "application/openmetrics-text; version=1.0.0"
    bench.scrape()
    assert storage.exemplars == [
        (f"a_total{{{OWN}}}", NOW, '{trace_id="x"}'),
        (f"b_total{{{OWN}}}", 1_700_000_000_500, '{trace_id="y"}'),
    ]


def test_what_a_page_takes_is_held_until_it_was_read(storage: FakeStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    @contextlib.contextmanager
    def share() -> Iterator[None]:
        held.append("held")
        yield
        held.append("given back")

    bench = Bench(storage, b"a 1\n")
    monkeypatch.setattr(bench.pages, "fetch", lambda: Answer(b"a 1\n", "", share=share()))
    named = storage.series_id

    def series_id(labels: Labels) -> int:
        held.append("read")
        return named(labels)

    monkeypatch.setattr(storage, "series_id", series_id)
    bench.scrape()
    assert held == ["held", "read", "given back"]


@pytest.mark.parametrize("body", [b"]\n", b'{"a"'])
def test_a_bad_page_is_let_go_of_at_once(storage: FakeStorage, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """An error that keeps its frames would hold it until cycles are looked for."""
    answers: list[weakref.ref[object]] = []

    def fetch() -> Answer:
        share = contextlib.ExitStack()
        answers.append(weakref.ref(share))
        return Answer(body, "", share=share)

    bench = Bench(storage, b"")
    monkeypatch.setattr(bench.pages, "fetch", fetch)
    gc.disable()
    try:
        bench.scrape()
        assert (bench.loop.status.health, [answer() for answer in answers]) == (TargetHealth.DOWN, [None])
    finally:
        gc.enable()


def test_a_page_that_is_refused_for_one_series_tells_what_stood_before_it(storage: FakeStorage) -> None:
    drop = RelabelConfig(source_labels=("__name__",), regex="b", action=RelabelAction.DROP)
    target = make_target(label_limit=3, metric_relabel_configs=(drop,))
    page = b'a 1\nb 2\nc 3 1\nd{x="1",y="2"} 4\ne 5\n'
    bench = Bench(storage, page, b"a 1\nb 2\n]\n", target=target)
    for scraped, kept in ((4, 2), (2, 1)):
        bench.scrape()
        assert storage.report("up") == 0
        assert storage.report("scrape_samples_scraped") == scraped
        assert storage.report("scrape_samples_post_metric_relabeling") == kept
    assert bench.registry.get_sample_value("prometheus_target_scrape_pool_exceeded_label_limits_total") == 1


def test_pages_that_are_too_large_are_counted(storage: FakeStorage) -> None:
    bench = Bench(storage, BodyLimitError(10), FetchError(Layer.BODY, "cut"))
    bench.scrape(2)
    assert bench.count("exceeded_body_size_limit") == 1


def test_a_refused_target_is_not_asked_and_its_series_end(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n")
    bench.scrape()
    bench.loop.refusal = TargetLimitError(3, 2)
    bench.scrape()
    assert bench.loop.status.last_error == "target_limit exceeded (number of targets: 3, limit: 2)"
    assert (storage.report("up"), [*map(stale, storage.page().values())]) == (0, [True])
    bench.loop.refusal = None
    bench.scrape()
    assert storage.page() == {f"a{{{OWN}}}": 1.0}


def test_the_times_between_scrapes_are_counted(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\n")
    bench.scrape(3)
    name = "prometheus_target_interval_length_seconds_count"
    assert bench.registry.get_sample_value(name, {"interval": "5s"}) == 2


def successor(bench: Bench, *bodies: bytes, **job: Any) -> ScrapeLoop:
    """Stop a loop and make another one that comes after it."""
    bench.loop.stop()
    counters = ScrapeCounters(CollectorRegistry())
    ticks = itertools.count(NOW + 60_000, 1000)
    return ScrapeLoop(
        make_target(**job),
        Pages(list(bodies)),
        bench.storage,
        counters=counters,
        clock=lambda: next(ticks),
        after=bench.loop,
    )


def test_a_loop_that_comes_after_another_remembers_its_pages_and_status(
    storage: FakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(storage, b"# TYPE a gauge\na 1\n", target=make_target())
    bench.scrape()
    loop = successor(bench, b"# TYPE a gauge\na 2\n", sample_limit=5)
    assert (loop.status.health, loop.status.samples, list(loop.metadata)) == (TargetHealth.UP, 1, ["a"])
    monkeypatch.setattr(storage, "series_id", lambda _: pytest.fail("a known line was looked at again"))
    loop.scrape()
    assert storage.page() == {f"a{{{OWN}}}": 2.0}
    assert storage.report("scrape_series_added") == 0


def test_a_loop_that_names_series_otherwise_ends_those_that_are_no_more(storage: FakeStorage) -> None:
    bench = Bench(storage, b"a 1\nb 1\n", target=make_target())
    bench.scrape()
    successor(
        bench, b"a 2\nb 2\n", **relabelled(source_labels=("__name__",), regex="b", action=RelabelAction.DROP)
    ).scrape()
    page = storage.page()
    assert page[f"a{{{OWN}}}"] == 2.0
    assert stale(page[f"b{{{OWN}}}"])


def test_a_loop_that_comes_after_one_that_still_reads_has_a_reader_of_its_own(
    gated: tuple[ScrapeLoop, Gate], storage: FakeStorage
) -> None:
    loop, gate = gated
    gate.cancel = lambda: None  # type: ignore[method-assign]
    thread = in_thread(loop.scrape)
    assert gate.entered.wait(20)
    loop.stop()
    counters = ScrapeCounters(CollectorRegistry())
    after = ScrapeLoop(TARGET, Pages([b"a 2\n"]), storage, counters=counters, clock=lambda: NOW + 9, after=loop)
    after.scrape()
    gate.open.set()
    thread.join(20)
    assert after.recorder.reader is not loop.recorder.reader
    assert [row.get(f"a{{{OWN}}}") for _, row in storage.rows] == [2.0]
