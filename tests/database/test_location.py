from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.database import location
from dashboard.database.location import doubts, file_system_of


def test_a_local_directory_raises_no_doubt(tmp_path: Path) -> None:
    assert doubts(tmp_path) == ""


@pytest.mark.parametrize("name", ["OneDrive - Shop Ltd", "Dropbox", "Mobile Documents", "iCloudDrive"])
def test_synchronized_folders_are_known_by_their_names(tmp_path: Path, name: str) -> None:
    assert name in doubts(tmp_path / name / "data")


def test_network_drives_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(location, "_is_remote", lambda _: True)
    assert "network drive" in doubts(tmp_path)


def test_the_closest_mount_counts_and_of_two_at_one_place_the_later() -> None:
    mounts = [("/", "ext4"), ("/mnt", "autofs"), ("/mnt", "NFS4"), ("/mnt/local", "ext4")]
    assert file_system_of(Path("/mnt/share/x"), mounts) == "nfs4"
    assert file_system_of(Path("/mnt/local/x"), mounts) == "ext4"
    assert file_system_of(Path("/home"), mounts) == "ext4"
    assert file_system_of(Path("/mntx"), mounts) == "ext4"
