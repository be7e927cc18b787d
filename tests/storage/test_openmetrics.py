"""Samples leave as OpenMetrics, and come back the same, once."""

from __future__ import annotations

import io
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dashboard.exposition import history
from dashboard.exposition.errors import SyntaxFault
from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import STALE, SeriesBatch
from dashboard.storage import openmetrics_export, openmetrics_import
from dashboard.storage.openmetrics_export import export_openmetrics
from dashboard.storage.openmetrics_import import Imported, import_openmetrics
from tests.storage.conftest import FOREVER, Store

NOW = 1_800_000_000_000
START = 1_700_000_000_000


def take(store: Store, text: str) -> Imported:
    return import_openmetrics(store.storage, io.BytesIO(text.encode()), NOW)


def exported(store: Store, *sets: list[Matcher], start: int = -FOREVER, end: int = FOREVER) -> str:
    return "".join(export_openmetrics(store.storage, sets, start, end))


def equal(name: str, value: str) -> Matcher:
    return Matcher(MatchKind.EQUAL, name, value)


def lines(text: str) -> list[str]:
    return sorted(text.splitlines())


def some_lines(*, count: int = 40) -> list[str]:
    chance = random.Random(3)
    values = ("1", "-2.5", "NaN", "+Inf", "1e-09", "1e+16")
    return [
        f'{name}{{job="a b",n="{n}"}} {chance.choice(values)} {START // 1000 + t}.25'
        for name in ("cpu", "disk_total")
        for n in range(3)
        for t in range(0, 5 * count, 5)
    ]


@pytest.mark.parametrize("gathered", [1, 50, 1 << 20])
def test_lines_in_any_order_come_back_as_they_were(
    store: Store, monkeypatch: pytest.MonkeyPatch, gathered: int
) -> None:
    monkeypatch.setattr(openmetrics_import, "_GATHERED", gathered)
    monkeypatch.setattr(history, "_PIECE", 300)
    written = some_lines()
    random.Random(4).shuffle(written)
    imported = take(store, "\n".join([*written, *written[:7], "# EOF\n"]))
    assert (imported.series, imported.earliest, imported.latest) == (6, START + 250, START + 195_250)
    assert 240 <= imported.samples <= 247
    assert lines(exported(store)) == lines("\n".join([*written, "# EOF"]))
    store.reopen()
    assert lines(exported(store)) == lines("\n".join([*written, "# EOF"]))


def test_importing_twice_changes_nothing(store: Store) -> None:
    text = "\n".join([*some_lines(), "# EOF\n"])
    take(store, text)
    before, stats = exported(store), store.storage.stats()
    assert take(store, text).samples == 0
    assert exported(store) == before
    assert store.storage.stats().block_samples == stats.block_samples
    assert store.storage.stats().blocks == stats.blocks


def test_what_is_there_stays_and_what_is_not_comes_between(store: Store) -> None:
    store.storage.append_points(store.ids("a", "a"), np.array([1000, 3000]), np.array([1.0, 3.0]))
    store.storage.flush()
    assert take(store, "a 9 1\na 2 2\na 9 3\na 4 4\n# EOF\n").samples == 2
    assert lines(exported(store)) == ["# EOF", "a 1 1", "a 2 2", "a 3 3", "a 4 4"]


def test_of_two_lines_for_one_time_the_first_counts(store: Store) -> None:
    assert take(store, "a 1 5\na 2 5\n# EOF\n").samples == 1
    assert lines(exported(store)) == ["# EOF", "a 1 5"]


@pytest.mark.parametrize("text", ["a 1 5\n", "a 1 5\nb\n# EOF\n", f"a 1 5\na 1 {NOW // 1000 + 601}\n# EOF\n"])
def test_nothing_of_a_bad_file_is_visible_then_or_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(openmetrics_import, "_GATHERED", 1)
    with pytest.raises(SyntaxFault):
        take(store, "c 1 1\n" * 3 + text)
    assert exported(store) == "# EOF\n"
    store.reopen()
    assert exported(store) == "# EOF\n"


def test_selectors_and_times_choose_what_is_exported(store: Store) -> None:
    take(store, 'a{x="1"} 1 1\na{x="2"} 2 1\nb{x="1"} 3 1\nb{x="1"} 4 2\n# EOF\n')
    assert lines(exported(store, [equal("x", "1")], [equal("__name__", "a")], end=1000)) == [
        "# EOF",
        'a{x="1"} 1 1',
        'a{x="2"} 2 1',
        'b{x="1"} 3 1',
    ]
    assert exported(store, [equal("x", "1")], start=1001) == 'b{x="1"} 4 2\n# EOF\n'


def test_a_metric_that_does_not_fit_into_memory_comes_in_stretches_of_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = some_lines()
    take(store, "\n".join([*written, "# EOF\n"]))
    monkeypatch.setattr(openmetrics_export, "_AT_ONCE", 20)
    text = exported(store)
    assert lines(text) == lines("\n".join([*written, "# EOF"]))
    assert take(store, text).samples == 0


def test_staleness_markers_are_left_out(store: Store) -> None:
    batch = SeriesBatch([Labels.of({"__name__": "a"})], np.array([1000, 2000]), np.array([[1.0, STALE]]))
    store.storage.import_batches([batch])
    assert exported(store) == "a 1 1\n# EOF\n"


def test_odd_names_and_values_are_written_as_the_parser_reads_them(store: Store) -> None:
    odd = [
        Labels.of({"__name__": "a", "b": 'quote " back \\ line\n', "c": "ü"}),
        Labels.of({"__name__": "dotted.name", "label.too": "1"}),
        Labels.of({"__name__": "http:x"}),
    ]
    store.storage.import_batches([SeriesBatch(odd, np.array([1]), np.array([[1.0], [2.0], [3.0]]))])
    page = parse(exported(store).encode(), "application/openmetrics-text")
    assert [(sample.labels, sample.timestamp) for sample in page.samples] == [(labels, 1) for labels in odd]


def test_every_millisecond_comes_back(make_store: Callable[..., Store]) -> None:
    store = make_store()
    times = np.concatenate([-START + np.arange(3000), START + np.arange(3000), NOW + np.arange(-9000, 0, 3)])
    labels = [Labels.of({"__name__": "a"})]
    store.storage.import_batches([SeriesBatch(labels, times, np.ones((1, len(times))))])
    page = parse(exported(store).encode(), "application/openmetrics-text")
    assert [sample.timestamp for sample in page.samples] == times.tolist()


@pytest.mark.peers
def test_promtool_takes_what_is_exported_and_has_the_same_samples(store: Store, tmp_path: Path) -> None:
    written = some_lines()
    take(store, "\n".join([*written, "# EOF\n"]))
    file = tmp_path / "samples.om"
    file.write_text(exported(store))
    blocks = tmp_path / "blocks"
    # promtool looks for the journal of Prometheus beside its blocks.
    (blocks / "wal").mkdir(parents=True)
    tool = ["promtool", "tsdb"]
    subprocess.run([*tool, "create-blocks-from", "openmetrics", file, blocks], check=True, capture_output=True)
    dumped = subprocess.run([*tool, "dump", blocks], check=True, capture_output=True, text=True).stdout
    stamps = [int(line.rsplit(" ", 1)[1]) for line in dumped.splitlines()]
    assert sorted(stamps) == sorted(int(float(line.rsplit(" ", 1)[1]) * 1000) for line in written)
