"""Targets are scraped on time, whatever others do; a new configuration touches only what it changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from dashboard.config.prometheus import PrometheusConfig, load_prometheus_config
from dashboard.database import Database
from dashboard.exposition.page import Metadata, MetricType
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.scrape import ScrapeManager, TargetHealth, TargetMetadata, Ticker, UnknownPoolError, UnknownTargetError
from dashboard.scrape.counters import MetadataCollector
from dashboard.scrape.store import Store
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations

from .conftest import FakeStorage, Hostile, Peer, Site, stale


def wall_clock() -> int:
    return time.time_ns() // 1_000_000


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def ticker() -> Iterator[Ticker]:
    ticker = Ticker()
    ticker.start()
    yield ticker
    ticker.stop()


@pytest.fixture
def managed(ticker: Ticker) -> Iterator[Callable[[Store], ScrapeManager]]:
    """Make managers that are stopped at the end."""
    made: list[ScrapeManager] = []

    def make(storage: Store) -> ScrapeManager:
        manager = ScrapeManager(
            storage,
            ticker,
            registry=CollectorRegistry(),
            clock=wall_clock,
            local_pages={"/metrics": lambda: b"# TYPE own gauge\nown 1\n"},
            local_addresses={"localhost:5000"},
        )
        made.append(manager)
        return manager

    yield make
    for manager in made:
        manager.stop()


@pytest.fixture
def manager(managed: Callable[[Store], ScrapeManager], storage: FakeStorage) -> ScrapeManager:
    return managed(storage)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., PrometheusConfig]:
    """Make configurations from the addresses of each job."""

    def make(interval: str = "100ms", extra: str = "", labels: str = "{}", **jobs: list[str]) -> PrometheusConfig:
        file = tmp_path / "prometheus.yml"
        lines = [f"global: {{scrape_interval: {interval}}}", "scrape_configs:"]
        lines += [
            f"- {{job_name: {job}, static_configs: [{{targets: {at}, labels: {labels}}}]{extra}}}"
            for job, at in jobs.items()
        ]
        file.write_text("\n".join(lines), encoding="utf-8")
        return load_prometheus_config(file)

    return make


def values(storage: FakeStorage, name: str) -> list[float]:
    """Return every stored value of a series."""
    return [row[name] for _, row in list(storage.rows) if name in row]


def test_targets_are_scraped_at_once_and_again(
    manager: ScrapeManager, config: Callable[..., PrometheusConfig], site: Site, storage: FakeStorage
) -> None:
    site.serve(b"a 1\n")
    manager.apply(config(api=[site.address]))
    (status,) = manager.targets()
    assert status.health is TargetHealth.UNKNOWN
    wait_for(lambda: len(storage.rows) >= 5)
    (status,) = manager.targets()
    assert (status.health, status.samples, status.scrape_pool) == (TargetHealth.UP, 1, "api")
    times = [timestamp for timestamp, _ in storage.rows]
    assert times == sorted(set(times))


def test_a_page_of_this_server_needs_no_network(
    manager: ScrapeManager, config: Callable[..., PrometheusConfig], storage: FakeStorage
) -> None:
    manager.apply(config(glass=["localhost:5000"]))
    wait_for(lambda: len(storage.rows) >= 1)
    assert storage.page() == {'own{instance="localhost:5000", job="glass"}': 1.0}
    assert manager.metadata() == [
        TargetMetadata(Labels.of({"instance": "localhost:5000", "job": "glass"}), "own", Metadata(MetricType.GAUGE))
    ]
    assert manager.metadata("other") == []


def test_a_page_that_cannot_be_read_and_has_a_wrong_type_says_both(
    manager: ScrapeManager, config: Callable[..., PrometheusConfig], site: Site
) -> None:
    site.serve(b"<!DOCTYPE html>\n", Content_Type="text/html")
    manager.apply(config("1h", api=[site.address]))
    (status,) = manager.targets()
    told = manager.scrape_now(status.id).last_error
    assert told.startswith("line 1: ")
    assert told.endswith('the target sent Content-Type "text/html", so the page was read as PrometheusText0.0.4')


def test_hanging_targets_delay_no_other(
    manager: ScrapeManager,
    config: Callable[..., PrometheusConfig],
    site: Site,
    hostile: Hostile,
    storage: FakeStorage,
) -> None:
    def hang(peer: Peer) -> None:
        peer.wait()

    site.serve(b"a 1\n")
    hanging = hostile(hang)
    names = [f"bad{number}" for number in range(12)]
    manager.apply(config("200ms", good=[site.address], **{name: [hanging] for name in names}))
    good = f'up{{instance="{site.address}", job="good"}}'
    bad = [f'up{{instance="{hanging}", job="{name}"}}' for name in names]
    wait_for(lambda: all(len(values(storage, name)) >= 2 for name in bad) and len(values(storage, good)) >= 4)
    assert set(values(storage, good)) == {1.0}
    assert {value for name in bad for value in values(storage, name)} == {0.0}
    errors = {status.last_error for status in manager.targets() if status.scrape_pool != "good"}
    assert errors == {"context deadline exceeded: no whole answer within 0.19s"}


def test_a_new_configuration_keeps_unchanged_targets_and_ends_the_others(
    manager: ScrapeManager, config: Callable[..., PrometheusConfig], site: Site, storage: FakeStorage
) -> None:
    site.serve(b"a 1\n")
    manager.apply(config(one=[site.address], two=[site.address]))
    wait_for(lambda: all(status.health is TargetHealth.UP for status in manager.targets()))
    before = {status.scrape_pool: status for status in manager.targets()}
    manager.apply(config(two=[site.address], three=[site.address]))
    after = {status.scrape_pool: status for status in manager.targets()}
    assert list(after) == ["two", "three"]
    assert after["two"].last_scrape >= before["two"].last_scrape > 0
    assert after["three"].health is TargetHealth.UNKNOWN
    gone = values(storage, f'up{{instance="{site.address}", job="one"}}')
    assert stale(gone[-1])
    wait_for(lambda: all(status.health is TargetHealth.UP for status in manager.targets()))
    assert values(storage, f'up{{instance="{site.address}", job="one"}}')[-1:] != [1.0]


def test_a_target_that_is_scraped_differently_goes_on_without_a_gap(
    manager: ScrapeManager, config: Callable[..., PrometheusConfig], site: Site, storage: FakeStorage
) -> None:
    site.serve(b"a 1\n")
    manager.apply(config(api=[site.address]))
    wait_for(lambda: len(storage.rows) >= 1)
    manager.apply(config("150ms", extra=", honor_labels: true", api=[site.address]))
    (status,) = manager.targets()
    assert (status.interval, status.health) == (150, TargetHealth.UP)
    seen = len(storage.rows)
    wait_for(lambda: len(storage.rows) >= seen + 2)
    assert not any(map(stale, values(storage, f'a{{instance="{site.address}", job="api"}}')))


def test_a_target_can_be_scraped_now(
    manager: ScrapeManager, config: Callable[..., PrometheusConfig], site: Site, storage: FakeStorage
) -> None:
    site.serve(b"a 1\n")
    manager.apply(config("1h", api=[site.address]))
    (status,) = manager.targets()
    assert manager.scrape_now(status.id).health is TargetHealth.UP
    assert len(storage.rows) >= 1
    with pytest.raises(UnknownTargetError):
        manager.scrape_now("x")


DISCOVERED = """
global: {scrape_interval: 100ms}
scrape_configs:
- job_name: files
  file_sd_configs: [{files: ['FOLDER/*.json']}]
  relabel_configs:
  - {source_labels: [__meta_filepath], regex: '.*[/\\\\](.*)\\.json', target_label: file}
  - {source_labels: [secret], regex: yes, action: drop}
