"""What the CPUs do, under node_exporter's names."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from dashboard.scrape.host.families import Family, counter

_GUESTS = {"guest": "user", "guest_nice": "nice"}


def cpu() -> Iterator[Family]:
    """Yield the seconds that each CPU has spent in each mode.

    The kernel counts the time of guests within ``user`` and ``nice`` already; it is told again in a family of its own.
    """
    seconds = counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", ("cpu", "mode"))
    guests = counter("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs).", ("cpu", "mode"))
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        for mode, value in times._asdict().items():
            if mode in _GUESTS:
                guests.add(value, str(number), _GUESTS[mode])
            else:
                seconds.add(value, str(number), mode)
    yield from (seconds, guests)
