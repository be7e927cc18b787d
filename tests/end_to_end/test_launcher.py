"""The launcher in a fresh clone: installs, starts six apps, and leaves nothing behind however it ends.

Windows has no shell scripts; there the logic, which is the same Python file, is tested in tests/scripts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from processes import Server, free_port, wait_for

from simulators.apps import APPS

ROOT = Path(__file__).resolve().parents[2]
COLD_SECONDS = 600
"""For downloads over a slow line; how long a start takes is measured by scripts/bench_start.py."""

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="start_monitoring.sh is for POSIX systems"),
    pytest.mark.timeout(2 * COLD_SECONDS),
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone in a path with a space."""
    folder = tmp_path_factory.mktemp("with space") / "glass cockpit"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def start(clone: Path, home: Path, tmp_path: Path) -> Iterator[Server]:
    """The running demo, started by the launcher alone."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PIP_CONFIG_FILE")}
    with (tmp_path / "launcher.log").open("wb") as log:
        process = subprocess.Popen(
            ["./start_monitoring.sh", "--no-browser", "--port", str(port), "--data-dir", str(tmp_path / "data dir")],
            cwd=clone,
            env={**kept, "HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    server = Server(f"http://127.0.0.1:{port}", process)
    wait_for(lambda: server.is_ready("/ready"), "the server to be ready", COLD_SECONDS)
    wait_for(lambda: len(server.query("up == 1")) >= len(APPS), "six apps to be up")
    yield server
    for survivor in started_by(process.pid) + ([psutil.Process(process.pid)] if process.poll() is None else []):
        survivor.kill()
    process.wait(30)


def started_by(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def survivors(processes: list[psutil.Process], seconds: float) -> list[str]:
    """Return the command lines of those that are still there after so many seconds."""
    deadline = time.monotonic() + seconds
    alive = processes
    while alive and time.monotonic() < deadline:
        alive = [process for process in alive if is_running(process)]
        time.sleep(0.05)
    return [" ".join(process.cmdline()) for process in alive]


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_a_signal_ends_every_process_within_five_seconds(start: Server, how: signal.Signals) -> None:
    processes = started_by(start.process.pid)
    assert len(processes) > len(APPS), "the server and six simulators"
    start.process.send_signal(how)
    assert survivors(processes, 5.0) == []
    assert start.process.wait(5) in (0, 130)


def test_a_killed_launcher_leaves_no_process_after_ten_seconds(start: Server) -> None:
    processes = started_by(start.process.pid)
    start.process.kill()
    start.process.wait(30)
    assert survivors(processes, 10.0) == []
