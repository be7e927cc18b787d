from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import STALE, STALE_BITS, Known, SeriesBatch
from dashboard.storage import AppendResult, Storage
from dashboard.storage.blocks import OpenGroup
from dashboard.storage.errors import ForgottenSeriesError
from tests.storage.conftest import FOREVER, Store

Named = Callable[[str], Matcher]
MakeStore = Callable[..., Store]


def bits(value: float) -> int:
    return int(np.array([value]).view(np.uint64)[0])


def batch_of(store: Store, name: str) -> SeriesBatch:
    (batch,) = store.storage.select([Matcher(MatchKind.EQUAL, "__name__", name)], 0, FOREVER)
    return batch


# Rows


def test_a_row_is_seen_after_a_flush_and_comes_back_in_one_batch(store: Store) -> None:
    store.storage.appender().append(1000, store.ids("a", "b"), np.array([1.5, -0.0]))
    assert store.storage.flush()
    (batch,) = store.storage.select([], 0, 2000)
    assert [labels.metric_name for labels in batch.labels] == ["a", "b"]
    assert batch.timestamps.tolist() == [1000]
    assert batch.values.view(np.uint64).tolist() == [[bits(1.5)], [bits(-0.0)]]


def test_a_row_becomes_visible_by_itself(store: Store) -> None:
    store.storage.appender().append(1000, store.ids("a"), np.array([1.0]))
    for _ in range(2000):
        if store.dump():
            break
        threading.Event().wait(0.005)
    assert store.dump() == {"a": [(1000, bits(1.0))]}


def test_the_first_row_is_committed_at_once_and_the_next_one_waits_for_the_interval(make_store: MakeStore) -> None:
    store = make_store(journal_interval=3_600_000)
    appender = store.storage.appender()
    store.storage.flush()
    appender.append(1000, store.ids("a"), np.array([1.0]))
    assert store.dump() == {}
    assert store.journal_rows() == 0
    store.storage.flush()
    assert store.dump() == {"a": [(1000, bits(1.0))]}
    assert store.journal_rows() == 1


def test_select_takes_both_ends(store: Store) -> None:
    appender = store.storage.appender()
    for time in (10, 20, 30, 40):
        appender.append(time, store.ids("a"), np.array([float(time)]))
    store.storage.flush()
    assert [time for time, _ in store.dump(20, 30)["a"]] == [20, 30]
    assert store.dump(21, 29) == {}
    assert store.dump(41, 20) == {}


def test_select_takes_the_widest_range_of_time_there_is(store: Store) -> None:
    store.storage.appender().append(10, store.ids("a"), np.array([1.0]))
    store.storage.flush()
    assert list(store.dump(-(2**63), 2**63 - 1)) == ["a"]
    assert list(store.dump(-(2**70), 2**70)) == ["a"]


def test_series_that_are_gone_get_a_staleness_marker_once(store: Store) -> None:
    appender = store.storage.appender()
    appender.append(10, store.ids("a", "b"), np.array([1.0, 2.0]))
    appender.append(20, store.ids("a"), np.array([1.0]))
    appender.append(30, store.ids("a"), np.array([1.0]))
    store.storage.flush()
    assert store.dump()["b"] == [(10, bits(2.0)), (20, STALE_BITS)]


def test_ending_an_appender_marks_every_series_stale(store: Store) -> None:
    appender = store.storage.appender()
    appender.append(10, store.ids("a", "b"), np.array([1.0, 2.0]))
    appender.end(20)
    appender.end(30)
    store.storage.flush()
    assert store.dump() == {"a": [(10, bits(1.0)), (20, STALE_BITS)], "b": [(10, bits(2.0)), (20, STALE_BITS)]}


def test_the_order_of_series_may_change_from_row_to_row(store: Store) -> None:
    appender = store.storage.appender()
    appender.append(10, store.ids("a", "b", "c"), np.array([1.0, 2.0, 3.0]))
    appender.append(20, store.ids("c", "a", "b"), np.array([3.5, 1.5, 2.5]))
    store.storage.flush()
    assert {name: samples[-1] for name, samples in store.dump().items()} == {
        "a": (20, bits(1.5)),
        "b": (20, bits(2.5)),
        "c": (20, bits(3.5)),
    }


