"""How tests are left out whose programs are missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
HELPERS = Path(__file__).parents[1] / "end_to_end"
TESTS = """
import pytest

@pytest.mark.browser
def test_browser(): pass

def test_plain(): pass
"""


def run_pytest(folder: Path, path: Path, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder)
    (folder / "test_two.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    peers\n    browser\n")
    command = [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, "PATH": str(path), "CI": ci, "PYTHONPATH": str(HELPERS)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_test_that_lacks_its_program_is_skipped_by_name_and_the_others_run(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, tmp_path / "nothing", ci="")
    assert done.returncode == 0
    assert "1 passed, 1 skipped" in done.stdout
    assert "needs chromium, which `scripts/test.sh --install-peers` installs" in done.stdout


def test_in_ci_a_missing_program_is_a_failure(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, tmp_path / "nothing", ci="true")
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout
    assert "needs chromium" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_test_whose_program_is_there_runs(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "chromium").write_text("#!/bin/sh\n")
    (programs / "chromium").chmod(0o755)
    assert "2 passed" in run_pytest(tmp_path, programs, ci="true").stdout
