"""What the launchers do before scripts/bootstrap.py takes over."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BATCH_FILES = ("start_monitoring.bat", "scripts/test.bat")
posix_only = pytest.mark.skipif(os.name == "nt", reason="runs a shell script")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The launchers in a folder with an awkward name, over a bootstrap that shows its arguments."""
    root = tmp_path / "a folder (1) & co!"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "start_monitoring.sh", root)
    shutil.copy(ROOT / "scripts" / "test.sh", root / "scripts")
    (root / "scripts" / "bootstrap.py").write_text("import sys; print(sys.argv[1:]); sys.exit(7)")
    return root


def run(command: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}/nowhere"}
    return subprocess.run(["/bin/sh", *command], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with no Python, but with what the scripts need of POSIX."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    return folder


@posix_only
@pytest.mark.parametrize(("script", "command"), [("start_monitoring.sh", "start"), ("scripts/test.sh", "test")])
def test_arguments_and_exit_status_pass_through(
    project: Path, programs: Path, make_program: Callable[[Path, str], None], script: str, command: str
) -> None:
    source = "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    make_program(programs / "python", source)
    done = run([str(project / script), "--real", "a b", "--port=1"], programs)
    assert done.stdout.strip() == str([command, "--real", "a b", "--port=1"])
    assert done.returncode == 7


@posix_only
def test_a_python3_that_does_not_run_is_passed_over(
    project: Path, programs: Path, make_program: Callable[[Path, str], None]
) -> None:
    make_program(programs / "python3", "import sys; sys.exit(127)")
    make_program(programs / "python3.12", "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])")
    assert run([str(project / "start_monitoring.sh")], programs).stdout.strip() == "['start']"


@posix_only
def test_without_any_python_one_line_says_what_is_needed(project: Path, programs: Path) -> None:
    done = run([str(project / "start_monitoring.sh")], programs)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"Glass Cockpit needs Python 3\.11 or newer, .*\n", done.stderr)


@pytest.fixture(params=BATCH_FILES)
def batch(request: pytest.FixtureRequest) -> list[str]:
    """The lines of a batch file that are no comments."""
    lines = (ROOT / request.param).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("rem ")]


def test_batch_files_end_their_lines_as_windows_wants_them() -> None:
    attributes = (ROOT / ".gitattributes").read_text().splitlines()
    assert "*.bat text eol=crlf" in attributes
    assert "*.sh text eol=lf" in attributes


def test_batch_files_try_py_and_then_python_and_trust_neither_untried(batch: list[str]) -> None:
    """The Store's stand-in for Python exists, prints a line and ends with 9009."""
    tries = [line for line in batch if "-c " in line]
    assert [line.split(" -c ")[0] for line in tries] == ["py -3", "python"]
    assert all(re.search(r">nul 2>&1 && goto with_(py|python)$", line) for line in tries)
    assert batch.index(tries[1]) < batch.index(":with_py") < batch.index(":with_python")


def test_batch_files_survive_signs_in_their_own_path(batch: list[str]) -> None:
    assert "setlocal EnableExtensions DisableDelayedExpansion" in batch[:2]
    for line in batch:
        if "%~dp0" in line:
            assert re.fullmatch(r'set "bootstrap=%~dp0[a-z\\_.]+"', line)
        for found in re.finditer(r"%bootstrap%", line):
            assert line[found.start() - 1] == line[found.end()] == '"'
        # A bracket in an expanded path would end a block early, so there are no blocks.
        assert not line.rstrip().endswith(("(", ")"))


def test_batch_files_keep_the_window_open_on_failure_only(batch: list[str]) -> None:
    success, failure = batch.index('if "%status%"=="0" exit /b 0'), batch.index("if not defined CI pause")
    assert success < failure
    assert [line for line in batch if "pause" in line] == ["if not defined CI pause"]
    assert batch[-1] == "exit /b %status%"


def test_batch_files_jump_to_labels_that_exist(batch: list[str]) -> None:
    targets = {found for line in batch for found in re.findall(r"goto (\w+)", line)}
    assert targets <= {line[1:] for line in batch if line.startswith(":")}


def test_continuous_integration_runs_the_tests_with_peers() -> None:
    script = ROOT / ".ci" / "run"
    assert script.read_text().splitlines()[-1] == "exec ./scripts/test.sh --install-peers"
    assert os.name == "nt" or os.access(script, os.X_OK)