def test_late_and_repeated_samples_are_dropped_and_counted(store: Store) -> None:
    one, other = store.storage.appender(), store.storage.appender()
    assert one.append(20, store.ids("a", "b"), np.array([1.0, 1.0])) == AppendResult(added=2)
    assert other.append(20, store.ids("a", "b"), np.array([1.0, 9.0])) == AppendResult(added=2, duplicates=1)
    assert one.append(10, store.ids("a", "b"), np.array([5.0, 5.0])) == AppendResult(out_of_order=2)
    store.storage.flush()
    assert store.dump() == {"a": [(20, bits(1.0))], "b": [(20, bits(1.0))]}
    assert store.metric("prometheus_tsdb_out_of_order_samples_total") == 2
    assert store.metric("prometheus_tsdb_duplicate_samples_total") == 1


def test_a_series_named_twice_in_a_row_keeps_its_first_value(store: Store) -> None:
    result = store.storage.appender().append(10, store.ids("a", "b", "a", "b"), np.array([1.0, 2.0, 3.0, 2.0]))
    store.storage.flush()
    assert result == AppendResult(added=2, duplicates=1)
    assert store.dump() == {"a": [(10, bits(1.0))], "b": [(10, bits(2.0))]}


def test_a_clock_that_went_back_keeps_new_series_and_refuses_old_ones(store: Store) -> None:
    appender = store.storage.appender()
    appender.append(1000, store.ids("a"), np.array([1.0]))
    assert appender.append(400, store.ids("a", "b"), np.array([2.0, 7.0])) == AppendResult(added=1, out_of_order=1)
    store.storage.flush()
    assert store.dump() == {"a": [(1000, bits(1.0))], "b": [(400, bits(7.0))]}


def test_a_signalling_nan_and_a_marker_from_outside_are_kept_bit_for_bit(store: Store) -> None:
    odd = np.array([0x7FF0_0000_0000_0001, 0xFFF8_0000_0000_0123, STALE_BITS], dtype=np.uint64)
    store.storage.appender().append(10, store.ids("a", "b", "c"), odd.view(np.float64))
    store.reopen()
    assert [samples[0][1] for samples in store.dump().values()] == odd.tolist()


