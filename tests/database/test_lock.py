from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.database import AlreadyRunningError, Database
from dashboard.database.lock import DirectoryLock

HOLD = """
import sys
from pathlib import Path
from dashboard.database import Database
database = Database.open(Path(sys.argv[1]), [])
print("held", flush=True)
sys.stdin.read()
"""

TRY = """
import sys
from pathlib import Path
from dashboard.database import AlreadyRunningError, Database
try:
    Database.open(Path(sys.argv[1]), [])
except AlreadyRunningError as error:
    sys.exit(str(error))
"""


def start(script: str, directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_process_is_refused_in_one_line_until_the_first_is_killed(tmp_path: Path) -> None:
    with start(HOLD, tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with start(TRY, tmp_path) as second:
            _, told = second.communicate()
        assert second.returncode == 1
        assert told.count("\n") == 1
        assert f"{tmp_path} is in use by another process" in told
        holder.kill()
    Database.open(tmp_path, []).close()


def test_the_lock_is_also_refused_within_a_process(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(AlreadyRunningError):
        DirectoryLock(tmp_path)
    lock.release()
    DirectoryLock(tmp_path).release()
