"""Size and free space of the file systems, under node_exporter's names."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from dashboard.scrape.host.families import Family, gauge
from dashboard.scrape.host.volumes import Volumes

_LABELS = ("device", "fstype", "mountpoint")

IGNORED_MOUNTS = r"/(?:dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)(?:$|/.*)"
"""What node_exporter leaves out by default (collector/filesystem_linux.go)."""

IGNORED_TYPES = frozenset(
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
"""The types that it leaves out."""

_IGNORED = re.compile(IGNORED_MOUNTS, re.DOTALL)


class FilesystemCollector:
    """Asks for the file systems at each collection."""

    def __init__(self, volumes: Volumes | None = None) -> None:
        self._volumes = volumes or Volumes(everything=sys.platform == "linux")

    def __call__(self) -> Iterator[Family]:
        """Yield the figures of each file system that holds files; of one that cannot be asked, only that it failed.

        Raises:
            TimeoutError: the system has never told yet which there are.
        """
        size = _family("size_bytes", "Filesystem size in bytes.")
        free = _family("free_bytes", "Filesystem free space in bytes.")
        available = _family("avail_bytes", "Filesystem space available to non-root users in bytes.")
        files = _family("files", "Filesystem total file nodes.")
        files_free = _family("files_free", "Filesystem total free file nodes.")
        readonly = _family("readonly", "Filesystem read-only status.")
        failed = _family("device_error", "Whether an error occurred while getting statistics for the given device.")
        for volume, told in self._volumes.ask(os.statvfs, _holds_files):
            labels = (volume.device, volume.fstype, volume.mountpoint)
            failed.add(told is None, *labels)
            if told is None:
                continue
            readonly.add("ro" in volume.opts.split(","), *labels)
            size.add(told.f_blocks * told.f_frsize, *labels)
            free.add(told.f_bfree * told.f_frsize, *labels)
            available.add(told.f_bavail * told.f_frsize, *labels)
            files.add(told.f_files, *labels)
            files_free.add(told.f_ffree, *labels)
        yield from (size, free, available, files, files_free, readonly, failed)


def _family(name: str, text: str) -> Family:
    return gauge(f"node_filesystem_{name}", text, _LABELS)


def _holds_files(volume: Any) -> bool:
    return volume.fstype not in IGNORED_TYPES and not _IGNORED.fullmatch(volume.mountpoint)