def test_many_threads_append_at_once(store: Store) -> None:
    def write(number: int) -> None:
        appender = store.storage.appender()
        ids = store.ids(*(f"m{number}_{place}" for place in range(20)))
        for time in range(1, 151):
            appender.append(time, ids, np.full(20, float(time)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.storage.flush()
    expected = [(time, bits(float(time))) for time in range(1, 151)]
    assert store.dump() == {f"m{number}_{place}": expected for number in range(8) for place in range(20)}


# Layouts


def layouts(store: Store) -> int:
    with store.database.read() as connection:
        return int(connection.execute("SELECT count(DISTINCT layout) FROM layout_columns").fetchone()[0])


def test_series_that_come_and_go_stay_in_one_layout(store: Store) -> None:
    appender = store.storage.appender()
    for time in range(1, 40):
        names = [f"m{place}" for place in range(10) if (time + place) % 3]
        appender.append(time, store.ids(*names), np.ones(len(names)))
    store.storage.flush()
    assert layouts(store) == 1


def test_an_exploding_label_makes_few_layouts_and_loses_nothing(store: Store) -> None:
    appender = store.storage.appender()
    for time in range(1, 41):
        appender.append(time, store.ids(*(f"m{time}_{place}" for place in range(100)), "steady"), np.ones(101))
    store.storage.flush()
    found = store.dump()
    assert len(found) == 4001
    assert found["m7_5"] == [(7, bits(1.0)), (8, STALE_BITS)]
    assert len(found["steady"]) == 40
    assert 1 < layouts(store) < 10


def test_a_layout_that_stays_half_empty_is_replaced(store: Store) -> None:
    appender = store.storage.appender()
    appender.append(1, store.ids(*(f"m{place}" for place in range(20))), np.ones(20))
    few = store.ids("m1", "m2")
    for time in range(2, 100):
        appender.append(time, few, np.ones(2))
    store.storage.flush()
    assert layouts(store) == 2
    assert len(store.dump()["m1"]) == 99


def test_layouts_without_rows_are_forgotten_and_their_writer_goes_on(make_store: MakeStore) -> None:
    store = make_store(block_length=100)
    appender = store.storage.appender()
    appender.append(10, store.ids("a", "b"), np.array([1.0, 2.0]))
    store.storage.flush()
    store.storage.upkeep(1000)
    assert layouts(store) == 0
    appender.append(1010, store.ids("a"), np.array([1.5]))
    store.reopen()
    assert store.dump() == {
        "a": [(10, bits(1.0)), (1010, bits(1.5))],
        "b": [(10, bits(2.0)), (1010, STALE_BITS)],
    }


# Points


def test_points_with_timestamps_of_their_own_are_stored_by_series(store: Store) -> None:
    a, b = store.ids("a", "b").tolist()
    series = np.array([a, b, a, a, b])
    times = np.array([10, 5, 30, 20, 5])
    result = store.storage.append_points(series, times, np.array([1.0, 2.0, 3.0, 4.0, 9.0]))
    store.storage.flush()
    assert result == AppendResult(duplicates=1, out_of_order=1)
    assert store.dump() == {"a": [(10, bits(1.0)), (30, bits(3.0))], "b": [(5, bits(2.0))]}


def test_a_record_that_reaches_into_the_next_window_is_cut_and_survives_a_restart(make_store: MakeStore) -> None:
    store = make_store(block_length=100)
    (a,) = store.ids("a").tolist()
    store.storage.append_points(np.array([a, a, a]), np.array([50, 150, 250]), np.array([1.0, 2.0, 3.0]))
    store.storage.flush()
    expected = {"a": [(50, bits(1.0)), (150, bits(2.0)), (250, bits(3.0))]}
    store.storage.upkeep(225)
    assert (store.storage.stats().blocks, store.storage.stats().head_samples) == (2, 1)
    assert store.dump() == expected
    store.reopen()
    assert store.dump() == expected
    assert store.journal_rows() == 1
    store.storage.upkeep(10_000)
    assert store.journal_rows() == 0
    assert store.dump() == expected


# Restarts, blocks, retention


def test_numbers_of_series_stay_the_same(store: Store) -> None:
    before = store.ids("a", "b", "c").tolist()
    store.reopen()
    assert store.ids("c", "b", "a", "d").tolist() == [*reversed(before), 3]


def test_after_a_restart_old_samples_are_still_refused(make_store: MakeStore) -> None:
    store = make_store(block_length=100)
    store.storage.appender().append(10, store.ids("a", "b"), np.array([1.0, float("nan")]))
    store.storage.flush()
    store.storage.upkeep(10_000)
    store.reopen()
    result = store.storage.appender().append(10, store.ids("a", "b"), np.array([2.0, float("nan")]))
    assert result == AppendResult(added=2, duplicates=1)
    assert store.storage.appender().append(9, store.ids("a"), np.array([2.0])).out_of_order == 1


def test_upkeep_moves_complete_windows_into_blocks_and_shows_the_same(make_store: MakeStore) -> None:
    store = make_store(block_length=1000, raw_rows=8)
    appender = store.storage.appender()
    for time in range(0, 3500, 10):
        names = ["a", "b"] if time < 1500 else ["a", "b", "late"]
        appender.append(time, store.ids(*names), np.array([time, time / 100, 7.0])[: len(names)])
    store.storage.flush()
    before = store.dump()
    store.storage.upkeep(3260)
    stats = store.storage.stats()
    assert (stats.blocks, stats.block_samples, stats.head_samples) == (3, 300 * 2 + 150, 50 * 3)
    assert (stats.earliest, stats.latest) == (0, 3490)
    # Some of the fifty rows are raw, the others in a run.
    assert 2 <= store.journal_rows() <= 8
    assert store.dump() == before
    store.reopen()
    assert store.dump() == before
    assert len(batch_of(store, "a").timestamps) == 350
    assert store.metric("prometheus_tsdb_blocks_loaded") == 3


def test_a_window_is_left_alone_while_late_rows_may_come(make_store: MakeStore) -> None:
    store = make_store(block_length=1000)
    store.storage.appender().append(999, store.ids("a"), np.array([1.0]))
    store.storage.flush()
    store.storage.upkeep(1249)
    assert store.storage.stats().blocks == 0
    store.storage.upkeep(1250)
    assert store.storage.stats().blocks == 1


def test_retention_drops_whole_old_blocks_and_gives_their_space_back(make_store: MakeStore) -> None:
    store = make_store(block_length=1000, retention=5000)
    generator = np.random.default_rng(3)
    appender = store.storage.appender()
    ids = store.ids(*(f"m{place}" for place in range(300)))
    for time in range(0, 4000, 20):
        appender.append(time, ids, generator.normal(size=300))
    store.storage.flush()
    store.storage.upkeep(6000)
    assert store.storage.stats().earliest == 1000
    full = store.storage.stats().bytes
    store.storage.upkeep(8500)
    stats = store.storage.stats()
    assert (stats.blocks, stats.earliest) == (1, 3000)
    store.reopen()
    assert store.storage.stats().blocks == 1
    assert store.storage.stats().bytes < full / 2
    assert min(time for time, _ in store.dump()["m0"]) == 3000


def test_two_writers_of_one_series_are_merged(store: Store) -> None:
    one, other = store.storage.appender(), store.storage.appender()
    for time in range(0, 60, 20):
        one.append(time, store.ids("a", "b"), np.array([1.0, 1.0]))
        other.append(time + 10, store.ids("a", "c"), np.array([2.0, 2.0]))
    store.storage.flush()
    assert store.dump()["a"] == [(time, bits(1.0 + time % 20 / 10)) for time in range(0, 60, 10)]


def test_a_damaged_chunk_loses_its_own_samples_only(make_store: MakeStore, caplog: pytest.LogCaptureFixture) -> None:
    store = make_store(block_length=1000)
    store.storage.appender().append(10, store.ids("a", "b"), np.array([1.0, 2.0]))
    store.storage.appender().append(10, store.ids("c"), np.array([3.0]))
    store.storage.flush()
    store.storage.upkeep(5000)
    store.database.write(
        lambda connection: connection.execute(
            "UPDATE block_chunks SET body = zeroblob(length(body)) WHERE id = (SELECT min(id) FROM block_chunks)"
        )
    )
    assert store.dump() == {"c": [(10, bits(3.0))]}
    assert "chunk 0 of group 1 of the blocks cannot be read" in caplog.text
    assert store.metric("glass_storage_damaged_places") == 1


# Imports


def history(name: str, times: range, factor: float = 1.0) -> SeriesBatch:
    stamps = np.array(times, dtype=np.int64)
    labels = [Labels.of({"__name__": name}), Labels.of({"__name__": f"{name}_total"})]
    return SeriesBatch(labels, stamps, np.stack([stamps * factor, stamps / 100]))


def test_a_block_that_is_removed_under_a_query_is_deleted_after_it(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(block_length=100, cache_bytes=0)
    store.storage.appender().append(10, store.ids("a", "b"), np.array([1.0, 2.0]))
    store.storage.flush()
    store.storage.upkeep(1000)
    assert store.dump().keys() == {"a", "b"}
    read_into = OpenGroup.read_into

    def remove_and_read(group: OpenGroup, *args: Any, **options: Any) -> Known:
        if store.storage._blocks.all():
            store.storage._blocks.remove([1])
        return read_into(group, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(OpenGroup, "read_into", remove_and_read)
        assert store.dump().keys() == {"a", "b"}
    assert store.dump() == {}
    store.storage.upkeep(1000)
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM block_chunks").fetchone() == (0,)


def test_history_goes_into_blocks_and_live_samples_follow(make_store: MakeStore) -> None:
    store = make_store(block_length=1000)
    imported = store.storage.import_batches([history("a", range(0, 5000, 10)), history("b", range(5, 2500, 10))])
    assert imported == 2 * 500 + 2 * 250
    assert store.storage.stats().blocks == 5
    assert store.storage.appender().append(4990, store.ids("a"), np.array([0.0])).duplicates == 1
    store.storage.appender().append(5000, store.ids("a"), np.array([0.5]))
    store.storage.flush()
    expected = [(time, bits(float(time))) for time in range(0, 5000, 10)] + [(5000, bits(0.5))]
    assert store.dump()["a"] == expected
    store.reopen()
    assert store.dump()["a"] == expected
    assert store.storage.appender().append(4000, store.ids("a_total"), np.array([0.0])).out_of_order == 1


def test_importing_twice_shows_each_sample_once(make_store: MakeStore) -> None:
    store = make_store(block_length=1000)
    store.storage.import_batches([history("a", range(0, 3000, 10))])
    before = store.dump()
    store.storage.import_batches([history("a", range(0, 3000, 10))])
    assert store.dump() == before


def test_an_import_that_breaks_off_shows_nothing_and_is_cleared_away(make_store: MakeStore) -> None:
    store = make_store(block_length=1000)

    def batches() -> object:
        yield SeriesBatch(
            [Labels.of({"__name__": "a", "n": str(n)}) for n in range(400)],
            np.arange(2000),
            np.random.default_rng(1).normal(size=(400, 2000)),
        )
        raise OSError("the file ends here")

    with pytest.raises(OSError, match="the file ends here"):
        store.storage.import_batches(batches())  # type: ignore[arg-type]

    def chunks() -> int:
        with store.database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM block_chunks").fetchone()[0])

    assert store.storage.select([], 0, FOREVER) == []
    assert chunks() > 0
    store.reopen()
    assert chunks() == 0
    assert store.storage.select([], 0, FOREVER) == []


# What there is


@pytest.fixture
def labelled(make_store: MakeStore) -> Storage:
    store = make_store(block_length=1000)
    storage = store.storage
    old = [Labels.of({"__name__": "up", "job": "old"})]
    storage.import_batches([SeriesBatch(old, np.array([10, 20]), np.array([[1.0, 1.0]]))])
    ids = np.array(
        [storage.series_id(Labels.of({"__name__": "up", "job": job, "zone": "x"})) for job in ("api", "web")]
    )
    storage.appender().append(5000, ids, np.array([1.0, STALE]))
    other = storage.series_id(Labels.of({"__name__": "down", "job": "api"}))
    storage.append_points(np.array([other]), np.array([6000]), np.array([1.0]))
    storage.flush()
    return storage


@pytest.mark.parametrize(
    ("start", "end", "jobs"),
    [
        (0, 10_000, ["api", "old", "web"]),
        (0, 100, ["old"]),
        (4000, 5000, ["api", "web"]),
        (5500, 6000, ["api"]),
        (7000, 8000, []),
    ],
)
def test_label_values_are_those_of_series_about_that_time(
    labelled: Storage, start: int, end: int, jobs: list[str]
) -> None:
    assert labelled.label_values("job", [], start, end) == jobs


def test_series_and_names_are_those_that_any_matcher_set_selects(labelled: Storage, named: Named) -> None:
    up = [named("up"), Matcher(MatchKind.EQUAL, "job", "web")]
    assert [str(labels) for labels in labelled.series([up, [named("down")]], 0, 9000)] == [
        'down{job="api"}',
        'up{job="web", zone="x"}',
    ]
    assert labelled.label_names([[named("down")]], 0, 9000) == ["__name__", "job"]
    assert labelled.label_names([], 0, 9000) == ["__name__", "job", "zone"]


def test_an_empty_store_answers(store: Store) -> None:
    stats = store.storage.stats()
    assert (stats.series, stats.blocks, stats.earliest, stats.latest) == (0, 0, None, None)
    assert store.storage.select([], 0, 10) == []
    assert store.storage.label_names([], 0, 10) == []
    store.storage.upkeep(10**9)


def test_series_that_come_and_go_are_forgotten_though_their_writer_goes_on(make_store: MakeStore) -> None:
    store = make_store(block_length=100, retention=300)
    appender, most = store.storage.appender(), 0
    for time in range(0, 5000, 10):
        # In each window of ten rows, one of forty series takes the place of another.
        names = [f"m{time // 100 + number}" for number in range(40)]
        appender.append(time, store.ids(*names), np.full(40, float(time)))
        store.storage.flush()
        if time % 100 == 50:
            store.storage.upkeep(time)
            most = max(most, store.storage.stats().series)
    assert most < 50
    assert store.metric("prometheus_tsdb_head_series_removed_total") > 30


def test_a_series_without_samples_is_forgotten_and_gets_another_number_when_it_is_back(make_store: MakeStore) -> None:
    store = make_store(block_length=100, retention=1000)
    live, brief = store.storage.appender(), store.storage.appender()
    gone, kept = store.ids("gone"), store.ids("kept")
    brief.append(10, gone, np.array([1.0]))
    brief.end(20)
    for time in range(0, 3000, 10):
        live.append(time, kept, np.array([1.0]))
        if time % 100 == 0:
            store.storage.flush()
            store.storage.upkeep(time)
    assert store.storage.stats().series == 1
    assert store.storage.series([], 0, FOREVER) == [Labels.of({"__name__": "kept"})]
    with store.database.read() as connection:
        assert connection.execute("SELECT id FROM series").fetchall() == [(1,)]
    with pytest.raises(ForgottenSeriesError):
        brief.append(3000, gone, np.array([2.0]))
    with pytest.raises(ForgottenSeriesError):
        store.storage.append_points(gone, np.array([3000]), np.array([2.0]))
    again = store.ids("gone")
    assert again[0] > gone[0]
    brief.append(3000, again, np.array([2.0]))
    store.storage.flush()
    store.reopen()
    assert store.dump()["gone"] == [(3000, bits(2.0))]
    assert store.ids("gone") == again


def test_churn_leaves_nothing_behind(make_store: MakeStore) -> None:
    store = make_store(block_length=100, retention=1000)
    appender = store.storage.appender()
    for time in range(0, 10_000, 10):
        appender.append(time, store.ids("kept", f"pod{time // 100}"), np.array([1.0, 2.0]))
        if time % 100 == 0:
            store.storage.flush()
            store.storage.upkeep(time)
    assert store.storage.stats().series < 30
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM series").fetchone()[0] < 30
    assert len(store.storage._series._index._postings["__name__"]) < 30
