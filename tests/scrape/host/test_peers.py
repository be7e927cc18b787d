"""The real node_exporter and we tell the same of this machine: names, types, labels, and values that stand still."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest

from dashboard.exposition.page import Page
from dashboard.exposition.parser import parse
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.scrape.host import host_page
from dashboard.scrape.host.disk import IGNORED_DISKS
from dashboard.scrape.host.filesystem import IGNORED_MOUNTS, IGNORED_TYPES

EXPORTER = "prometheus-node-exporter"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which(EXPORTER) is None, reason=f"needs {EXPORTER}"),
]

# Families that are ours in part: node_exporter has more of them, or asks the kernel in another way.
CLAIMED = (
    "node_boot_",
    "node_context_",
    "node_cpu_",
    "node_disk_",
    "node_filefd_",
    "node_filesystem_",
    "node_forks_",
    "node_intr_",
    "node_load",
    "node_memory_",
    "node_network_",
    "node_os_",
    "node_procs_",
    "node_time_",
    "node_uname_",
)
# What the exporter tells beyond what we claim.
THEIRS = {
    "node_disk_info",
    "node_network_address_assign_type",
    "node_network_carrier_down_changes_total",
    "node_network_carrier_up_changes_total",
    "node_network_device_id",
    "node_network_dormant",
    "node_network_flags",
    "node_network_iface_id",
    "node_network_iface_link",
    "node_network_iface_link_mode",
    "node_network_name_assign_type",
    "node_network_net_dev_group",
    "node_network_protocol_type",
    "node_network_receive_nohandler_total",
    "node_time_clocksource_available_info",
    "node_time_clocksource_current_info",
}
# What newer exporters than Debian's leave out by default, and no more.
OPTIONS = (
    "--log.level=error",
    "--collector.netdev.device-exclude=^$",
    "--collector.netclass.ignored-devices=^$",
    rf"--collector.diskstats.device-exclude=^({IGNORED_DISKS})$",
    rf"--collector.filesystem.mount-points-exclude=^({IGNORED_MOUNTS})$",
    rf"--collector.filesystem.fs-types-exclude=^({'|'.join(sorted(IGNORED_TYPES))})$",
)
STEADY = (
    "node_boot_time_seconds",
    "node_filefd_maximum",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapTotal_bytes",
    "node_network_mtu_bytes",
    "node_network_up",
    "node_os_version",
    "node_uname_info",
)
GROWING = ("node_cpu_seconds_total", "node_context_switches_total", "node_forks_total", "node_intr_total")


@pytest.fixture(scope="module")
def theirs() -> Iterator[Page]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    arguments = [EXPORTER, f"--web.listen-address=127.0.0.1:{port}", *OPTIONS]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as exporter:
        try:
            yield parse(page(port))
        finally:
            exporter.terminate()


def page(port: int) -> bytes:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer,
        ):
            body: bytes = answer.read()
            return body
        time.sleep(0.05)
    raise TimeoutError(EXPORTER)


@pytest.fixture(scope="module")
def ours(theirs: Page) -> Page:
    assert theirs.samples
    return parse(host_page())


def names(told: Page) -> set[str]:
    return {sample.labels.metric_name for sample in told.samples if sample.labels.metric_name.startswith(CLAIMED)}


def test_every_family_that_both_could_tell_is_told_by_both(ours: Page, theirs: Page) -> None:
    # The kernel's files have what the exporter gets from netlink, under the same names.
    assert names(ours) - names(theirs) == set()
    speeds = {"node_network_speed_bytes"} - names(ours)
    assert names(theirs) - names(ours) - THEIRS - speeds == set()


def test_types_are_the_same(ours: Page, theirs: Page) -> None:
    both = names(ours) & names(theirs)
    assert {name: ours.metadata[name].type for name in both} == {name: theirs.metadata[name].type for name in both}


def series(told: Page, wanted: set[str]) -> dict[Labels, float]:
    return {
        sample.labels: sample.value
        for sample in told.samples
        if sample.labels.metric_name in wanted
        # A speed of -1 is one that the device does not know.
        and not (sample.labels.metric_name == "node_network_speed_bytes" and sample.value < 0)
    }


def test_series_have_the_same_labels(ours: Page, theirs: Page) -> None:
    both = names(ours) & names(theirs)
    assert set(series(ours, both)) == set(series(theirs, both))


def test_what_stands_still_has_the_same_value(ours: Page, theirs: Page) -> None:
    assert series(ours, set(STEADY)) == series(theirs, set(STEADY))


def test_what_grows_has_grown_since(ours: Page, theirs: Page) -> None:
    now, before = series(ours, set(GROWING)), series(theirs, set(GROWING))
    assert {labels.get(METRIC_NAME) for labels in now} == set(GROWING)
    # The kernel's own estimate of the time spent waiting may shrink (proc_stat(5)).
    steady = [labels for labels in before if labels.get("mode") not in ("iowait", "idle")]
    assert all(before[labels] <= now[labels] for labels in steady)
    assert all(now[labels] <= before[labels] * 1.5 + 60_000 for labels in steady)


def test_what_moves_is_near(ours: Page, theirs: Page) -> None:
    moving = {"node_memory_MemFree_bytes", "node_memory_MemAvailable_bytes", "node_filesystem_free_bytes"}
    now, before = series(ours, moving), series(theirs, moving)
    assert now == pytest.approx(before, rel=0.25)
