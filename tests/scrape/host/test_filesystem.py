"""Each file system that holds files is told, and one that does not answer keeps none of the others from it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import psutil
import pytest

from dashboard.scrape.host.filesystem import FilesystemCollector
from dashboard.scrape.host.volumes import Volumes
from dashboard.scrape.patience import Patience

from .told import rows

STAT = SimpleNamespace(f_frsize=10, f_blocks=100, f_bfree=40, f_bavail=30, f_files=7, f_ffree=5)


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that comes only when the test is over, for what hangs."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put other file systems in the place of this machine's."""

    def replace(partitions: list[SimpleNamespace], stat: Callable[[str], object] = lambda _: STAT) -> None:
        monkeypatch.setattr(psutil, "disk_partitions", lambda **_: partitions)
        monkeypatch.setattr(os, "statvfs", stat, raising=False)

    return replace


def volume(device: str, fstype: str, mountpoint: str, opts: str = "rw,relatime") -> SimpleNamespace:
    return SimpleNamespace(device=device, fstype=fstype, mountpoint=mountpoint, opts=opts)


def collector(patience: float = 1.0) -> FilesystemCollector:
    return FilesystemCollector(Volumes(everything=True, patience=patience))


def test_only_file_systems_that_hold_files_are_told(system: Callable[..., None]) -> None:
    def stat(mountpoint: str) -> SimpleNamespace:
        if mountpoint == "/gone":
            raise PermissionError(mountpoint)
        return STAT

    system(
        [
            volume("/dev/sda1", "ext4", "/"),
            volume("/dev/sda1", "ext4", "/"),
            volume("proc", "proc", "/proc"),
            volume("/dev/sdb", "xfs", "/var/lib/docker/overlay2/x"),
            volume("tmpfs", "tmpfs", "/dev/shm"),  # noqa: S108 - only a name.
            volume("/dev/loop0", "squashfs", "/snap/core"),
            volume("/dev/sdc", "ext4", "/gone"),
            volume("/dev/sdd", "ext4", "/device", "ro,errors=remount-ro"),
        ],
        stat,
    )
    told = rows(collector()())
    root, gone, device = ("/dev/sda1", "ext4", "/"), ("/dev/sdc", "ext4", "/gone"), ("/dev/sdd", "ext4", "/device")
    assert told == {
        "node_filesystem_size_bytes": {root: 1000, device: 1000},
        "node_filesystem_free_bytes": {root: 400, device: 400},
        "node_filesystem_avail_bytes": {root: 300, device: 300},
        "node_filesystem_files": {root: 7, device: 7},
        "node_filesystem_files_free": {root: 5, device: 5},
        "node_filesystem_readonly": {root: 0, device: 1},
        "node_filesystem_device_error": {root: 0, gone: 1, device: 0},
    }


def errors(told: FilesystemCollector) -> dict[str, float]:
    return {labels[-1]: value for labels, value in rows(told())["node_filesystem_device_error"].items()}


def test_one_that_hangs_fails_and_is_not_asked_again_meanwhile(
    system: Callable[..., None], never: threading.Event
) -> None:
    asked: list[str] = []

    def stat(mountpoint: str) -> SimpleNamespace:
        asked.append(mountpoint)
        if mountpoint == "/dead":
            never.wait()
        return STAT

    system([volume("server:/x", "nfs4", "/dead"), volume("/dev/sda1", "ext4", "/")], stat)
    files = collector(patience=0.2)
    for _ in range(2):
        assert errors(files) == {"/dead": 1, "/": 0}
    assert sorted(asked) == ["/", "/", "/dead"]


def test_many_that_hang_are_waited_for_hardly_longer_than_one(
    system: Callable[..., None], monkeypatch: pytest.MonkeyPatch, never: threading.Event
) -> None:
    waited: dict[str, float] = {}
    ask = Patience.ask

    def remember(patience: Patience, name: str, question: Callable[[], object], seconds: float) -> object:
        waited[name] = seconds
        return ask(patience, name, question, seconds)

    def stat(mountpoint: str) -> SimpleNamespace:
        if mountpoint != "/":
            never.wait()
        return STAT

    dead = [volume(f"server:/{number}", "nfs4", f"/dead/{number}") for number in range(10)]
    system([*dead, volume("/dev/sda1", "ext4", "/")], stat)
    monkeypatch.setattr(Patience, "ask", remember)
    told = errors(collector(patience=0.2))
    assert (told["/"], sum(told.values())) == (0, 10)
    assert sum(seconds for name, seconds in waited.items() if name.startswith("/dead/")) < 4 * 0.2


def test_the_last_list_serves_while_the_system_does_not_give_another(
    system: Callable[..., None], monkeypatch: pytest.MonkeyPatch, never: threading.Event
) -> None:
    def hang(**_: object) -> list[SimpleNamespace]:
        never.wait()
        return []

    system([volume("/dev/sda1", "ext4", "/")])
    files = collector(patience=0.2)
    assert errors(files) == {"/": 0}
    monkeypatch.setattr(psutil, "disk_partitions", hang)
    assert errors(files) == {"/": 0}
    with pytest.raises(TimeoutError):
        errors(collector(patience=0.01))
