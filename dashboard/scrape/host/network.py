"""What network devices are and what they have carried, under node_exporter's names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from dashboard.scrape.host.families import Family, counter, gauge

_TRAFFIC = Path("/proc/net/dev")
_DEVICES = Path("/sys/class/net")
_MEGABIT = 1_000_000 / 8
_DEVICE = ("device",)

# The columns of the kernel's file (net/core/net-procfs.c).
_COLUMNS = (
    *(f"receive_{name}" for name in ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")),
    *(f"transmit_{name}" for name in ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")),
)

_PSUTIL = {
    "bytes_recv": "receive_bytes",
    "bytes_sent": "transmit_bytes",
    "packets_recv": "receive_packets",
    "packets_sent": "transmit_packets",
    "errin": "receive_errs",
    "errout": "transmit_errs",
    "dropin": "receive_drop",
    "dropout": "transmit_drop",
}

_INFO = ("device", "address", "broadcast", "duplex", "operstate", "ifalias")


def linux_traffic(file: Path = _TRAFFIC) -> Iterator[Family]:
    """Yield all that the kernel counts for each device."""
    families = [_traffic(name) for name in _COLUMNS]
    for line in file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()[2:]:
        device, _, numbers = line.rpartition(":")
        for family, amount in zip(families, numbers.split(), strict=True):
            family.add(int(amount), device.strip())
    yield from families


def other_traffic() -> Iterator[Family]:
    """Yield what psutil counts for each device."""
    devices = psutil.net_io_counters(pernic=True, nowrap=False)
    for field, name in _PSUTIL.items():
        family = _traffic(name)
        for device, told in devices.items():
            family.add(getattr(told, field), device)
        yield family


def _traffic(name: str) -> Family:
    return counter(f"node_network_{name}_total", f"Network device statistic {name}.", _DEVICE)


def linux_devices(folder: Path = _DEVICES) -> Iterator[Family]:
    """Yield what each device is; what it does not tell, such as the speed of one that is down, is left out."""
    up, mtu, speed = _states()
    carrier = _state("carrier", "1 when a device has a carrier.")
    queue = _state("transmit_queue_length", "Longest transmit queue of a device.")
    changes = counter("node_network_carrier_changes_total", "How often a device's carrier has changed.", _DEVICE)
    about = _state("info", "Non-numeric facts about a device, the value is always 1.", _INFO)
    files = ((mtu, "mtu"), (carrier, "carrier"), (queue, "tx_queue_len"), (changes, "carrier_changes"))
    for device in sorted(path for path in folder.iterdir() if path.is_dir()):
        state = _told(device, "operstate")
        up.add(state == "up", device.name)
        for family, file in files:
            _add_number(family, device, file)
        _add_speed(speed, device)
        about.add(1, device.name, *(_told(device, name) for name in _INFO[1:]))
    yield from (up, mtu, speed, carrier, queue, changes, about)


def other_devices() -> Iterator[Family]:
    """Yield what psutil knows of each device."""
    up, mtu, speed = _states()
    for device, told in psutil.net_if_stats().items():
        up.add(told.isup, device)
        mtu.add(told.mtu, device)
        if told.speed > 0:
            speed.add(told.speed * _MEGABIT, device)
    yield from (up, mtu, speed)


def _states() -> tuple[Family, Family, Family]:
    return (
        _state("up", "1 when a device is up, 0 otherwise."),
        _state("mtu_bytes", "Largest packet of a device."),
        _state("speed_bytes", "Speed of a device in bytes a second."),
    )


def _state(name: str, text: str, labels: tuple[str, ...] = _DEVICE) -> Family:
    return gauge(f"node_network_{name}", text, labels)


def _add_number(family: Family, device: Path, file: str) -> None:
    text = _told(device, file)
    if text:
        family.add(int(text), device.name)


def _add_speed(family: Family, device: Path) -> None:
    # A virtual device says -1, which is no speed.
    text = _told(device, "speed")
    if text and int(text) > 0:
        family.add(int(text) * _MEGABIT, device.name)


def _told(device: Path, file: str) -> str:
    try:
        return (device / file).read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return ""