- job_name: url
  http_sd_configs: [{url: 'http://SITE/sd'}]
- job_name: fixed
  static_configs: [{targets: ['SITE']}]
"""


def test_what_is_discovered_is_scraped_and_what_is_gone_becomes_stale(
    manager: ScrapeManager, site: Site, storage: FakeStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.scrape.discovery.file._LOOK_EVERY", 0.02)
    listed, config = tmp_path / "one.json", tmp_path / "prometheus.yml"
    listed.write_text(f'[{{"targets": ["{site.address}"]}}, {{"targets": ["x"], "labels": {{"secret": "yes"}}}}]')
    config.write_text(DISCOVERED.replace("FOLDER", str(tmp_path)).replace("SITE", site.address), encoding="utf-8")
    site.serve(b"a 1\n")
    site.serve(b'[{"targets": ["127.0.0.1:1"]}]', "/sd", Content_Type="application/json")
    manager.apply(load_prometheus_config(config))
    assert [status.scrape_pool for status in manager.targets()][-1] == "fixed"
    wait_for(lambda: {status.scrape_pool for status in manager.targets()} == {"files", "url", "fixed"})
    name = f'a{{file="one", instance="{site.address}", job="files"}}'
    wait_for(lambda: len(values(storage, name)) >= 2)
    files, url, _ = manager.pools()
    assert (files.dropped_count, files.dropped[0].get("secret"), files.errors) == (1, "yes", ())
    assert url.active[0].discovered_labels.get("__meta_url") == f"http://{site.address}/sd"
    assert manager.relabel_steps("files", files.dropped[0])[-1].labels is None
    with pytest.raises(UnknownPoolError):
        manager.relabel_steps("none", files.dropped[0])
    listed.unlink()
    wait_for(lambda: manager.pools()[0].active == () and stale(values(storage, name)[-1]))


def test_a_reload_costs_discovered_targets_no_scrape(
    manager: ScrapeManager, site: Site, storage: FakeStorage, tmp_path: Path
) -> None:
    first, config = tmp_path / "one.json", tmp_path / "prometheus.yml"
    first.write_text(f'[{{"targets": ["{site.address}"]}}]')
    text = DISCOVERED.replace("FOLDER", str(tmp_path)).replace("SITE", site.address)
    config.write_text(text, encoding="utf-8")
    site.serve(b"a 1\n")
    manager.apply(load_prometheus_config(config))
    name = f'a{{file="one", instance="{site.address}", job="files"}}'
    wait_for(lambda: len(values(storage, name)) >= 1)
    for pattern in ("one.json", "o*.json", "*.json"):
        config.write_text(text.replace("*.json", pattern), encoding="utf-8")
        manager.apply(load_prometheus_config(config))
        assert manager.pools()[0].active
        seen = len(values(storage, name))
        wait_for(lambda seen=seen: len(values(storage, name)) > seen)  # type: ignore[misc]
    assert not any(map(stale, values(storage, name)))


def test_metadata_is_counted_by_job(
    managed: Callable[[Store], ScrapeManager], config: Callable[..., PrometheusConfig], storage: FakeStorage
) -> None:
    manager = managed(storage)
    manager.apply(config(glass=["localhost:5000"]))
    (status,) = manager.targets()
    manager.scrape_now(status.id)
    counted = {
        sample.name: sample.value
        for family in MetadataCollector(manager._pool_metadata).collect()
        for sample in family.samples
    }
    assert counted == {
        "prometheus_target_metadata_cache_entries": 1,
        "prometheus_target_metadata_cache_bytes": len("gauge"),
    }


def test_nothing_is_stored_after_the_stop(
    manager: ScrapeManager,
    config: Callable[..., PrometheusConfig],
    hostile: Hostile,
    storage: FakeStorage,
) -> None:
    arrived = threading.Event()

    def hang(peer: Peer) -> None:
        arrived.set()
        peer.wait()

    manager.apply(config("60s", api=[hostile(hang)]))
    assert arrived.wait(20)
    manager.stop()
    assert storage.rows == []
    assert manager.targets() == []


def test_scrapes_reach_the_real_storage(
    managed: Callable[[Store], ScrapeManager],
    config: Callable[..., PrometheusConfig],
    site: Site,
    tmp_path: Path,
) -> None:
    measured = wall_clock() - 60_000
    site.serve(f'a{{x="y"}} 1\nb 2 {measured}\n'.encode())
    database = Database.open(tmp_path / "data", [migrations])
    storage = Storage(database, registry=CollectorRegistry(), clock=wall_clock, retention=10**15, journal_interval=20)
    storage.open()
    manager = managed(storage)
    try:
        manager.apply(config(api=[site.address]))

        def found(name: str, *, count: int) -> bool:
            batches = storage.select((Matcher(MatchKind.EQUAL, "__name__", name),), 0, 2**62)
            return bool(batches) and batches[0].values.shape == (1, max(count, batches[0].values.shape[1]))

        wait_for(lambda: found("a", count=3) and found("up", count=3) and found("b", count=1))
        (batch,) = storage.select((Matcher(MatchKind.EQUAL, "__name__", "b"),), 0, 2**62)
        assert (batch.timestamps.tolist(), batch.values.tolist()) == ([measured], [[2.0]])
        assert str(batch.labels[0]) == f'b{{instance="{site.address}", job="api"}}'
    finally:
        manager.stop()
        storage.close()
        database.close()
