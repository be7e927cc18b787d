"""What the CPUs do, under node_exporter's names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from dashboard.scrape.host.families import Family, counter

_STAT = Path("/proc/stat")

# The columns of the kernel's file (proc_stat(5)); the last two are counted within user and nice already.
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_GUESTS = ("user", "nice")


def linux_cpu(file: Path = _STAT) -> Iterator[Family]:
    """Yield the seconds of each CPU in each mode, and those of guests once more; a CPU that is off is not told."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds, guests = _seconds(), counter("node_cpu_guest_seconds_total", "Seconds spent in guests.", ("cpu", "mode"))
    for line in file.read_text(encoding="ascii").splitlines():
        name, *spent = line.split()
        number = name.removeprefix("cpu")
        if number.isdigit():
            for mode, amount in zip(_MODES, spent, strict=False):
                seconds.add(int(amount) / ticks, number, mode)
            for mode, amount in zip(_GUESTS, spent[len(_MODES) :], strict=False):
                guests.add(int(amount) / ticks, number, mode)
    yield from (seconds, guests)


def other_cpu() -> Iterator[Family]:
    """Yield the seconds that psutil tells of each CPU and mode."""
    seconds = _seconds()
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        for mode, value in times._asdict().items():
            seconds.add(value, str(number), mode)
    yield seconds


def _seconds() -> Family:
    return counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", ("cpu", "mode"))
