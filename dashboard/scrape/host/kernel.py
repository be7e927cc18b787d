"""What the kernel counts and how busy it is, under node_exporter's names."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from dashboard.scrape.host.families import Family, gauge, lone_counter, lone_gauge

_STAT = Path("/proc/stat")
_FILE_NR = Path("/proc/sys/fs/file-nr")

_STATS = {
    "intr": (lone_counter, "node_intr_total", "Total number of interrupts serviced."),
    "ctxt": (lone_counter, "node_context_switches_total", "Total number of context switches."),
    "processes": (lone_counter, "node_forks_total", "Total number of forks."),
    "btime": (lone_gauge, "node_boot_time_seconds", "Time of the last start, in seconds since 1970."),
    "procs_running": (lone_gauge, "node_procs_running", "Number of processes in runnable state."),
    "procs_blocked": (lone_gauge, "node_procs_blocked", "Number of processes that wait for I/O to complete."),
}


def linux_stat(file: Path = _STAT) -> Iterator[Family]:
    """Yield what the kernel has counted since its start."""
    for line in file.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(" ")
        if name in _STATS:
            make, metric, text = _STATS[name]
            yield make(metric, text, int(rest.split(" ", 1)[0]))


def other_stat() -> Iterator[Family]:
    """Yield what psutil knows of that elsewhere."""
    told = psutil.cpu_stats()
    for name, value in (("intr", told.interrupts), ("ctxt", told.ctx_switches), ("btime", psutil.boot_time())):
        make, metric, text = _STATS[name]
        yield make(metric, text, value)


def open_files(file: Path = _FILE_NR) -> Iterator[Family]:
    """Yield how many file descriptors all processes together have, and may have."""
    allocated, _, most = file.read_text(encoding="ascii").split()
    yield lone_gauge("node_filefd_allocated", "File descriptor statistics: allocated.", int(allocated))
    yield lone_gauge("node_filefd_maximum", "File descriptor statistics: maximum.", int(most))


def load() -> Iterator[Family]:
    """Yield the load averages."""
    for minutes, value in zip((1, 5, 15), os.getloadavg(), strict=True):
        yield lone_gauge(f"node_load{minutes}", f"{minutes}m load average.", value)


def clock() -> Iterator[Family]:
    """Yield the time now, and how far the clock on the wall is ahead of UTC."""
    yield lone_gauge("node_time_seconds", "System time in seconds since epoch (1970).", time.time())
    here = time.localtime()
    offset = gauge("node_time_zone_offset_seconds", "Offset of the system's time zone in seconds.", ("time_zone",))
    offset.add(here.tm_gmtoff, here.tm_zone)
    yield offset
