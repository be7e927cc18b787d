"""Each file system that holds files is told, and one that does not answer keeps none of the others from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from dashboard.exposition.parser import parse
from dashboard.scrape.filesystem import FilesystemCollector

USAGE = SimpleNamespace(total=100, used=60, free=30)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that comes only when the test is over, for what hangs."""
    event = threading.Event()
    yield event
    event.set()


def partition(device: str, fstype: str, mountpoint: str) -> SimpleNamespace:
    return SimpleNamespace(device=device, fstype=fstype, mountpoint=mountpoint)


def test_only_file_systems_that_hold_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    partitions = [
        partition("/dev/sda1", "ext4", "/"),
        partition("/dev/sda1", "ext4", "/"),
        partition("proc", "proc", "/proc"),
        partition("/dev/sdb", "xfs", "/var/lib/docker/overlay2/x"),
        partition("tmpfs", "tmpfs", "/dev/shm"),  # noqa: S108 - only a name.
        partition("/dev/loop0", "squashfs", "/snap/core"),
        partition("/dev/sdc", "ext4", "/gone"),
        partition("/dev/sdd", "ext4", "/device"),
    ]

    def usage(mountpoint: str) -> SimpleNamespace:
        if mountpoint == "/gone":
            raise PermissionError(mountpoint)
        return SimpleNamespace(total=100, used=60, free=30)

    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: partitions)
    monkeypatch.setattr(psutil, "disk_usage", usage)
    families = {family.name: family.samples for family in FilesystemCollector().collect()}
    assert {name: [sample.value for sample in samples] for name, samples in families.items()} == {
        "node_filesystem_size_bytes": [100, 100],
        "node_filesystem_free_bytes": [40, 40],
        "node_filesystem_avail_bytes": [30, 30],
    }
    mounts = [sample.labels["mountpoint"] for sample in families["node_filesystem_size_bytes"]]
    assert mounts == ["/", "/device"]


def mounts(collector: FilesystemCollector) -> list[str]:
    size = next(iter(collector.collect()))
    return [sample.labels["mountpoint"] for sample in size.samples]


def test_one_that_hangs_is_left_out_and_not_asked_again_meanwhile(
    monkeypatch: pytest.MonkeyPatch, never: threading.Event
) -> None:
    asked: list[str] = []

    def usage(mountpoint: str) -> SimpleNamespace:
        asked.append(mountpoint)
        if mountpoint == "/dead":
            never.wait()
        return USAGE

    partitions = [partition("server:/x", "nfs4", "/dead"), partition("/dev/sda1", "ext4", "/")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: partitions)
    monkeypatch.setattr(psutil, "disk_usage", usage)
    collector = FilesystemCollector(patience=0.2)
    assert mounts(collector) == ["/"]
    assert mounts(collector) == ["/"]
    assert sorted(asked) == ["/", "/", "/dead"]


def test_the_last_list_serves_while_the_system_does_not_give_another(
    monkeypatch: pytest.MonkeyPatch, never: threading.Event
) -> None:
    def hang(**_: object) -> list[SimpleNamespace]:
        never.wait()
        return []

    monkeypatch.setattr(psutil, "disk_usage", lambda _: USAGE)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [partition("C:", "NTFS", "C:")])
    collector = FilesystemCollector(patience=0.2)
    assert mounts(collector) == ["C:"]
    monkeypatch.setattr(psutil, "disk_partitions", hang)
    assert mounts(collector) == ["C:"]
    with pytest.raises(TimeoutError):
        mounts(FilesystemCollector(patience=0.01))


def test_a_name_that_is_no_utf8_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    mountpoint = b"/media/caf\xe9".decode("utf-8", "surrogateescape")
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [partition("/dev/sdb1", "vfat", mountpoint)])
    monkeypatch.setattr(psutil, "disk_usage", lambda _: USAGE)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FilesystemCollector())
    shown = {sample.labels.get("mountpoint") for sample in parse(generate_latest(registry)).samples}
    assert shown == {"/media/caf?"}
