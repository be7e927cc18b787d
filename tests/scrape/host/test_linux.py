"""The kernel's files become node_exporter's families: every column under its name and in its unit."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from dashboard.scrape.host import cpu, disk, identity, kernel, memory, network, sensors

from .told import rows


def written(folder: Path, text: str) -> Path:
    file = folder / "file"
    file.write_text(text, encoding="utf-8")
    return file


def test_each_field_of_the_memory_is_told_in_bytes_where_the_kernel_counts_kilobytes(tmp_path: Path) -> None:
    text = "MemTotal:       24684092 kB\nActive(anon):       1580 kB\nHugePages_Total:       3\n"
    assert rows(memory.linux_memory(written(tmp_path, text))) == {
        "node_memory_MemTotal_bytes": {(): 24684092 * 1024},
        "node_memory_Active_anon_bytes": {(): 1580 * 1024},
        "node_memory_HugePages_Total": {(): 3},
    }


@pytest.mark.skipif(sys.platform == "win32", reason="asks for the system's units")
def test_each_cpu_keeps_its_number_and_guests_are_told_once_more(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 200 300 400 500 600 700 800 900 1000\ncpu2 1 2 3 4\nintr 5\n"
    told = rows(cpu.linux_cpu(written(tmp_path, text)))
    modes = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    assert told["node_cpu_seconds_total"] == {
        **{("0", mode): place * 100 / ticks for place, mode in enumerate(modes, start=1)},
        **{("2", mode): place / ticks for place, mode in enumerate(modes[:4], start=1)},
    }
    assert told["node_cpu_guest_seconds_total"] == {("0", "user"): 900 / ticks, ("0", "nice"): 1000 / ticks}


DISKS = """\
   7       0 loop0 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9
 259       0 nvme0n1 11 12 13 14000 15 16 17 18000 19 20000 21000 22 23 24 25000 26 27000
 259       1 nvme0n1p1 9 9 9 9 9 9 9 9 9 9 9
   8       0 sda 1 2 3 4000 5 6 7 8000 9 10000 11000
   8       1 sda1 9 9 9 9 9 9 9 9 9 9 9
"""


def test_whole_disks_are_told_with_all_columns_that_the_kernel_has(tmp_path: Path) -> None:
    told = rows(disk.linux_disks(written(tmp_path, DISKS)))
    assert {name.removeprefix("node_disk_"): values["nvme0n1",] for name, values in told.items()} == {
        "reads_completed_total": 11,
        "reads_merged_total": 12,
        "read_bytes_total": 13 * 512,
        "read_time_seconds_total": 14,
        "writes_completed_total": 15,
        "writes_merged_total": 16,
        "written_bytes_total": 17 * 512,
        "write_time_seconds_total": 18,
        "io_now": 19,
        "io_time_seconds_total": 20,
        "io_time_weighted_seconds_total": 21,
        "discards_completed_total": 22,
        "discards_merged_total": 23,
        "discarded_sectors_total": 24,
        "discard_time_seconds_total": 25,
        "flush_requests_total": 26,
        "flush_requests_time_seconds_total": 27,
    }
    assert set(told["node_disk_io_now"]) == {("nvme0n1",), ("sda",)}
    assert set(told["node_disk_flush_requests_total"]) == {("nvme0n1",)}


TRAFFIC = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier zipped
    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
eth0:1:100 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
"""


def test_each_column_of_the_traffic_has_its_family(tmp_path: Path) -> None:
    told = rows(network.linux_traffic(written(tmp_path, TRAFFIC)))
    assert [values["lo",] for values in told.values()] == list(range(1, 17))
    assert told["node_network_receive_multicast_total"]["lo",] == 8
    assert told["node_network_transmit_carrier_total"]["lo",] == 15
    # An old alias has a colon in its name.
    assert told["node_network_receive_bytes_total"]["eth0:1",] == 100


def device(folder: Path, place: str, **files: str) -> None:
    (folder / place).mkdir()
    for file, text in files.items():
        (folder / place / file).write_text(f"{text}\n", encoding="utf-8")


