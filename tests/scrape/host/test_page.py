"""This machine's own figures stand on one page; one broken collector spoils no other."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from dashboard.exposition.page import Page
from dashboard.exposition.parser import parse
from dashboard.scrape.host import host_page
from dashboard.scrape.host.families import Family, lone_gauge, page_of
from dashboard.scrape.host.page import HostPage, collectors_for
from dashboard.scrape.host.processes import MOST_GROUPS

from .told import named

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's kernel")


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(host_page())


def test_every_collector_succeeds_here(page: Page) -> None:
    prefix = "windows_exporter" if sys.platform == "win32" else "node_scrape"
    names = {(name,) for name in collectors_for(sys.platform)}
    assert named(page, f"{prefix}_collector_success") == dict.fromkeys(names, 1.0)
    assert set(named(page, f"{prefix}_collector_duration_seconds")) == names


@on_linux
def test_cpu_seconds_are_told_for_each_cpu_and_mode(page: Page) -> None:
    seconds = named(page, "node_cpu_seconds_total")
    assert {cpu for cpu, _ in seconds} == {str(number) for number in range(psutil.cpu_count() or 0)}
    assert {"user", "system", "idle", "iowait", "irq", "softirq", "steal", "nice"} == {mode for _, mode in seconds}
    assert {mode for _, mode in named(page, "node_cpu_guest_seconds_total")} == {"user", "nice"}


@on_linux
def test_memory_is_told_in_bytes(page: Page) -> None:
    ((total),) = named(page, "node_memory_MemTotal_bytes").values()
    ((available),) = named(page, "node_memory_MemAvailable_bytes").values()
    assert total == psutil.virtual_memory().total
    assert 0 < available < total


@on_linux
def test_load_time_and_name_are_told(page: Page) -> None:
    assert named(page, "node_load1")[()] >= 0
    assert abs(named(page, "node_time_seconds")[()] - time.time()) < 3600
    assert named(page, "node_boot_time_seconds")[()] <= time.time()
    assert len(named(page, "node_uname_info")) == 1
    assert named(page, "node_forks_total")[()] > 0
    assert 0 < named(page, "node_filefd_allocated")[()] <= named(page, "node_filefd_maximum")[()]


def test_few_processes_are_told_however_many_run(page: Page) -> None:
    groups = {group for group, _ in named(page, "namedprocess_namegroup_memory_bytes")}
    assert 0 < len(groups) <= 2 * MOST_GROUPS
    assert groups == {group for (group,) in named(page, "namedprocess_namegroup_num_procs")}


def test_the_version_that_tells_is_told(page: Page) -> None:
    (sample,) = [each for each in page.samples if each.labels.metric_name == "glass_host_build_info"]
    assert sample.labels.get("version")


def test_every_family_says_its_type_and_has_a_help(page: Page) -> None:
    assert {sample.labels.metric_name for sample in page.samples} == page.metadata.keys()
    assert all(told.help for told in page.metadata.values())


def good() -> Iterator[Family]:
    yield lone_gauge("good", "Help.", 1)


def bad() -> Iterator[Family]:
    yield lone_gauge("half", "Help.", 1)
    raise OSError("no such device")


def test_a_collector_that_fails_spoils_no_other_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    works = [False]

    def wavering() -> Iterator[Family]:
        yield from good() if works[0] else bad()

    host = HostPage({"bad": wavering, "good": good}, "node_scrape")
    for _ in range(3):
        page = parse(page_of(host.families()))
        assert named(page, "good") == {(): 1}
        assert named(page, "half") == {}
        assert named(page, "node_scrape_collector_success") == {("bad",): 0, ("good",): 1}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    works[0] = True
    assert named(parse(page_of(host.families())), "node_scrape_collector_success")["bad",] == 1
    works[0] = False
    list(host.families())
    assert len(caplog.records) == 2
