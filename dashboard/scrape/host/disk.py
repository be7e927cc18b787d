"""What disks have read and written, under node_exporter's names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from dashboard.scrape.host.families import Family, counter, gauge

_DISKSTATS = Path("/proc/diskstats")
_SECTOR = 512
_MILLISECOND = 1 / 1000

IGNORED_DISKS = r"(?:z?ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+"
"""What node_exporter leaves out by default (collector/diskstats_linux.go)."""

_IGNORED = re.compile(IGNORED_DISKS)

# The columns of the kernel's file behind the device's name (Documentation/admin-guide/iostats.rst): older kernels have
# fewer of them.
_COLUMNS = (
    (counter, "reads_completed_total", "Reads completed successfully.", 1),
    (counter, "reads_merged_total", "Reads merged.", 1),
    (counter, "read_bytes_total", "Bytes read successfully.", _SECTOR),
    (counter, "read_time_seconds_total", "Seconds spent by all reads.", _MILLISECOND),
    (counter, "writes_completed_total", "Writes completed successfully.", 1),
    (counter, "writes_merged_total", "Writes merged.", 1),
    (counter, "written_bytes_total", "Bytes written successfully.", _SECTOR),
    (counter, "write_time_seconds_total", "Seconds spent by all writes.", _MILLISECOND),
    (gauge, "io_now", "Reads and writes in progress.", 1),
    (counter, "io_time_seconds_total", "Seconds spent doing I/O.", _MILLISECOND),
    (counter, "io_time_weighted_seconds_total", "Seconds spent doing I/O, weighted by its amount.", _MILLISECOND),
    (counter, "discards_completed_total", "Discards completed successfully.", 1),
    (counter, "discards_merged_total", "Discards merged.", 1),
    (counter, "discarded_sectors_total", "Sectors discarded successfully.", 1),
    (counter, "discard_time_seconds_total", "Seconds spent by all discards.", _MILLISECOND),
    (counter, "flush_requests_total", "Flush requests completed successfully.", 1),
    (counter, "flush_requests_time_seconds_total", "Seconds spent by all flush requests.", _MILLISECOND),
)

_PSUTIL = (
    ("read_count", "reads_completed_total", "Reads completed successfully.", 1),
    ("read_bytes", "read_bytes_total", "Bytes read successfully.", 1),
    ("read_time", "read_time_seconds_total", "Seconds spent by all reads.", _MILLISECOND),
    ("write_count", "writes_completed_total", "Writes completed successfully.", 1),
    ("write_bytes", "written_bytes_total", "Bytes written successfully.", 1),
    ("write_time", "write_time_seconds_total", "Seconds spent by all writes.", _MILLISECOND),
)


def linux_disks(file: Path = _DISKSTATS) -> Iterator[Family]:
    """Yield what the kernel tells of each disk; partitions and disks in memory are none."""
    families = [make(f"node_disk_{name}", text, ("device",)) for make, name, text, _ in _COLUMNS]
    for line in file.read_text(encoding="ascii").splitlines():
        _, _, device, *numbers = line.split()
        if _IGNORED.fullmatch(device):
            continue
        # A newer kernel may know more columns than we.
        for family, (*_, factor), amount in zip(families, _COLUMNS, numbers, strict=False):
            family.add(int(amount) * factor, device)
    yield from families


def other_disks() -> Iterator[Family]:
    """Yield what psutil tells of each disk."""
    disks = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    for field, name, text, factor in _PSUTIL:
        family = counter(f"node_disk_{name}", text, ("device",))
        for device, told in disks.items():
            family.add(getattr(told, field) * factor, device)
        yield family
