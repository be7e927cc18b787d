"""This machine's figures on Windows, as far as psutil has them, under windows_exporter's names.

A network interface is named as people see it, where windows_exporter has the name of its driver.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Iterator
from typing import Any

import psutil

from dashboard.scrape.host.families import Family, counter, gauge, info, lone_counter, lone_gauge
from dashboard.scrape.host.volumes import Volumes

_MILLISECOND = 1 / 1000
_MEGABIT = 1_000_000 / 8
_PHYSICAL_DRIVE = "PhysicalDrive"

_MODES = {"idle": "idle", "user": "user", "system": "privileged", "interrupt": "interrupt", "dpc": "dpc"}

_DISK = (
    ("read_count", "reads_total", "The number of read operations on the disk.", 1),
    ("read_bytes", "read_bytes_total", "The number of bytes read from the disk.", 1),
    ("read_time", "read_seconds_total", "Seconds that the disk was busy with reads.", _MILLISECOND),
    ("write_count", "writes_total", "The number of write operations on the disk.", 1),
    ("write_bytes", "write_bytes_total", "The number of bytes written to the disk.", 1),
    ("write_time", "write_seconds_total", "Seconds that the disk was busy with writes.", _MILLISECOND),
)

_TRAFFIC = (
    ("bytes_recv", "bytes_received_total", "Bytes received by the interface."),
    ("bytes_sent", "bytes_sent_total", "Bytes transmitted by the interface."),
    ("packets_recv", "packets_received_total", "Packets received by the interface."),
    ("packets_sent", "packets_sent_total", "Packets transmitted by the interface."),
    ("errin", "packets_received_errors_total", "Packets that could not be received due to errors."),
    ("errout", "packets_outbound_errors_total", "Packets that could not be transmitted due to errors."),
    ("dropin", "packets_received_discarded_total", "Inbound packets that were discarded without an error."),
    ("dropout", "packets_outbound_discarded_total", "Outbound packets that were discarded without an error."),
)


def cpu() -> Iterator[Family]:
    """Yield the seconds that each processor has spent in each mode; ``privileged`` counts ``interrupt`` and ``dpc``."""
    seconds = counter("windows_cpu_time_total", "Time that processor spent in different modes.", ("core", "mode"))
    processors = psutil.cpu_times(percpu=True)
    for number, times in enumerate(processors):
        for field, mode in _MODES.items():
            # Windows numbers processors within a group, of which all but the largest machines have one.
            seconds.add(getattr(times, field), f"0,{number}", mode)
    yield seconds
    yield lone_gauge("windows_cpu_logical_processor", "Number of logical processors.", len(processors))


def memory() -> Iterator[Family]:
    """Yield how much physical memory there is, and how much of it can be had at once."""
    told = psutil.virtual_memory()
    yield lone_gauge("windows_memory_physical_total_bytes", "Actual physical memory, in bytes.", told.total)
    yield lone_gauge(
        "windows_memory_physical_free_bytes", "Physical memory that can be reused at once.", told.available
    )
    yield lone_gauge("windows_memory_available_bytes", "Physical memory available for allocation.", told.available)


def page_file() -> Iterator[Family]:
    """Yield the size of the page files together."""
    told = psutil.swap_memory()
    yield lone_gauge("windows_pagefile_limit_bytes", "Number of bytes that can be stored in page files.", told.total)
    yield lone_gauge("windows_pagefile_free_bytes", "Number of bytes that are free in page files.", told.free)


class LogicalDiskCollector:
    """Asks for the volumes at each collection."""

    def __init__(self, volumes: Volumes | None = None) -> None:
        self._volumes = volumes or Volumes(everything=False)

    def __call__(self) -> Iterator[Family]:
        """Yield the figures of each volume that holds files and answers; an empty drive has none.

        Raises:
            TimeoutError: the system has never told yet which there are.
        """
        size = _volume_family("size_bytes", "Total space in bytes.")
        free = _volume_family("free_bytes", "Free space in bytes.")
        readonly = _volume_family("readonly", "Whether the logical disk is read-only.")
        about = gauge("windows_logical_disk_info", "What kind of disk a volume is.", ("volume", "type", "filesystem"))
        for volume, told in self._volumes.ask(psutil.disk_usage, lambda each: bool(each.fstype)):
            name, options = volume.mountpoint.rstrip("\\"), volume.opts.split(",")
            about.add(1, name, next((each for each in options if each not in ("ro", "rw")), ""), volume.fstype)
            readonly.add("ro" in options, name)
            if told is not None:
                size.add(told.total, name)
                free.add(told.free, name)
        yield from (size, free, readonly, about)


def _volume_family(name: str, text: str) -> Family:
    return gauge(f"windows_logical_disk_{name}", text, ("volume",))


def physical_disk() -> Iterator[Family]:
    """Yield what each disk has read and written, by its number."""
    disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    for field, name, text, factor in _DISK:
        family = counter(f"windows_physical_disk_{name}", text, ("disk",))
        for disk, told in disks.items():
            family.add(getattr(told, field) * factor, disk.removeprefix(_PHYSICAL_DRIVE))
        yield family


def network() -> Iterator[Family]:
    """Yield what each interface has carried, how fast it is, and whether it is up."""
    interfaces = _real(psutil.net_io_counters(pernic=True, nowrap=False))
    for field, name, text in _TRAFFIC:
        family = counter(f"windows_net_{name}", text, ("nic",))
        for nic, told in interfaces.items():
            family.add(getattr(told, field), nic)
        yield family
    bandwidth = gauge("windows_net_current_bandwidth_bytes", "Bandwidth in bytes a second.", ("nic",))
    status = gauge("windows_net_nic_operation_status", "The state of the interface.", ("nic", "status"))
    for nic, told in _real(psutil.net_if_stats()).items():
        bandwidth.add(told.speed * _MEGABIT, nic)
        for name, is_it in (("up", told.isup), ("down", not told.isup)):
            status.add(is_it, nic, name)
    yield from (bandwidth, status)


def _real(interfaces: dict[str, Any]) -> dict[str, Any]:
    # What does not leave the machine is no interface to Windows's own counters.
    return {nic: told for nic, told in interfaces.items() if not nic.startswith("Loopback")}


def system() -> Iterator[Family]:
    """Yield what the system has counted since its start."""
    told = psutil.cpu_stats()
    yield lone_gauge("windows_system_boot_time_timestamp", "Unix timestamp of system boot time.", psutil.boot_time())
    yield lone_counter("windows_system_context_switches_total", "Number of context switches.", told.ctx_switches)
    yield lone_counter("windows_system_system_calls_total", "Number of system calls.", told.syscalls)
    yield lone_gauge("windows_system_processes", "Current number of processes.", len(psutil.pids()))


def operating_system() -> Iterator[Family]:
    """Yield which version of Windows this is, and what the machine is called."""
    release, version, *_ = platform.win32_ver()
    major, minor, build = (*version.split("."), "", "", "")[:3]
    edition = platform.win32_edition() or ""
    labels = {
        "product": f"Windows {release} {edition}".strip(),
        "version": version,
        "major_version": major,
        "minor_version": minor,
        "build_number": build,
    }
    yield info("windows_os_info", "The version of Windows.", labels)
    # Asking the network for the domain may hang; Windows keeps it for whoever is logged on.
    name, domain = socket.gethostname(), os.environ.get("USERDNSDOMAIN", "").lower()
    names = {"hostname": name, "domain": domain, "fqdn": f"{name}.{domain}" if domain else name}
    yield info("windows_os_hostname", "What the machine is called.", names)


def clock() -> Iterator[Family]:
    """Yield the time now."""
    yield lone_gauge("windows_time_current_timestamp_seconds", "System time in seconds since 1970.", time.time())
