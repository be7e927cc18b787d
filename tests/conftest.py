"""Leaves out, by name, the tests whose programs are not on this machine; and starts real servers for all."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from processes import Launcher

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

# How long an example takes is the machine's affair.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


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
