"""Files that list targets are read again when they change; a broken one keeps its last good targets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.config.discovery import FileSdConfig
from dashboard.scrape.discovery.file import FileProvider
from dashboard.scrape.discovery.metrics import DiscoveryMetrics

from .conftest import addresses


def provider(metrics: DiscoveryMetrics, *patterns: Path, interval: int = 300_000) -> FileProvider:
    return FileProvider(FileSdConfig(files=tuple(map(str, patterns)), refresh_interval=interval), metrics)


def write(file: Path, *targets: str) -> Path:
    file.write_text(f"[{{targets: {list(targets)}}}]", encoding="utf-8")
    return file


def test_both_formats_and_patterns(tmp_path: Path, metrics: DiscoveryMetrics, count: Callable[..., float]) -> None:
    write(tmp_path / "b.yml", "b")
    write(tmp_path / ".a.yml", "hidden")
    (tmp_path / "c.json").write_text('[{"targets": ["c"], "labels": {"x": "y"}}]', encoding="utf-8")
    write(tmp_path / "other.yaml", "other")
    found = provider(metrics, tmp_path / "*.yml", tmp_path / "c.json", tmp_path / "none" / "*.json").refresh()
    assert (addresses(found.groups), found.errors) == (["hidden", "b", "c"], ())
    assert found.groups[-1].labels == {"x": "y", "__meta_filepath": str(tmp_path / "c.json")}
    assert count("file_mtime_seconds", filename=str(tmp_path / "b.yml")) == int((tmp_path / "b.yml").stat().st_mtime)
    assert count("file_scan_duration_seconds_count") == 1


def test_a_file_of_two_patterns_counts_once(tmp_path: Path, metrics: DiscoveryMetrics) -> None:
    file = write(tmp_path / "a.yml", "a")
    assert addresses(provider(metrics, file, tmp_path / "*.yml").refresh().groups) == ["a"]


@pytest.mark.parametrize("broken", ["[", "[{targets: a}]", "[{target: [a]}]"])
def test_a_broken_file_keeps_its_last_good_targets(
    tmp_path: Path, metrics: DiscoveryMetrics, count: Callable[..., float], broken: str
) -> None:
    good, file = write(tmp_path / "a.yml", "a"), write(tmp_path / "b.yml", "b")
    files = provider(metrics, tmp_path / "*.yml")
    files.refresh()
    file.write_text(broken, encoding="utf-8")
    write(good, "a2")
    found = files.refresh()
    assert addresses(found.groups) == ["a2", "b"]
    (error,) = found.errors
    assert str(file) in error
    assert count("file_read_errors_total") == 1
    write(file, "b2")
    assert (addresses(files.refresh().groups), files.refresh().errors) == (["a2", "b2"], ())


def test_a_file_that_was_never_good_has_none(tmp_path: Path, metrics: DiscoveryMetrics) -> None:
    (tmp_path / "a.json").write_text("[", encoding="utf-8")
    (tmp_path / "b.json").mkdir()
    found = provider(metrics, tmp_path / "*.json").refresh()
    assert (addresses(found.groups), len(found.errors)) == ([], 2)
    assert "b.json: cannot be read" in found.errors[1]


def test_a_file_that_is_gone_takes_its_targets_along(
    tmp_path: Path, metrics: DiscoveryMetrics, count: Callable[..., float]
) -> None:
    file = write(tmp_path / "a.yml", "a")
    files = provider(metrics, file)
    files.refresh()
    file.unlink()
    assert addresses(files.refresh().groups) == []
    assert count("file_mtime_seconds", filename=str(file)) == 0


def test_an_enormous_file_is_not_read(tmp_path: Path, metrics: DiscoveryMetrics) -> None:
    file = tmp_path / "a.json"
    with file.open("wb") as big:
        big.truncate(1 << 30)
    (error,) = provider(metrics, file).refresh().errors
    assert "larger than" in error


@pytest.mark.parametrize(
    "change",
    [
        lambda file: write(file, "other"),
        lambda file: file.unlink(),
        lambda file: write(file.with_name("b.yml"), "b"),
        lambda file: write(file.with_name("new"), "c").replace(file),
    ],
    ids=["written", "gone", "new", "replaced"],
)
def test_a_change_ends_the_wait(tmp_path: Path, metrics: DiscoveryMetrics, change: Callable[[Path], object]) -> None:
    file = write(tmp_path / "a.yml", "a")
    files = provider(metrics, tmp_path / "*.yml")
    files.refresh()
    ended = threading.Event()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: (files.wait(stop), ended.set()))
    thread.start()
    assert not ended.is_set()
    change(file)
    assert ended.wait(20)
    stop.set()
    thread.join()


def test_the_wait_ends_after_the_interval_and_at_the_stop(tmp_path: Path, metrics: DiscoveryMetrics) -> None:
    file = write(tmp_path / "a.yml", "a")
    short, long = provider(metrics, file, interval=20), provider(metrics, file)
    stop = threading.Event()
    for files in (short, long):
        files.refresh()
    short.wait(stop)
    stop.set()
    long.wait(stop)
