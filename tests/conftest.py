"""Leaves out, by name, the tests whose programs are not on this machine; shares the tests out; starts real servers."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from processes import Launcher
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

PROGRAMS = {
    "peers": (
        "prometheus",
        "promtool",
        "prometheus-alertmanager",
        "amtool",
        "prometheus-node-exporter",
        "victoria-metrics",
    ),
    "browser": ("chromium",),
    "traced": ("strace",),
}
DEMOS = ("end_to_end/test_demo.py", "end_to_end/test_launcher.py", "end_to_end/test_pages.py")
"""The tests that start the demo, whose apps have fixed ports."""

# How long an example takes is the machine's affair.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]
    """Gives a file's tests to one worker, for they share servers, and all that start the demo to one too."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "demo" if file.endswith(DEMOS) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    """Shares the tests out among the workers that `scripts/test.sh` asks for."""
    return FileScheduling(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test that lacks a program; with CI=true, where all must be there, lets it fail."""
    for marker, programs in PROGRAMS.items():
        missing = [program for program in programs if shutil.which(program) is None]
        if item.get_closest_marker(marker) is None or not missing:
            continue
        reason = f"needs {', '.join(missing)}, which `scripts/test.sh --install-peers` installs"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """Start servers as processes of their own; what a test leaves running is ended."""
    starter = Launcher(tmp_path)
    yield starter
    for server in starter.running:
        server.end(signal.SIGKILL)
