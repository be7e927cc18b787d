"""On Windows and on macOS the figures that psutil gives stand under the names of the exporters there."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from dashboard.exposition.parser import parse
from dashboard.scrape.host.families import Family, page_of
from dashboard.scrape.host.page import HostPage, collectors_for

from .told import rows

DISK = {"read_count": 1, "write_count": 2, "read_bytes": 3, "write_bytes": 4, "read_time": 5000, "write_time": 6000}
TRAFFIC = ("bytes_recv", "bytes_sent", "packets_recv", "packets_sent", "errin", "errout", "dropin", "dropout")


def record(**values: Any) -> SimpleNamespace:
    return SimpleNamespace(_asdict=lambda: values, **values)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let psutil answer as on a machine with two processors, two drives of which one is empty, and one cable."""
    traffic = SimpleNamespace(**{name: place for place, name in enumerate(TRAFFIC, start=1)})
    stats = SimpleNamespace(isup=True, speed=1000, mtu=1500)
    drives = [
        SimpleNamespace(device="C:\\", mountpoint="C:\\", fstype="NTFS", opts="rw,fixed"),
        SimpleNamespace(device="D:\\", mountpoint="D:\\", fstype="", opts="cdrom"),
        SimpleNamespace(device="Z:\\", mountpoint="Z:\\", fstype="NTFS", opts="ro,remote"),
    ]
    told = {
        "cpu_times": lambda **_: [record(user=1.0, system=2.0, idle=3.0, interrupt=0.25, dpc=0.5)] * 2,
        "virtual_memory": lambda: SimpleNamespace(total=100, available=40, free=30, active=20, inactive=10, wired=15),
        "swap_memory": lambda: SimpleNamespace(total=50, free=45, used=5, sin=7, sout=8),
        "disk_partitions": lambda **_: drives,
        "disk_usage": usage,
        "disk_io_counters": lambda **_: {"PhysicalDrive0": SimpleNamespace(**DISK)},
        "net_io_counters": lambda **_: {"Ethernet": traffic, "Loopback Pseudo-Interface 1": traffic},
        "net_if_stats": lambda: {"Ethernet": stats, "Loopback Pseudo-Interface 1": stats},
        "cpu_stats": lambda: SimpleNamespace(ctx_switches=11, interrupts=12, soft_interrupts=0, syscalls=13),
        "boot_time": lambda: 1000.0,
    }
    for name, answer in told.items():
        monkeypatch.setattr(psutil, name, answer)
    monkeypatch.setattr("os.getloadavg", lambda: (1.0, 5.0, 15.0), raising=False)
    monkeypatch.setattr("os.statvfs", statvfs, raising=False)
    monkeypatch.setattr("platform.win32_ver", lambda: ("11", "10.0.22631", "SP0", "Multiprocessor Free"))
    monkeypatch.setattr("platform.win32_edition", lambda: "Professional")
    monkeypatch.setattr("platform.mac_ver", lambda: ("14.5", ("", "", ""), "arm64"))
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    monkeypatch.setenv("USERDNSDOMAIN", "CORP.EXAMPLE")


def usage(mountpoint: str) -> SimpleNamespace:
    if mountpoint == "Z:\\":
        raise OSError("the device is not ready")
    return SimpleNamespace(total=1000, free=400)


def statvfs(mountpoint: str) -> SimpleNamespace:
    return SimpleNamespace(f_frsize=10, f_blocks=100, f_bfree=40, f_bavail=30, f_files=7, f_ffree=len(mountpoint))


