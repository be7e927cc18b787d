"""The groups of every job are known, and told when they change; what hangs or fails holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.config.discovery import FileSdConfig, HttpSdConfig, StaticConfig
from dashboard.config.scrape import ScrapeConfig
from dashboard.scrape.discovery import Discovery
from dashboard.scrape.discovery.metrics import DiscoveryMetrics

from .conftest import addresses, wait_for


class Changes(list[str]):
    """The jobs whose groups have changed."""


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def discovery(metrics: DiscoveryMetrics, changes: Changes) -> Iterator[Discovery]:
    discovery = Discovery(metrics, changes.append)
    yield discovery
    discovery.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("discovery-")]


def job(name: str, *static: str, **options: Any) -> ScrapeConfig:
    return ScrapeConfig(job_name=name, static_configs=(StaticConfig(targets=static),), **options)


def files(path: Path) -> dict[str, Any]:
    return {"file_sd_configs": (FileSdConfig(files=(str(path),)),)}


def write(file: Path, *targets: str) -> Path:
    file.write_text(f"[{{targets: {list(targets)}}}]", encoding="utf-8")
    return file


def test_what_the_configuration_lists_is_known_at_once(discovery: Discovery, count: Callable[..., float]) -> None:
    discovery.apply([job("a", "x", "y"), job("b")])
    found = discovery.discovered("a")
    assert (addresses(found.groups), found.errors, found.complete) == (["x", "y"], (), True)
    assert addresses(discovery.discovered("b").groups) == []
    assert discovery.discovered("unknown").complete
    assert count("discovered_targets", name="scrape", config="a") == 2
    discovery.apply([job("b")])
    assert count("discovered_targets", name="scrape", config="a") == 0


def test_what_must_be_looked_up_is_told_once_it_is_known_and_when_it_changes(
    discovery: Discovery, changes: Changes, tmp_path: Path, count: Callable[..., float]
) -> None:
    file = write(tmp_path / "t.yml", "f")
    discovery.apply([job("a", "x", **files(file))])
    wait_for(lambda: changes == ["a"])
    found = discovery.discovered("a")
    assert (addresses(found.groups), found.complete) == (["x", "f"], True)
    write(file, "f", "g")
    wait_for(lambda: changes == ["a", "a"])
    assert addresses(discovery.discovered("a").groups) == ["x", "f", "g"]
    file.write_text("[", encoding="utf-8")
    wait_for(lambda: changes == ["a", "a", "a"])
    assert addresses(discovery.discovered("a").groups) == ["x", "f", "g"]
    assert str(file) in discovery.discovered("a").errors[0]
    assert count("refresh_failures_total", mechanism="file") == 1
    assert count("updates_total", name="scrape") == 3


def test_jobs_that_ask_for_the_same_share_what_is_found(
    discovery: Discovery, changes: Changes, tmp_path: Path, count: Callable[..., float]
) -> None:
    file = write(tmp_path / "t.yml", "f")
    discovery.apply([job("a", **files(file)), job("b", **files(file))])
    wait_for(lambda: sorted(changes) == ["a", "b"])
    assert addresses(discovery.discovered("b").groups) == ["f"]
    assert count("file_scan_duration_seconds_count") == 1


def test_a_new_configuration_keeps_what_is_looked_up_already(
    discovery: Discovery, changes: Changes, tmp_path: Path, count: Callable[..., float]
) -> None:
    one, two = write(tmp_path / "one.yml", "1"), write(tmp_path / "two.yml", "2")
    discovery.apply([job("a", **files(one))])
    wait_for(lambda: changes == ["a"])
    discovery.apply([job("a", "x", **files(one)), job("b", **files(two))])
    found = discovery.discovered("a")
    assert (addresses(found.groups), found.complete) == (["x", "1"], True)
    wait_for(lambda: changes == ["a", "b"])
    assert count("file_scan_duration_seconds_count") == 2
    discovery.apply([job("b", **files(two))])
    write(one, "other")
    write(two, "3")
    wait_for(lambda: changes == ["a", "b", "b"])


def test_a_server_that_hangs_holds_up_neither_start_nor_stop(
    discovery: Discovery, changes: Changes, hostile: Callable[..., str], tmp_path: Path
) -> None:
    asked = threading.Event()

    def hang(peer: Any) -> None:
        asked.set()
        peer.wait()

    slow = HttpSdConfig(url=f"http://{hostile(hang)}/sd", refresh_interval=60_000)
    file = write(tmp_path / "t.yml", "f")
    discovery.apply([job("a", "x", http_sd_configs=(slow,), **files(file))])
    assert asked.wait(20)
    wait_for(lambda: changes == ["a"])
    found = discovery.discovered("a")
    assert (addresses(found.groups), found.complete) == (["x", "f"], False)


def test_an_error_of_ours_ends_no_thread(
    discovery: Discovery,
    changes: Changes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = iter([RuntimeError("oops")])

    def look(_: object) -> dict[str, Any]:
        for fault in faults:
            raise fault
        return {}

    monkeypatch.setattr("dashboard.scrape.discovery.file.FileProvider._look", look)
    discovery.apply([job("a", **files(tmp_path / "t.yml"))])
    wait_for(lambda: changes == ["a"])
    assert discovery.discovered("a").complete
