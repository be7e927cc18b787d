"""Memory and swap space, under node_exporter's names for Linux and for macOS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from dashboard.scrape.host.families import Family, lone_counter, lone_gauge

_MEMINFO = Path("/proc/meminfo")
_KIBIBYTE = 1024


def linux_memory(file: Path = _MEMINFO) -> Iterator[Family]:
    """Yield every field that the kernel tells."""
    for line in file.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        amount, _, unit = rest.strip().partition(" ")
        key = name.replace("(", "_").replace(")", "")
        if unit == "kB":
            yield _field(f"{key}_bytes", float(amount) * _KIBIBYTE)
        else:
            yield _field(key, float(amount))


def mac_memory() -> Iterator[Family]:
    """Yield the figures that psutil knows elsewhere, named as on macOS."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    yield _field("total_bytes", memory.total)
    for name in ("free", "active", "inactive", "wired"):
        if hasattr(memory, name):
            yield _field(f"{name}_bytes", getattr(memory, name))
    yield _field("swap_total_bytes", swap.total)
    yield _field("swap_used_bytes", swap.used)
    for name, value in (("swapped_in_bytes_total", swap.sin), ("swapped_out_bytes_total", swap.sout)):
        yield lone_counter(f"node_memory_{name}", f"Memory information field {name}.", value)


def _field(name: str, value: float) -> Family:
    return lone_gauge(f"node_memory_{name}", f"Memory information field {name}.", value)