def test_a_device_tells_what_it_is_and_leaves_out_what_it_does_not_know(tmp_path: Path) -> None:
    facts = {"address": "02:00", "broadcast": "ff:ff", "duplex": "full", "ifalias": ""}
    device(tmp_path, "eth0", operstate="up", mtu="1500", speed="1000", carrier="1", tx_queue_len="5", **facts)
    device(tmp_path, "virt", operstate="down", mtu="1400", speed="-1", carrier_changes="2")
    (tmp_path / "bonding_masters").write_text("", encoding="utf-8")
    told = rows(network.linux_devices(tmp_path))
    assert told == {
        "node_network_up": {("eth0",): 1, ("virt",): 0},
        "node_network_mtu_bytes": {("eth0",): 1500, ("virt",): 1400},
        "node_network_speed_bytes": {("eth0",): 125_000_000},
        "node_network_carrier": {("eth0",): 1},
        "node_network_transmit_queue_length": {("eth0",): 5},
        "node_network_carrier_changes_total": {("virt",): 2},
        "node_network_info": {
            ("eth0", "02:00", "ff:ff", "full", "up", ""): 1,
            ("virt", "", "", "", "down", ""): 1,
        },
    }


def test_the_kernels_counts_are_told_and_those_of_single_processors_are_not(tmp_path: Path) -> None:
    text = "cpu  1 2 3\ncpu0 1 2 3\nintr 12 1 2 3\nctxt 34\nbtime 56\nprocesses 78\nprocs_running 9\nprocs_blocked 1\n"
    assert rows(kernel.linux_stat(written(tmp_path, text))) == {
        "node_intr_total": {(): 12},
        "node_context_switches_total": {(): 34},
        "node_boot_time_seconds": {(): 56},
        "node_forks_total": {(): 78},
        "node_procs_running": {(): 9},
        "node_procs_blocked": {(): 1},
    }


def test_open_files_are_told_with_the_most_there_may_be(tmp_path: Path) -> None:
    assert rows(kernel.open_files(written(tmp_path, "691\t0\t2466177\n"))) == {
        "node_filefd_allocated": {(): 691},
        "node_filefd_maximum": {(): 2466177},
    }


def test_the_distribution_is_told_with_its_version_as_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    release = {"NAME": "Thing", "ID": "thing", "VERSION_ID": "22.04.3", "HOME_URL": "https://example.org"}
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: release)
    about, version = identity.linux_release()
    told = dict(zip(about.labels, about.rows[0][1], strict=True))
    assert {name: value for name, value in told.items() if value} == {
        "name": "Thing",
        "id": "thing",
        "version_id": "22.04.3",
    }
    assert version.rows == [(22.04, ("thing", "", "Thing"))]


def test_a_system_that_does_not_say_what_it_is_has_no_release(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> dict[str, str]:
        raise OSError("no os-release")

    monkeypatch.setattr("platform.freedesktop_os_release", missing)
    assert list(identity.linux_release()) == []


def test_temperatures_are_named_by_the_device_that_they_are_on(tmp_path: Path) -> None:
    place = tmp_path / "devices" / "platform" / "coretemp.0"
    place.mkdir(parents=True)
    folder = tmp_path / "hwmon"
    folder.mkdir()
    device(folder, "hwmon0", name="coretemp", temp1_input="45500", temp1_crit="100000", temp1_label="Package id 0")
    (folder / "hwmon0" / "device").symlink_to(place)
    device(folder, "hwmon1", name="acpitz", temp1_input="27800", temp1_max="90000", fan1_input="1200")
    # A sensor that cannot be read now.
    (folder / "hwmon1" / "temp2_input").mkdir()
    assert rows(sensors.temperatures(folder)) == {
        "node_hwmon_temp_celsius": {("platform_coretemp_0", "temp1"): 45.5, ("acpitz", "temp1"): 27.8},
        "node_hwmon_temp_crit_celsius": {("platform_coretemp_0", "temp1"): 100},
        "node_hwmon_temp_max_celsius": {("acpitz", "temp1"): 90},
        "node_hwmon_sensor_label": {("platform_coretemp_0", "temp1", "package_id_0"): 1},
        "node_hwmon_chip_names": {("platform_coretemp_0", "coretemp"): 1, ("acpitz", "acpitz"): 1},
    }


def test_a_machine_without_sensors_has_no_temperatures(tmp_path: Path) -> None:
    assert all(not values for values in rows(sensors.temperatures(tmp_path / "none")).values())