def told(platform: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what the collectors of a system tell, but for processes and cards, which are the same everywhere."""
    own = {name: run for name, run in collectors_for(platform).items() if name not in ("process", "gpu", "build")}

    def families() -> Iterator[Family]:
        for run in own.values():
            yield from run()

    return rows(families())


@pytest.mark.usefixtures("answers")
def test_windows_has_the_names_of_windows_exporter() -> None:
    found = told("win32")
    now = found.pop("windows_time_current_timestamp_seconds")
    assert now[()] > 1_600_000_000
    assert found == {
        "windows_cpu_time_total": {
            (f"0,{core}", mode): value
            for core in (0, 1)
            for mode, value in {"idle": 3, "user": 1, "privileged": 2, "interrupt": 0.25, "dpc": 0.5}.items()
        },
        "windows_cpu_logical_processor": {(): 2},
        "windows_memory_physical_total_bytes": {(): 100},
        "windows_memory_physical_free_bytes": {(): 40},
        "windows_memory_available_bytes": {(): 40},
        "windows_pagefile_limit_bytes": {(): 50},
        "windows_pagefile_free_bytes": {(): 45},
        "windows_logical_disk_size_bytes": {("C:",): 1000},
        "windows_logical_disk_free_bytes": {("C:",): 400},
        "windows_logical_disk_readonly": {("C:",): 0, ("Z:",): 1},
        "windows_logical_disk_info": {("C:", "fixed", "NTFS"): 1, ("Z:", "remote", "NTFS"): 1},
        "windows_physical_disk_reads_total": {("0",): 1},
        "windows_physical_disk_read_bytes_total": {("0",): 3},
        "windows_physical_disk_read_seconds_total": {("0",): 5},
        "windows_physical_disk_writes_total": {("0",): 2},
        "windows_physical_disk_write_bytes_total": {("0",): 4},
        "windows_physical_disk_write_seconds_total": {("0",): 6},
        "windows_net_bytes_received_total": {("Ethernet",): 1},
        "windows_net_bytes_sent_total": {("Ethernet",): 2},
        "windows_net_packets_received_total": {("Ethernet",): 3},
        "windows_net_packets_sent_total": {("Ethernet",): 4},
        "windows_net_packets_received_errors_total": {("Ethernet",): 5},
        "windows_net_packets_outbound_errors_total": {("Ethernet",): 6},
        "windows_net_packets_received_discarded_total": {("Ethernet",): 7},
        "windows_net_packets_outbound_discarded_total": {("Ethernet",): 8},
        "windows_net_current_bandwidth_bytes": {("Ethernet",): 125_000_000},
        "windows_net_nic_operation_status": {("Ethernet", "up"): 1, ("Ethernet", "down"): 0},
        "windows_system_boot_time_timestamp": {(): 1000},
        "windows_system_context_switches_total": {(): 11},
        "windows_system_system_calls_total": {(): 13},
        "windows_system_processes": {(): len(psutil.pids())},
        "windows_os_info": {("Windows 11 Professional", "10.0.22631", "10", "0", "22631"): 1},
        "windows_os_hostname": {("box", "corp.example", "box.corp.example"): 1},
    }


@pytest.mark.usefixtures("answers")
def test_macos_has_the_names_of_node_exporter_there() -> None:
    found = told("darwin")
    assert {name: values[()] for name, values in found.items() if name.startswith("node_memory_")} == {
        "node_memory_total_bytes": 100,
        "node_memory_free_bytes": 30,
        "node_memory_active_bytes": 20,
        "node_memory_inactive_bytes": 10,
        "node_memory_wired_bytes": 15,
        "node_memory_swap_total_bytes": 50,
        "node_memory_swap_used_bytes": 5,
        "node_memory_swapped_in_bytes_total": 7,
        "node_memory_swapped_out_bytes_total": 8,
    }
    assert found["node_cpu_seconds_total"]["0", "system"] == 2
    assert found["node_disk_read_time_seconds_total"] == {("PhysicalDrive0",): 5}
    assert found["node_network_receive_bytes_total"]["Ethernet",] == 1
    assert found["node_network_speed_bytes"]["Ethernet",] == 125_000_000
    assert (found["node_boot_time_seconds"], found["node_intr_total"]) == ({(): 1000}, {(): 12})
    assert [found[f"node_load{minutes}"][()] for minutes in (1, 5, 15)] == [1, 5, 15]
    assert found["node_filesystem_size_bytes"]["C:\\", "NTFS", "C:\\"] == 1000
    assert found["node_os_version"] == {("", "", "macOS"): 14.5}


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_page_of_another_system_is_one_that_can_be_read(platform: str) -> None:
    prefix = "windows_exporter" if platform == "win32" else "node_scrape"
    page = parse(page_of(HostPage(collectors_for(platform), prefix).families()))
    success = [each for each in page.samples if each.labels.metric_name == f"{prefix}_collector_success"]
    assert {each.labels.get("collector") for each in success} == set(collectors_for(platform))
    assert all(each.value == 1 for each in success)
