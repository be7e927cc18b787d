"""Whether a directory is a good place for a database, which needs the locks and the order of writes of a local disk."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

_NETWORK = (
    "nfs",
    "nfs4",
    "cifs",
    "smb",
    "smb2",
    "smb3",
    "smbfs",
    "afpfs",
    "webdav",
    "davfs",
    "fuse.sshfs",
    "fuse.davfs",
)
_SYNCED = ("onedrive", "dropbox", "iclouddrive", "mobile documents", "cloudstorage", "google drive", "googledrive")
_REMOTE_DRIVE = 4


def doubts(directory: Path) -> str:
    """Return why a directory is a bad place for a database, or nothing."""
    place = directory.absolute()
    synced = [part for part in place.parts if part.lower().startswith(_SYNCED)]
    if synced:
        return f"{place} is in the synchronized folder {synced[0]}, which may copy the database while it is written"
    if _is_remote(place):
        return f"{place} is on a network drive, where a database may be damaged when the connection breaks"
    return ""


def _is_remote(place: Path) -> bool:
    if sys.platform == "win32":
        import ctypes

        return place.drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(place.anchor) == _REMOTE_DRIVE
    return (
        file_system_of(place, [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]) in _NETWORK
    )


def file_system_of(place: Path, mounts: Sequence[tuple[str, str]]) -> str:
    """Return the type of the file system that is mounted closest above a path; of two there, the later one counts."""
    above = [(len(Path(point).parts), kind.lower()) for point, kind in mounts if place.is_relative_to(point)]
    deepest = max((depth for depth, _ in above), default=0)
    return next((kind for depth, kind in reversed(above) if depth == deepest), "")
