"""This machine's own figures, under node_exporter's names: the page ``/host/metrics``.

A new collector is one function beside its sisters, entered in ``COLLECTORS``. One that fails loses its own figures,
no others, and ``node_scrape_collector_success`` says so.
"""

from __future__ import annotations

import functools
import logging
import os
import platform
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.scrape.filesystem import FILESYSTEM_COLLECTOR
from dashboard.scrape.gpu import GPU_COLLECTOR

log = logging.getLogger(__name__)

_MEMINFO = Path("/proc/meminfo")
_ON_LINUX = sys.platform == "linux"

# What node_exporter leaves out by default (collector/diskstats_linux.go).
_IGNORED_DISKS = re.compile(r"(?:z?ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+")


def cpu() -> Iterator[Metric]:
    """Yield the seconds each CPU has spent in each mode."""
    family = CounterMetricFamily(
        "node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", labels=("cpu", "mode")
    )
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        for mode, seconds in times._asdict().items():
            # The kernel counts the time of guests within user and nice already.
            if not mode.startswith("guest"):
                family.add_metric((str(number), mode), seconds)
    yield family


def memory() -> Iterator[Metric]:
    """Yield the memory figures: on Linux all that the kernel tells, elsewhere those that psutil knows."""
    for name, value in sorted((_linux_memory() if _MEMINFO.exists() else _other_memory()).items()):
        yield GaugeMetricFamily(f"node_memory_{name}", f"Memory information field {name}.", value=value)


def _linux_memory() -> dict[str, float]:
    found = {}
    for line in _MEMINFO.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        number, _, unit = rest.strip().partition(" ")
        key = name.replace("(", "_").replace(")", "")
        found[f"{key}_bytes" if unit == "kB" else key] = float(number) * (1024 if unit == "kB" else 1)
    return found


def _other_memory() -> dict[str, float]:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {
        "MemTotal_bytes": memory.total,
        "MemFree_bytes": memory.free,
        "MemAvailable_bytes": memory.available,
        "SwapTotal_bytes": swap.total,
        "SwapFree_bytes": swap.free,
    }


def disk() -> Iterator[Metric]:
    """Yield what each disk has read and written."""
    names = {
        "read_bytes": ("node_disk_read_bytes_total", "Bytes read.", 1),
        "write_bytes": ("node_disk_written_bytes_total", "Bytes written.", 1),
        "read_count": ("node_disk_reads_completed_total", "Reads completed.", 1),
        "write_count": ("node_disk_writes_completed_total", "Writes completed.", 1),
        "read_time": ("node_disk_read_time_seconds_total", "Seconds spent by all reads.", 1000),
        "write_time": ("node_disk_write_time_seconds_total", "Seconds spent by all writes.", 1000),
        "busy_time": ("node_disk_io_time_seconds_total", "Seconds spent doing I/O.", 1000),
    }
    disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    whole = {name: told for name, told in disks.items() if not (_ON_LINUX and _IGNORED_DISKS.fullmatch(name))}
    for field, (name, text, divisor) in names.items():
        family = CounterMetricFamily(name, text, labels=("device",))
        for device, told in whole.items():
            if hasattr(told, field):
                family.add_metric((device,), getattr(told, field) / divisor)
        yield family


def network() -> Iterator[Metric]:
    """Yield what each network device has received and sent."""
    fields = {
        "bytes_recv": "receive_bytes",
        "bytes_sent": "transmit_bytes",
        "packets_recv": "receive_packets",
        "packets_sent": "transmit_packets",
        "errin": "receive_errs",
        "errout": "transmit_errs",
        "dropin": "receive_drop",
        "dropout": "transmit_drop",
    }
    devices = psutil.net_io_counters(pernic=True, nowrap=False)
    for field, name in fields.items():
        family = CounterMetricFamily(
            f"node_network_{name}_total", f"Network device statistic {name}.", labels=("device",)
        )
        for device, told in devices.items():
            family.add_metric((device,), getattr(told, field))
        yield family


def load() -> Iterator[Metric]:
    """Yield the load averages, where the system keeps them."""
    if hasattr(os, "getloadavg"):
        for minutes, value in zip((1, 5, 15), os.getloadavg(), strict=True):
            yield GaugeMetricFamily(f"node_load{minutes}", f"{minutes}m load average.", value=value)


def clock() -> Iterator[Metric]:
    """Yield the time now and the time of the last start, in seconds since 1970."""
    yield GaugeMetricFamily("node_time_seconds", "System time in seconds since epoch (1970).", value=time.time())
    yield GaugeMetricFamily("node_boot_time_seconds", "Time of the last start.", value=psutil.boot_time())


def uname() -> Iterator[Metric]:
    """Yield what the system is called."""
    told = platform.uname()
    # Such systems as have no domain name say so as Linux does.
    host, _, domain = socket.gethostname().partition(".")
    labels = {
        "sysname": told.system,
        "release": told.release,
        "version": told.version,
        "machine": told.machine,
        "nodename": told.node or host,
        "domainname": domain or "(none)",
    }
    family = GaugeMetricFamily("node_uname_info", "Labeled system information.", labels=tuple(labels))
    family.add_metric(tuple(labels.values()), 1)
    yield family


COLLECTORS: dict[str, Callable[[], Iterator[Metric]]] = {
    "cpu": cpu,
    "meminfo": memory,
    "filesystem": FILESYSTEM_COLLECTOR.collect,
    "diskstats": disk,
    "netdev": network,
    "loadavg": load,
    "time": clock,
    "uname": uname,
    "gpu": GPU_COLLECTOR.collect,
}
"""Every collector of the page, by the name that node_exporter gives it."""


class HostCollector(Collector):
    """Runs the collectors, each on its own."""

    def __init__(self, collectors: dict[str, Callable[[], Iterator[Metric]]] | None = None) -> None:
        self._collectors = COLLECTORS if collectors is None else collectors

    def collect(self) -> Iterator[Metric]:
        """Yield every family, and of each collector whether it succeeded and how long it took."""
        success = GaugeMetricFamily(
            "node_scrape_collector_success", "Whether a collector succeeded.", labels=("collector",)
        )
        duration = GaugeMetricFamily(
            "node_scrape_collector_duration_seconds", "Duration of a collector's run.", labels=("collector",)
        )
        for name, run in self._collectors.items():
            begun = time.perf_counter()
            families = _run(name, run)
            yield from families or ()
            success.add_metric((name,), families is not None)
            duration.add_metric((name,), time.perf_counter() - begun)
        yield from (success, duration)


def _run(name: str, run: Callable[[], Iterator[Metric]]) -> list[Metric] | None:
    try:
        return list(run())
    except Exception:  # Systems differ in countless ways: the other collectors must go on.
        log.exception("the collector %s failed", name)
        return None


@functools.cache
def _registry() -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HostCollector())
    return registry


def host_page() -> bytes:
    """Return what ``/host/metrics`` shows, in the text format 0.0.4."""
    return generate_latest(_registry())
