"""The launchers' logic, over projects that need nothing from the network."""

import ast
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bootstrap.py"
posix_only = pytest.mark.skipif(os.name == "nt", reason="uses signals or executable scripts")

# Makes an editable wheel without any package; a real backend would have to come from somewhere.
BACKEND = """
import pathlib, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "glass_cockpit-1-py3-none-any.whl", "glass_cockpit-1.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: glass-cockpit\\nVersion: 1\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    dist = pathlib.Path("dashboard/web/static/dist")
    dist.mkdir(parents=True, exist_ok=True)
    (dist / "FAILED.txt").write_text("npm has a cold\\n")
    return name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
SHOW_ARGUMENTS = "import sys; print(sys.argv[1:], flush=True)\n"
WAIT_FOR_STDIN = """
import os, sys
print("child", os.getpid(), flush=True)
sys.stdin.read()
print("stdin closed", flush=True)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print("child", os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with bootstrap.py and all files that it looks at, but no .venv."""
    folder = tmp_path / "a project (1) & co!"
    put(folder, "pyproject.toml", PYPROJECT)
    put(folder, "backend.py", BACKEND)
    put(folder, "dashboard/__init__.py", "")
    put(folder, "dashboard/__main__.py", SHOW_ARGUMENTS)
    put(folder, "dashboard/web/frontend/src/page.ts", "")
    put(folder, "scripts/build_frontend.py", "")
    for kind in ("run", "dev", "node"):
        put(folder, f"scripts/locks/{kind}.lock", "")
    shutil.copy(SCRIPT, folder / "scripts")
    return folder


@pytest.fixture
def ready(root: Path, bootstrap: ModuleType) -> Path:
    """The project with all that `start` needs installed; there is no pip, so that every use of it would fail."""
    put(root, "dashboard/web/static/dist/manifest.json", "{}")
    venv.create(root / ".venv", symlinks=os.name != "nt")
    bootstrap.Environment(root).remember("run")
    return root


def run(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "bootstrap.py"), *arguments],
        env={**os.environ, "PIP_NO_INDEX": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_old_python_can_read_the_file() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))


# When something is installed.


def test_nothing_is_installed_when_nothing_has_changed(ready: Path) -> None:
    done = run(ready, "start")
    assert done.stdout.splitlines() == ["Starting Glass Cockpit.", "['demo', '--browser', '--exit-with-stdin']"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "dashboard/__init__.py", "dashboard/web/frontend/src/page.ts", "scripts/locks/run.lock"],
)
def test_a_changed_file_asks_for_an_install(ready: Path, bootstrap: ModuleType, name: str) -> None:
    (ready / name).write_text("changed")
    assert not bootstrap.Environment(ready).is_fresh("run")


@pytest.mark.parametrize(
    "name", ["dashboard/other.py", "scripts/locks/dev.lock", "dashboard/web/frontend/node_modules/x"]
)
def test_other_files_ask_for_nothing(ready: Path, bootstrap: ModuleType, name: str) -> None:
    put(ready, name, "changed")
    assert bootstrap.Environment(ready).is_fresh("run")


def test_a_new_source_of_the_front_end_asks_for_an_install(ready: Path, bootstrap: ModuleType) -> None:
    put(ready, "dashboard/web/frontend/src/new.ts", "")
    assert not bootstrap.Environment(ready).is_fresh("run")


@pytest.mark.parametrize(
    "name", ["dashboard/web/static/dist", ".venv/pyvenv.cfg", ".venv/installed.json", ".venv/bin", ".venv/Scripts"]
)
def test_what_is_gone_asks_for_an_install(ready: Path, bootstrap: ModuleType, name: str) -> None:
    if not (ready / name).exists():
        pytest.skip("this platform has it elsewhere")
    bootstrap.remove(ready / name)
    assert not bootstrap.Environment(ready).is_fresh("run")


def test_a_package_that_came_or_went_asks_for_an_install(ready: Path, bootstrap: ModuleType) -> None:
    environment = bootstrap.Environment(ready)
    site = next(ready.glob(".venv/Lib/site-packages" if os.name == "nt" else ".venv/lib/python*/site-packages"))
    (site / "numpy-1.0.dist-info").mkdir()
    assert not environment.is_fresh("run")
    environment.remember("run")
    assert environment.is_fresh("run")
    (site / "numpy-1.0.dist-info").rmdir()
    assert not environment.is_fresh("run")


def test_an_install_that_was_killed_asks_for_another(ready: Path, bootstrap: ModuleType) -> None:
    (ready / ".venv" / "installing").touch()
    assert not bootstrap.Environment(ready).is_fresh("run")


def test_a_project_that_moved_asks_for_an_install(ready: Path, bootstrap: ModuleType) -> None:
    moved = ready.rename(ready.with_name("elsewhere"))
    assert not bootstrap.Environment(moved).is_fresh("run")


def test_a_record_that_cannot_be_read_asks_for_an_install(ready: Path, bootstrap: ModuleType) -> None:
    for text in ("{", "[]", '{"kind": "other"}'):
        (ready / ".venv" / "installed.json").write_text(text)
        assert not bootstrap.Environment(ready).is_fresh("run")


def test_what_the_tests_need_is_enough_to_start_but_not_the_other_way_round(ready: Path, bootstrap: ModuleType) -> None:
    environment = bootstrap.Environment(ready)
    assert not environment.is_fresh("dev")
    environment.remember("dev")
    assert environment.is_fresh("dev")
    assert environment.is_fresh("run")


def test_a_second_start_waits_for_the_first_one_to_install(
    ready: Path, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = bootstrap.Environment(ready)
    (ready / "pyproject.toml").write_text("changed")
    said: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(bootstrap, "say", said.put)
    waiting = threading.Thread(target=environment.ensure, args=["run"])
    with (ready / ".venv" / "lock").open("a+b") as lock:
        bootstrap.lock_exclusively(lock)
        waiting.start()
        assert said.get(timeout=30) == "Waiting for another start of Glass Cockpit to finish installing."
        environment.remember("run")  # The first start has installed all.
    waiting.join(30)
    assert not waiting.is_alive()
    assert said.empty()


# Installing.


def wheel(folder: Path) -> str:
    """Makes a wheel without content and returns the line that locks it."""
    folder.mkdir()
    path = folder / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        archive.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.dist-info/RECORD", "")
    return f"tiny==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def test_a_half_made_environment_is_made_anew_and_wrong_hashes_are_refused(root: Path, tmp_path: Path) -> None:
    put(root, ".venv/installing", "")
    put(root, ".venv/half/made", "")
    locked = wheel(tmp_path / "wheels")
    put(root, "scripts/locks/run.lock", locked)
    links = (tmp_path / "wheels").as_uri()
    done = run(root, "start", "--no-browser", PIP_FIND_LINKS=links)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Remaking .venv with ")
    assert lines[1] == "Installing the packages of scripts/locks/run.lock."
    assert lines[2] == "Building the front end and installing Glass Cockpit."
    assert lines[3].startswith("The front end was not built: npm has a cold. ")
    assert lines[4:] == ["Starting Glass Cockpit.", "['demo', '--no-browser', '--exit-with-stdin']"]
    assert not (root / ".venv" / "half").exists()
    packages = json.loads((root / ".venv" / "installed.json").read_text())["packages"]
    assert {"tiny-1.dist-info", "glass_cockpit-1.dist-info"} <= set(packages)

    subprocess.run([root / ".venv/bin/python", "-m", "pip", "uninstall", "-yq", "tiny"], check=True)
    put(root, "scripts/locks/run.lock", locked[:-4] + "000\n")
    refused = run(root, "start", PIP_FIND_LINKS=links)
    assert refused.returncode == 1
    assert refused.stdout == "Installing the packages of scripts/locks/run.lock.\n"
    assert refused.stderr.startswith("Installing failed, a package could not be installed. pip said: ")
    assert "DO NOT MATCH" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_pip_is_kept_from_installing_elsewhere(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_CERT", "/certificate")
    environment = bootstrap.pip_environment()
    assert "PIP_TARGET" not in environment
    assert environment["PIP_USER"] == "0"
    assert environment["PIP_CERT"] == "/certificate"


def test_the_lines_that_name_an_error_are_shown_rather_than_hints(bootstrap: ModuleType) -> None:
    output = (
        "WARNING: slow\n  ModuleNotFoundError: No module named 'x'\nerror: metadata-generation-failed\n\nhint: look\n"
    )
    assert (
        bootstrap.last_lines(output) == "ModuleNotFoundError: No module named 'x' | error: metadata-generation-failed"
    )
    assert bootstrap.last_lines("one\ntwo\n\nthree\nfour\n") == "two | three | four"


# Choosing a Python.


@pytest.fixture
def too_old(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Lets the Python that runs be one release too old, and returns the release that is wanted."""
    wanted = (3, sys.version_info.minor + 1)
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", wanted)
    monkeypatch.setattr(bootstrap, "NEWEST_TESTED_PYTHON", (3, wanted[1] + 1))
    return wanted


def test_a_python_that_is_new_enough_is_taken_itself(bootstrap: ModuleType) -> None:
    assert bootstrap.find_python() == [sys.executable]


@posix_only
def test_a_newer_python_on_the_path_is_taken_where_this_one_is_too_old(
    bootstrap: ModuleType,
    too_old: tuple[int, int],
    programs: Path,
    make_program: Callable[[Path, str], None],
) -> None:
    newest, wanted = programs / f"python3.{too_old[1] + 1}", programs / f"python3.{too_old[1]}"
    make_program(newest, "import sys; sys.exit(127)")  # A version manager's name for a Python that is not there.
    make_program(wanted, f"print('3.{too_old[1]}')")
    assert bootstrap.find_python() == [str(wanted)]


def test_one_line_says_which_python_was_found_where_all_are_too_old(
    bootstrap: ModuleType, too_old: tuple[int, int], programs: Path
) -> None:
    with pytest.raises(bootstrap.BootstrapError) as caught:
        bootstrap.find_python()
    assert programs.is_dir()
    assert str(caught.value) == (
        f"Glass Cockpit needs Python 3.{too_old[1]} or newer, "
        f"but {sys.executable} is Python 3.{sys.version_info.minor}."
    )


@posix_only
def test_a_python_without_venv_is_named_with_the_package_that_brings_it(
    bootstrap: ModuleType, programs: Path, make_program: Callable[[Path, str], None]
) -> None:
    make_program(programs / "bare", "print('3.12'); import no_such_module")
    complaint = bootstrap.complaint_about([str(programs / "bare")])
    assert complaint.endswith("is Python 3.12 without its venv module (Debian's package python3.12-venv)")


# Options.


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], ["demo", "--browser"]),
        (["--real"], ["serve", "--browser"]),
        (["--real", "--port", "5001"], ["serve", "--port", "5001", "--browser"]),
        (["--real", "ai-planner,wargaming"], ["demo", "--real", "ai-planner,wargaming", "--browser"]),
        (
            ["--no-browser", "--data-dir", str(Path.cwd() / "x y")],
            ["demo", "--data-dir", str(Path.cwd() / "x y"), "--no-browser"],
        ),
    ],
)
def test_options_become_a_command_of_the_dashboard(
    bootstrap: ModuleType, options: list[str], arguments: list[str]
) -> None:
    command = bootstrap.dashboard_arguments(bootstrap.start_options(options))
    assert command == [*arguments, "--exit-with-stdin"]


