"""Size and free space of the file systems, under node_exporter's names.

The system may take minutes to answer for a network drive whose server is gone, or for ever: such a file system is left
out, and the others are told all the same.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import psutil
from prometheus_client.core import GaugeMetricFamily, Metric

from dashboard.scrape.patience import Patience

log = logging.getLogger(__name__)

_ON_LINUX = sys.platform == "linux"
_LABELS = ("device", "fstype", "mountpoint")
_PATIENCE_SECONDS = 1.0

# What node_exporter leaves out by default (collector/filesystem_linux.go).
_IGNORED_MOUNTS = re.compile(
    r"/(?:dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)(?:$|/.*)", re.DOTALL
)
_IGNORED_TYPES = frozenset(
    (
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "erofs",
        "fusectl",
        "hugetlbfs",
        "iso9660",
        "mqueue",
        "nsfs",
        "overlay",
        "proc",
        "procfs",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "squashfs",
        "sysfs",
        "tracefs",
    )
)


class FilesystemCollector:
    """Asks for the file systems at each collection, and waits ``patience`` seconds for each answer."""

    def __init__(self, patience: float = _PATIENCE_SECONDS) -> None:
        self._seconds = patience
        self._patience = Patience()
        self._partitions: Sequence[Any] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of each file system that holds files; one that cannot be asked is left out.

        Raises:
            TimeoutError: the system has never told yet which there are.
        """
        size = GaugeMetricFamily("node_filesystem_size_bytes", "Filesystem size in bytes.", labels=_LABELS)
        free = GaugeMetricFamily("node_filesystem_free_bytes", "Filesystem free space in bytes.", labels=_LABELS)
        available = GaugeMetricFamily(
            "node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.", labels=_LABELS
        )
        for partition in self._listed():
            usage = self._usage(partition.mountpoint)
            if usage is not None:
                values = tuple(map(_printable, (partition.device, partition.fstype, partition.mountpoint)))
                size.add_metric(values, usage.total)
                free.add_metric(values, usage.total - usage.used)
                available.add_metric(values, usage.free)
        yield from (size, free, available)

    def _listed(self) -> list[Any]:
        """Return the file systems that hold files, each once."""
        try:
            self._patience.ask("the list of file systems", self._list, self._seconds)
        except TimeoutError:
            # Windows asks each drive for its name: until the dead one has timed out, the last list serves.
            if self._partitions is None:
                raise
        found = {(each.device, each.fstype, each.mountpoint): each for each in self._partitions or ()}
        return [each for each in found.values() if _holds_files(each)]

    def _list(self) -> None:
        self._partitions = psutil.disk_partitions(all=_ON_LINUX)

    def _usage(self, mountpoint: str) -> Any:
        try:
            return self._patience.ask(mountpoint, lambda: psutil.disk_usage(mountpoint), self._seconds)
        except OSError as error:
            log.debug("the file system at %s cannot be asked: %s", mountpoint, error)
            return None


def _holds_files(partition: Any) -> bool:
    return partition.fstype not in _IGNORED_TYPES and not _IGNORED_MOUNTS.fullmatch(partition.mountpoint)


def _printable(name: str) -> str:
    """Return a name without the signs that stand for bytes outside UTF-8: no page could hold them."""
    return name.encode("utf-8", "replace").decode("utf-8")


FILESYSTEM_COLLECTOR = FilesystemCollector()
"""The collector of this machine's file systems."""
