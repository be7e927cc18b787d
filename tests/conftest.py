"""Leaves out, by name, the tests whose programs are not on this machine."""

import os
import shutil

import pytest

PROGRAMS = {
    "peers": ("prometheus", "promtool", "prometheus-alertmanager", "amtool"),
    "browser": ("chromium",),
}


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