def test_a_data_directory_without_a_name_is_refused(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bootstrap.start_options(["--data-dir", ""])
    assert "the folder has no name" in capsys.readouterr().err


def test_a_relative_data_directory_is_the_callers(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bootstrap.start_options(["--data-dir", "data"]).data_dir == str(tmp_path / "data")


def test_a_wrong_option_is_refused_before_anything_is_installed(root: Path) -> None:
    done = run(root, "start", "--prot", "1")
    assert done.returncode == 2
    assert "unrecognized arguments: --prot 1" in done.stderr
    assert not (root / ".venv").exists()


def test_without_a_command_the_help_is_shown(root: Path) -> None:
    done = run(root)
    assert done.returncode == 2
    assert "bootstrap.py start" in done.stderr


# The child.


class Started:
    """bootstrap.py with its child running."""

    def __init__(self, root: Path, main: str) -> None:
        put(root, "dashboard/__main__.py", main)
        command = [sys.executable, str(root / "scripts" / "bootstrap.py"), "start"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.read_line() == "Starting Glass Cockpit."
        self.child = int(self.read_line().removeprefix("child "))

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip()

    def rest(self) -> str:
        """What is printed until neither bootstrap nor the child holds the pipe any more."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start(ready: Path) -> Iterator[Callable[[str], Started]]:
    everything: list[Started] = []

    def start_with(main: str) -> Started:
        everything.append(Started(ready, main))
        return everything[-1]

    yield start_with
    for started in everything:
        started.close()


@posix_only
def test_a_kill_of_bootstrap_closes_the_childs_stdin(start: Callable[[str], Started]) -> None:
    started = start(WAIT_FOR_STDIN)
    started.process.kill()
    assert started.rest() == "stdin closed\n"


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_to_end_ends_the_child_and_is_no_failure(
    start: Callable[[str], Started], number: signal.Signals
) -> None:
    started = start(WAIT_FOR_STDIN)
    started.process.send_signal(number)
    assert started.process.wait(30) == 0
    assert "Traceback" not in started.rest()


@posix_only
def test_being_asked_twice_kills_a_child_that_does_not_listen(start: Callable[[str], Started]) -> None:
    started = start(STUBBORN)
    started.process.send_signal(signal.SIGTERM)
    assert started.read_line() == "no"
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(30) == 128 + signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(started.child, 0)


def test_the_childs_exit_status_is_handed_on(ready: Path) -> None:
    put(ready, "dashboard/__main__.py", "import sys; sys.exit(3)")
    assert run(ready, "start").returncode == 3


def test_the_callers_python_variables_do_not_reach_the_child(ready: Path, tmp_path: Path) -> None:
    put(tmp_path, "other/dashboard/__init__.py", "raise RuntimeError('the wrong one')")
    put(ready, "dashboard/__main__.py", "import os; print('PYTHONPATH' in os.environ)")
    assert run(ready, "start", PYTHONPATH=str(tmp_path / "other")).stdout.splitlines()[-1] == "False"


# The tests' runner.


def steps(**statuses: int) -> list[tuple[str, list[str]]]:
    return [(name, [sys.executable, "-c", f"import sys; sys.exit({status})"]) for name, status in statuses.items()]


@pytest.fixture
def tested(
    ready: Path, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """Runs the runner over steps that end with these statuses; returns its status and what it said."""
    bootstrap.Environment(ready).remember("dev")

    def run_steps(**statuses: int) -> tuple[int, list[str]]:
        monkeypatch.setattr(bootstrap, "test_steps", lambda _python, _arguments: steps(**statuses))
        return bootstrap.test([], ready), capsys.readouterr().out.splitlines()

    return run_steps


def test_all_steps_run_and_the_first_failure_counts(tested: Callable[..., tuple[int, list[str]]]) -> None:
    status, lines = tested(ruff=0, mypy=3, pytest=5)
    assert status == 3
    assert lines == ["Running ruff.", "Running mypy.", "Running pytest.", "Failed: mypy, pytest."]


def test_a_good_run_says_so(tested: Callable[..., tuple[int, list[str]]]) -> None:
    assert tested(ruff=0) == (0, ["Running ruff.", "All checks and tests passed."])


def test_a_step_without_node_is_skipped_by_name_but_not_in_ci(
    tested: Callable[..., tuple[int, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    status, lines = tested(types=77, pytest=0)
    assert status == 0
    assert "Skipped: types, for there is no Node.js." in lines
    monkeypatch.setenv("CI", "true")
    assert tested(types=77, pytest=0)[0] == 77


def test_pytest_runs_with_workers_and_gets_the_remaining_arguments(bootstrap: ModuleType) -> None:
    name, command = bootstrap.test_steps("python", ["-k", "x"])[-1]
    assert (name, command[:5]) == ("pytest", ["python", "-m", "pytest", "-n", "2"])
    assert command[-2:] == ["-k", "x"]


def test_what_is_compiled_for_a_step_is_kept(
    ready: Path, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert bootstrap.run_step("x", [sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)"], ready) == 0


# The peers.


@posix_only
def test_peers_that_are_there_are_not_installed_again(
    bootstrap: ModuleType,
    programs: Path,
    make_program: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for program in bootstrap.PEERS:
        make_program(programs / program, "")
    bootstrap.install_peers()
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("programs")
def test_elsewhere_than_on_debian_the_missing_peers_are_named(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.BootstrapError, match=r"as root on Debian only; missing: amtool, chromium, .*\.$"):
        bootstrap.install_peers()


APT_GET = """
import pathlib, sys
with open("{log}", "a") as log:
    print(*sys.argv[1:], pathlib.Path("{policy}").exists(), file=log)
if sys.argv[2] == "{fails}":
    print("E: Unable to locate package")
    sys.exit(100)
"""


@pytest.fixture
def debian(
    bootstrap: ModuleType,
    programs: Path,
    make_program: Callable[[Path, str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], list[str]]:
    """Installs peers as root on Debian, where apt-get fails at one of its commands; returns how it was called."""
    log, policy, version = tmp_path / "log", tmp_path / "policy-rc.d", tmp_path / "debian_version"
    version.touch()
    log.touch()
    monkeypatch.setattr(bootstrap, "DEBIAN_VERSION", version)
    monkeypatch.setattr(bootstrap, "SERVICE_POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def install(fails: str) -> list[str]:
        make_program(programs / "apt-get", APT_GET.format(log=log, policy=policy, fails=fails))
        bootstrap.install_peers()
        assert not policy.exists()
        return log.read_text().splitlines()

    return install


@posix_only
def test_the_debian_packages_of_missing_peers_are_installed_with_services_kept_off(
    debian: Callable[[str], list[str]], programs: Path, make_program: Callable[[Path, str], None]
) -> None:
    make_program(programs / "chromium", "")
    packages = "faketime prometheus prometheus-alertmanager prometheus-node-exporter strace victoria-metrics"
    assert debian("nothing") == [
        "-q update True",
        f"-q install --yes --no-install-recommends {packages} True",
    ]


@posix_only
def test_one_line_says_why_apt_get_failed(bootstrap: ModuleType, debian: Callable[[str], list[str]]) -> None:
    with pytest.raises(bootstrap.BootstrapError, match=r"^apt-get install failed: E: Unable to locate package$"):
        debian("install")


def test_services_are_kept_off_only_during_an_install(bootstrap: ModuleType, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with bootstrap.services_kept_off(policy):
        assert policy.read_text() == "#!/bin/sh\nexit 101\n"
    assert not policy.exists()


def test_a_policy_that_was_there_comes_back_even_after_a_failure(bootstrap: ModuleType, tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("mine")

    def fail_within() -> None:
        with bootstrap.services_kept_off(policy):
            raise bootstrap.BootstrapError("apt-get failed")

    with pytest.raises(bootstrap.BootstrapError):
        fail_within()
    assert policy.read_text() == "mine"
