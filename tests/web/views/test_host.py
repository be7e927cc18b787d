"""The host strip."""

import numpy as np

from dashboard.model.labels import Labels
from dashboard.web import Parts
from dashboard.web.views.host import Gauge, ask_host

OWN = Labels.of({"job": "host", "instance": 'box"1'})
STEP = 5000


def store(parts: Parts, name: str, start: float, growth: float = 0.0, own: Labels = OWN, **labels: str) -> None:
    """Store two minutes of a series of the host, growing by ``growth`` a second."""
    series = np.array([parts.storage.series_id(own.merged({"__name__": name, **labels}))], dtype=np.int64)
    appender = parts.storage.appender()
    now = parts.clock()
    for at in range(now - 120_000, now + 1, STEP):
        appender.append(at, series, np.array([start + growth * (at - now + 120_000) / 1000]))


def gauges(parts: Parts) -> dict[str, Gauge]:
    parts.storage.flush()
    return {gauge.id: gauge for gauge in ask_host(parts.engine, OWN, STEP, parts.clock())}


def test_the_processor_is_busy_with_all_but_idling_and_waiting(parts: Parts) -> None:
    for cpu in ("0", "1"):
        for mode, share in (("user", 0.2), ("system", 0.1), ("iowait", 0.3), ("idle", 0.4)):
            store(parts, "node_cpu_seconds_total", 0.0, share, cpu=cpu, mode=mode)
    gauge = gauges(parts)["cpu"]
    assert (gauge.value, gauge.detail, gauge.fill, gauge.level) == ("30 %", "2 cores", "30.0", "ok")


def test_memory_and_the_fullest_disk_are_judged(parts: Parts) -> None:
    store(parts, "node_memory_MemTotal_bytes", 2**34)
    store(parts, "node_memory_MemAvailable_bytes", 2**34 * 0.15)
    for point, kind, free in (("/", "ext4", 50.0), ("/data", "xfs", 5.0), ("/snap", "squashfs", 0.0)):
        store(parts, "node_filesystem_size_bytes", 100.0, mountpoint=point, fstype=kind)
        store(parts, "node_filesystem_avail_bytes", free, mountpoint=point, fstype=kind)
    found = gauges(parts)
    memory, disk = found["memory"], found["disk"]
    assert (memory.value, memory.detail, memory.level) == ("85 %", "of 16 GiB", "warn")
    assert (disk.value, disk.detail, disk.level) == ("95 %", "/data", "bad")


def test_the_network_counts_no_loopback_and_graphics_cards_raise_no_alarm(parts: Parts) -> None:
    for device, rate in (("eth0", 2048.0), ("lo", 1e6)):
        store(parts, "node_network_receive_bytes_total", 0.0, rate, device=device)
        store(parts, "node_network_transmit_bytes_total", 0.0, rate / 2, device=device)
    for figure, value in (("GPU_UTIL", 99.0), ("FB_USED", 2048.0), ("GPU_TEMP", 41.0)):
        store(parts, f"DCGM_FI_DEV_{figure}", value, gpu="0", UUID="0", modelName="Card")
    found = gauges(parts)
    assert (found["network"].value, found["network"].detail, found["network"].fill) == ("↓ 2 KiB/s", "↑ 1 KiB/s", "")
    gpu = found["gpu-0"]
    assert (gpu.name, gpu.value, gpu.level, gpu.url) == ("GPU 0", "99 %", "ok", "/gpu")
    assert gpu.detail == "2 GiB · 41 °C · Card"


def test_another_machines_figures_are_not_ours(parts: Parts) -> None:
    store(parts, "node_memory_MemTotal_bytes", 2**34, own=Labels.of({"job": "host", "instance": "other"}))
    store(parts, "node_memory_MemAvailable_bytes", 2**30, own=Labels.of({"job": "host", "instance": "other"}))
    assert gauges(parts) == {}


def test_windows_names_give_the_same_strip(parts: Parts) -> None:
    for core in ("0,0", "0,1"):
        for mode, share in (("idle", 0.7), ("user", 0.2), ("privileged", 0.1), ("interrupt", 0.05)):
            store(parts, "windows_cpu_time_total", 0.0, share, core=core, mode=mode)
    store(parts, "windows_memory_physical_total_bytes", 2**34)
    store(parts, "windows_memory_physical_free_bytes", 2**34 * 0.15)
    for volume, free in (("C:", 50.0), ("D:", 5.0)):
        store(parts, "windows_logical_disk_size_bytes", 100.0, volume=volume)
        store(parts, "windows_logical_disk_free_bytes", free, volume=volume)
    store(parts, "windows_net_bytes_received_total", 0.0, 2048.0, nic="Ethernet")
    store(parts, "windows_net_bytes_sent_total", 0.0, 1024.0, nic="Ethernet")
    told = {key: (gauge.value, gauge.detail) for key, gauge in gauges(parts).items()}
    assert told == {
        "cpu": ("30 %", "2 cores"),
        "memory": ("85 %", "of 16 GiB"),
        "disk": ("95 %", "D:"),
        "network": ("↓ 2 KiB/s", "↑ 1 KiB/s"),
    }


def test_the_memory_of_macos_is_told_by_what_is_free_and_inactive(parts: Parts) -> None:
    for name, share in (("total", 1.0), ("free", 0.1), ("inactive", 0.3)):
        store(parts, f"node_memory_{name}_bytes", 2**34 * share)
    assert (gauges(parts)["memory"].value, gauges(parts)["memory"].detail) == ("60 %", "of 16 GiB")
