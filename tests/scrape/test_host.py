"""The machine's own figures stand on a page under node_exporter's names; one broken collector spoils no other."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric

from dashboard.exposition.page import Page
from dashboard.exposition.parser import parse
from dashboard.scrape.host import COLLECTORS, HostCollector, host_page


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(host_page())


def named(page: Page, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by the values of its labels, in the order of the labels' names."""
    return {
        tuple(value for _, value in sample.labels.without_name()): sample.value
        for sample in page.samples
        if sample.labels.metric_name == name
    }


def test_every_collector_succeeds_here(page: Page) -> None:
    assert named(page, "node_scrape_collector_success") == {(name,): 1.0 for name in COLLECTORS}
    assert set(named(page, "node_scrape_collector_duration_seconds")) == {(name,) for name in COLLECTORS}


def test_cpu_seconds_are_told_for_each_cpu_and_mode(page: Page) -> None:
    seconds = named(page, "node_cpu_seconds_total")
    assert {cpu for cpu, _ in seconds} == {str(number) for number in range(psutil.cpu_count() or 0)}
    assert {"user", "system", "idle"} <= {mode for _, mode in seconds}
    assert "guest" not in {mode for _, mode in seconds}


def test_memory_is_told_in_bytes(page: Page) -> None:
    ((total),) = named(page, "node_memory_MemTotal_bytes").values()
    ((available),) = named(page, "node_memory_MemAvailable_bytes").values()
    assert total == psutil.virtual_memory().total
    assert 0 < available < total


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own list is Linux's")
def test_linux_tells_all_that_the_kernel_tells(page: Page) -> None:
    names = {sample.labels.metric_name for sample in page.samples}
    fields = {
        f"node_memory_{name}" for name in ("Cached_bytes", "Buffers_bytes", "SwapTotal_bytes", "Active_anon_bytes")
    }
    assert fields <= names
    assert "node_memory_HugePages_Total" in names


def test_network_devices_are_told(page: Page) -> None:
    received = named(page, "node_network_receive_bytes_total")
    assert {device for (device,) in received} == set(psutil.net_io_counters(pernic=True))
    assert received.keys() == named(page, "node_network_transmit_bytes_total").keys()


def test_load_time_and_name_are_told(page: Page) -> None:
    assert bool(named(page, "node_load1")) is hasattr(os, "getloadavg")
    assert abs(named(page, "node_time_seconds")[()] - time.time()) < 3600
    assert named(page, "node_boot_time_seconds")[()] <= time.time()
    assert len(named(page, "node_uname_info")) == 1


def test_every_family_says_its_type(page: Page) -> None:
    assert {sample.labels.metric_name for sample in page.samples} <= page.metadata.keys()


def test_a_collector_that_fails_spoils_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def good() -> Iterator[Metric]:
        yield GaugeMetricFamily("good", "Help.", value=1)

    def bad() -> Iterator[Metric]:
        yield GaugeMetricFamily("half", "Help.", value=1)
        raise OSError("no such device")

    registry = CollectorRegistry(auto_describe=False)
    with caplog.at_level(logging.CRITICAL):
        registry.register(HostCollector({"bad": bad, "good": good}))
    assert registry.get_sample_value("good") == 1
    assert registry.get_sample_value("half") is None
    assert registry.get_sample_value("node_scrape_collector_success", {"collector": "bad"}) == 0
    assert registry.get_sample_value("node_scrape_collector_success", {"collector": "good"}) == 1
