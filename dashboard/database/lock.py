"""One process a data directory: a lock of the operating system, which ends with the process however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from dashboard.database.errors import AlreadyRunningError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class DirectoryLock:
    """Holds the file ``lock`` in a directory. The file itself stays when the lock is given back."""

    def __init__(self, directory: Path) -> None:
        """Take the lock.

        Raises:
            AlreadyRunningError: another process holds it.
        """
        self._file = (directory / "lock").open("ab")
        try:
            self._file.seek(0, os.SEEK_SET)
            _lock(self._file)
        except (BlockingIOError, PermissionError) as error:
            self._file.close()
            raise AlreadyRunningError(directory) from error

    def release(self) -> None:
        """Give the lock back."""
        self._file.close()
