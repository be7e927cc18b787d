"""This machine's own figures: the page ``/host/metrics``.

Names are node_exporter's on Linux and macOS and windows_exporter's on Windows; a family is told only where the system
tells it. A new collector is a function that yields families, entered once below. One that fails loses its own figures,
no others, and the page says so.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from dashboard.scrape.host import cpu, disk, identity, kernel, memory, network, sensors, windows
from dashboard.scrape.host.families import Family, gauge, page_of
from dashboard.scrape.host.filesystem import FilesystemCollector
from dashboard.scrape.host.gpu import GPU_COLLECTOR
from dashboard.scrape.host.processes import ProcessCollector

log = logging.getLogger(__name__)

Collector = Callable[[], Iterator[Family]]


def collectors_for(platform: str) -> dict[str, Collector]:
    """Return the collectors of a system (``sys.platform``), by the names that node_exporter gives them."""
    everywhere: dict[str, Collector] = {"process": ProcessCollector(), "gpu": GPU_COLLECTOR, "build": identity.build}
    if platform == "win32":
        return {**_windows(), **everywhere}
    shared: dict[str, Collector] = {
        "filesystem": FilesystemCollector(),
        "loadavg": kernel.load,
        "time": kernel.clock,
        "uname": identity.uname,
    }
    return {**shared, **(_linux() if platform == "linux" else _other()), **everywhere}


def _linux() -> dict[str, Collector]:
    return {
        "cpu": cpu.linux_cpu,
        "meminfo": memory.linux_memory,
        "diskstats": disk.linux_disks,
        "netdev": network.linux_traffic,
        "netclass": network.linux_devices,
        "stat": kernel.linux_stat,
        "filefd": kernel.open_files,
        "os": identity.linux_release,
        "hwmon": sensors.temperatures,
    }


def _other() -> dict[str, Collector]:
    return {
        "cpu": cpu.other_cpu,
        "meminfo": memory.mac_memory,
        "diskstats": disk.other_disks,
        "netdev": network.other_traffic,
        "netclass": network.other_devices,
        "stat": kernel.other_stat,
        "os": identity.mac_release,
    }


def _windows() -> dict[str, Collector]:
    return {
        "cpu": windows.cpu,
        "memory": windows.memory,
        "pagefile": windows.page_file,
        "logical_disk": windows.LogicalDiskCollector(),
        "physical_disk": windows.physical_disk,
        "net": windows.network,
        "system": windows.system,
        "os": windows.operating_system,
        "time": windows.clock,
    }


class HostPage:
    """Runs the collectors, each on its own. ``prefix`` begins the names of what the page tells of them."""

    def __init__(self, collectors: Mapping[str, Collector], prefix: str = "node_scrape") -> None:
        self._collectors = collectors
        self._prefix = prefix
        self._failing: set[str] = set()
        self._lock = threading.Lock()

    def families(self) -> Iterator[Family]:
        """Yield every family, and of each collector whether it succeeded and how long it took."""
        success = gauge(f"{self._prefix}_collector_success", "Whether a collector succeeded.", ("collector",))
        duration = gauge(f"{self._prefix}_collector_duration_seconds", "Duration of a collector's run.", ("collector",))
        for name, run in self._collectors.items():
            begun = time.perf_counter()
            families = self._run(name, run)
            yield from families or ()
            success.add(families is not None, name)
            duration.add(time.perf_counter() - begun, name)
        yield from (success, duration)

    def _run(self, name: str, run: Collector) -> list[Family] | None:
        try:
            families = list(run())
        except Exception as error:  # noqa: BLE001 - systems differ in countless ways, and the others must go on.
            self._log_failure(name, error)
            return None
        self._failing.discard(name)
        return families

    def _log_failure(self, name: str, error: Exception) -> None:
        # A page that is read every five seconds would fill the log.
        with self._lock:
            known = name in self._failing
            self._failing.add(name)
        if not known:
            log.warning("the collector %s fails, and is not told until it works again", name, exc_info=error)


HOST = HostPage(collectors_for(sys.platform), "windows_exporter" if sys.platform == "win32" else "node_scrape")
"""The page of this machine."""


def host_page() -> bytes:
    """Return what ``/host/metrics`` shows, in the text format 0.0.4."""
    return page_of(HOST.families())
