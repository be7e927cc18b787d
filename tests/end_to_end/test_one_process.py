"""One process has a data directory: every other one is refused in a line, until the first is gone, however it went."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from processes import Launcher, free_port, glass

from dashboard.database.backup import back_up

REFUSED = "is in use by another process; stop it first, or choose another data directory"


def run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return glass(*map(str, arguments), cwd=folder)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "prometheus.yml"
    file.write_text("scrape_configs: [{job_name: self, static_configs: [{targets: ['localhost:5000']}]}]\n")
    return file


def serve(config: Path, data: Path) -> subprocess.CompletedProcess[str]:
    return run(config.parent, "serve", "--config", config, "--data-dir", data, "--port", free_port())


def test_whatever_needs_the_data_of_a_running_server_is_refused(
    launcher: Launcher, config: Path, tmp_path: Path
) -> None:
    data, copy, samples = tmp_path / "data", tmp_path / "copy.db", tmp_path / "samples.om"
    samples.write_text("a 1 1\n# EOF\n")
    server = launcher.glass("--config", str(config))
    back_up(data, copy)
    for command in (
        ["import", samples],
        ["export", tmp_path / "out.om"],
        ["restore", copy],
        ["schema", "upgrade"],
        ["schema", "downgrade"],
    ):
        done = run(tmp_path, *command, "--data-dir", data)
        assert done.returncode == 1, command
        assert done.stderr.splitlines() == [f"Error: {data} {REFUSED}"]
    assert server.is_ready("/ready")


def refuse_often(launcher: Launcher, config: Path, data: Path, starts: int) -> None:
    server = launcher.glass("--config", str(config))
    for _ in range(starts):
        done = serve(config, data)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"Error: {data} {REFUSED}"
    # The lock goes with the process that holds it.
    server.end(signal.SIGKILL)
    assert launcher.glass("--config", str(config)).is_ready("/ready")


def test_a_second_server_is_refused_until_the_first_is_killed(launcher: Launcher, config: Path, tmp_path: Path) -> None:
    refuse_often(launcher, config, tmp_path / "data", 3)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_second_servers_are_refused(launcher: Launcher, config: Path, tmp_path: Path) -> None:
    refuse_often(launcher, config, tmp_path / "data", 100)
