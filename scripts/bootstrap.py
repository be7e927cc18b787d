"""Makes `.venv`, installs what is missing, and starts Glass Cockpit or its tests.

The launchers (`start_monitoring.*`, `scripts/test.*`) only find a Python and call this file:

    bootstrap.py start [--real [APP,...]] [--port N] [--no-browser] [--data-dir DIR]
    bootstrap.py test [--install-peers] [arguments of pytest...]

It uses the standard library alone, and no syntax newer than Python 3.8, so that an old Python can still say what is
missing. What was installed is remembered in `.venv/installed.json`; while that fits, pip is not called at all.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
WINDOWS = os.name == "nt"
OLDEST_PYTHON = (3, 11)
NEWEST_TESTED_PYTHON = (3, 14)
STOP_GRACE_SECONDS = 4
INTERRUPTED_EXIT_CODE = 130
TEST_WORKERS = ["-n", "2", "--no-loadscope-reorder"]  # Many tests wait; in their order, the longest begin early.
NO_NODE_EXIT_CODE = 77  # scripts/build_frontend.py ends with it where there is no Node.
DEBIAN_VERSION = Path("/etc/debian_version")
SERVICE_POLICY = Path("/usr/sbin/policy-rc.d")
PEERS = {  # Programs that some tests start, and the Debian packages that hold them.
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "faketime": "faketime",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "promtool": "prometheus",
    "strace": "strace",
    "victoria-metrics": "victoria-metrics",
}


class BootstrapError(Exception):
    """Why Glass Cockpit cannot be installed or started, in words for the person at the terminal."""


def say(line: str) -> None:
    """Prints a line at once, for what comes next may take a while."""
    print(line, flush=True)


# Finding a Python.


def find_python() -> list[str]:
    """The command of a Python that can make the environment. Raises BootstrapError where there is none."""
    complaints = []
    for command in python_candidates():
        complaint = complaint_about(command)
        if complaint is None:
            return command
        complaints.append(complaint)
    needed = "Glass Cockpit needs Python {}.{} or newer".format(*OLDEST_PYTHON)
    raise BootstrapError(f"{needed}, but {next(filter(None, complaints), 'none was found')}.")


def python_candidates() -> Iterator[list[str]]:
    """This Python if it is a tested one, then the tested ones from new to old, then whatever this one is."""
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_TESTED_PYTHON:
        yield [sys.executable]
    for minor in range(NEWEST_TESTED_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield [found]
        if WINDOWS and shutil.which("py"):
            yield ["py", f"-3.{minor}"]
    yield [sys.executable]


def complaint_about(command: list[str]) -> str | None:
    """What is wrong with the Python behind `command`: None if nothing, "" if there is no Python behind it."""
    probe = "import sys; print('%d.%d' % sys.version_info[:2], flush=True); import ensurepip, venv"
    try:
        done = subprocess.run(
            [*command, "-c", probe], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
        version = tuple(int(part) for part in done.stdout.split()[0].split("."))
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return ""
    shown = "{} is Python {}.{}".format(" ".join(command), *version)
    if version < OLDEST_PYTHON:
        return shown
    if done.returncode != 0:
        return "{} without its venv module (Debian's package python{}.{}-venv)".format(shown, *version)
    return None


# The environment.


class Environment:
    """The folder `.venv` of the project in `root`, with the packages of a lock list and the project itself.

    A `kind` is "run" for what the server needs, or "dev" for what the tests need, which is more.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
        self.dist = root / "dashboard" / "web" / "static" / "dist"
        self._record = self.folder / "installed.json"
        self._installing = self.folder / "installing"
        self._lock = self.folder / "lock"

    def ensure(self, kind: str) -> None:
        """Installs what is missing; returns at once when nothing is. Raises BootstrapError."""
        if self.is_fresh(kind):
            return
        self.folder.mkdir(exist_ok=True)
        with self._lock.open("a+b") as lock:
            lock_exclusively(lock)
            if not self.is_fresh(kind):
                self._install("dev" if self._remembered().get("kind") == "dev" else kind, lock)

    def is_fresh(self, kind: str) -> bool:
        """Whether what `kind` asks for was installed from the files as they are now, and is still there."""
        record = self._remembered()
        if record.get("kind") not in ("dev", kind) or not self._can_start():
            return False
        settled = (self.dist / "manifest.json").exists() or (self.dist / "FAILED.txt").exists()
        same_inputs = record.get("fingerprint") == self.fingerprint(record["kind"])
        return settled and same_inputs and record.get("packages") == self.packages()

    def remember(self, kind: str) -> None:
        """Writes down that all that `kind` asks for is installed now."""
        record = {"kind": kind, "fingerprint": self.fingerprint(kind), "packages": self.packages()}
        self._record.write_text(json.dumps(record), encoding="utf-8")

    def fingerprint(self, kind: str) -> str:
        """A hash of where the project lies and of all files that an install depends on."""
        digest = hashlib.sha256(os.fsencode(self.root))
        for path in self._install_inputs(kind):
            content = path.read_bytes()
            digest.update(os.fsencode(f"\n{path.relative_to(self.root)} {len(content)}\n"))
            digest.update(content)
        return digest.hexdigest()

    def packages(self) -> list[str]:
        """The names and versions of the packages that lie in the environment, sorted."""
        folders = self.folder.glob("Lib/site-packages" if WINDOWS else "lib/python3*/site-packages")
        return sorted(entry.name for folder in folders for entry in folder.glob("*.dist-info"))

    def _install_inputs(self, kind: str) -> Iterator[Path]:
        locks = [f"scripts/locks/{name}.lock" for name in (kind, "node")]
        for name in ("pyproject.toml", "dashboard/__init__.py", "scripts/build_frontend.py", *locks):
            yield self.root / name
        for folder, subfolders, names in os.walk(str(self.root / "dashboard" / "web" / "frontend")):
            subfolders[:] = sorted(set(subfolders) - {"node_modules", "tests"})
            for name in sorted(names):
                yield Path(folder, name)

    def _remembered(self) -> dict[str, Any]:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _can_start(self) -> bool:
        """Whether the last install ended, and the interpreter and the one that it was made from are there."""
        try:
            lines = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return False
        homes = [line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == "home"]
        return bool(homes) and Path(homes[0]).is_dir() and self.python.exists() and not self._installing.exists()

    def _works(self) -> bool:
        probe = f"import sys, pip; sys.exit(sys.version_info[:2] < {OLDEST_PYTHON})"
        try:
            done = subprocess.run([str(self.python), "-I", "-c", probe], capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def _install(self, kind: str, lock: IO[bytes]) -> None:
        if not (self._can_start() and self._works()):
            self._make()
        self._installing.touch()
        try:
            self._install_packages(kind, lock)
            self._install_node(lock)
            self._install_project(lock)
        except BootstrapError:
            self._installing.unlink()  # pip has put everything back; only a killed one leaves half a package.
            raise
        self._installing.unlink()
        self.remember(kind)

    def _make(self) -> None:
        command = find_python()
        leftovers = self._leftovers()
        say("{} .venv with {}.".format("Remaking" if leftovers else "Making", " ".join(command)))
        for entry in leftovers:
            remove(entry)
        make = [*command, "-m", "venv", str(self.folder)]
        done = subprocess.run(make, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise BootstrapError(f".venv could not be made: {last_lines(done.stdout + done.stderr)}")

    def _leftovers(self) -> list[Path]:
        """All that lies in the folder but the lock file, which is held."""
        return [entry for entry in self.folder.iterdir() if entry != self._lock]

    def _install_packages(self, kind: str, lock: IO[bytes]) -> None:
        name = f"scripts/locks/{kind}.lock"
        say(f"Installing the packages of {name}.")
        self._pip(lock, "--require-hashes", "--only-binary", ":all:", "--requirement", str(self.root / name))

    def _install_node(self, lock: IO[bytes]) -> None:
        """Installs Node where the front end must be built and there is none; the build says so if that fails."""
        command = [str(self.python), str(self.root / "scripts" / "build_frontend.py"), "requirements"]
        if not subprocess.run(command, stdout=subprocess.PIPE, cwd=self.root, check=False).stdout.strip():
            return
        say("Installing Node.js into .venv, to build the front end with.")
        try:
            self._pip(lock, "--require-hashes", "--requirement", str(self.root / "scripts" / "locks" / "node.lock"))
        except BootstrapError as error:
            say(str(error))

    def _install_project(self, lock: IO[bytes]) -> None:
        say("Building the front end and installing Glass Cockpit.")
        self._pip(lock, "--no-deps", "--no-build-isolation", "--editable", str(self.root))
        with contextlib.suppress(OSError):
            reason = (self.dist / "FAILED.txt").read_text(encoding="utf-8").strip()
            say(f"The front end was not built: {reason}. The pages work without it; delete {self.dist} to try again.")

    def _pip(self, lock: IO[bytes], *arguments: str) -> None:
        """Runs `pip install`, which holds the lock too: were this process killed, another must not start meanwhile."""
        command = [str(self.python), "-I", "-m", "pip", "install", "--no-input", "--retries", "2", *arguments]
        holding: dict[str, Any] = {} if WINDOWS else {"pass_fds": [lock.fileno()]}
        done = subprocess.run(
            command,
            cwd=self.root,
            env=pip_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
            **holding,
        )
        if done.returncode != 0:
            unreachable = "connection broken" in done.stdout
            what = "the package index cannot be reached" if unreachable else "a package could not be installed"
            raise BootstrapError(f"Installing failed, {what}. pip said: {last_lines(done.stdout)}")


def pip_environment() -> dict[str, str]:
    """The environment without what would send packages elsewhere than into `.venv`."""
    unwanted = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def last_lines(output: str) -> str:
    """The last three lines of a program's output that name an error, or the last three of any, as one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(ERROR|error|Error|E|\w+Error): ", line)]
    return " | ".join((errors or lines)[-3:])


def remove(entry: Path) -> None:
    """Removes a file or folder. Raises BootstrapError where a running program holds it."""
    try:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        else:
            entry.unlink()
    except OSError as error:
        raise BootstrapError(
            f"{entry} cannot be removed; is Glass Cockpit still running? ({error.strerror})"
        ) from error


def lock_exclusively(file: IO[bytes]) -> None:
    """Waits until no other process holds the file's lock, and takes it until the file is closed."""
    if not try_to_lock(file):
        say("Waiting for another start of Glass Cockpit to finish installing.")
        while not try_to_lock(file):
            time.sleep(0.2)


def try_to_lock(file: IO[bytes]) -> bool:
    """Takes the file's lock unless another process holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# Starting Glass Cockpit.


def start(arguments: list[str], root: Path) -> int:
    """Runs the demo or the server until it ends or is asked to, and returns its exit status."""
    options = start_options(arguments)
    environment = Environment(root)
    environment.ensure("run")
    say("Starting Glass Cockpit.")
    return Child([str(environment.python), "-m", "dashboard", *dashboard_arguments(options)], root).run()


def start_options(arguments: list[str]) -> argparse.Namespace:
    """The launcher's options, checked before anything is installed."""
    parser = argparse.ArgumentParser(prog="start_monitoring", description="Starts Glass Cockpit.", allow_abbrev=False)
    parser.add_argument(
        "--real",
        nargs="?",
        const="",
        metavar="APP,...",
        help="no simulators at all; or leave these apps to you and simulate the rest",
    )
    parser.add_argument("--port", type=int, metavar="N", help="the port of the pages (default: 5000)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    parser.add_argument("--data-dir", type=absolute_folder, metavar="DIR", help="where the history is kept")
    return parser.parse_args(arguments)


def absolute_folder(path: str) -> str:
    """The folder as the caller means it. Raises an error of argparse for an empty name."""
    if not path:
        raise argparse.ArgumentTypeError("the folder has no name")
    return str(Path.cwd() / path)


def dashboard_arguments(options: argparse.Namespace) -> list[str]:
    """The arguments of `python -m dashboard` for the launcher's options."""
    command = ["serve"] if options.real == "" else ["demo"]
    if options.real:
        command += ["--real", options.real]
    if options.port is not None:
        command += ["--port", str(options.port)]
    if options.data_dir is not None:
        command += ["--data-dir", options.data_dir]
    browser = "--no-browser" if options.no_browser else "--browser"
    return [*command, browser, "--exit-with-stdin"]


class Child:
    """A process that ends when this one is asked to end, and by its closed stdin when this one is killed."""

    def __init__(self, command: list[str], folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        # A session of its own keeps the terminal's Ctrl-C from it, so that it is asked to end once, by this process.
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._asked_to_stop = False
        self._process = subprocess.Popen(command, cwd=folder, env=kept, stdin=subprocess.PIPE, bufsize=0, **apart)

    def run(self) -> int:
        """Waits for the end of the child and returns its exit status; 0 when it ended because it was asked to."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup, for instance, ignores one.
                signal.signal(number, self._stop)
        status = self._wait()
        if self._asked_to_stop and status in (-signal.SIGTERM, 128 + signal.SIGTERM):
            return 0
        if status < 0:
            say(f"Glass Cockpit was ended by signal {-status}.")
        return status if status >= 0 else 128 - status

    def _wait(self) -> int:
        # Windows hands over a Ctrl-C only between waits.
        pause = 0.5 if WINDOWS else None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(pause)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self._asked_to_stop:
            self._process.kill()
            return
        self._asked_to_stop = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        if not WINDOWS:
            self._process.terminate()
        killer = threading.Timer(STOP_GRACE_SECONDS, self._process.kill)
        killer.daemon = True
        killer.start()


# Running the tests.


def test(arguments: list[str], root: Path) -> int:
    """Runs all checks and tests, says at the end which failed, and returns the first failure's exit status."""
    if "--install-peers" in arguments:
        install_peers()
    environment = Environment(root)
    environment.ensure("dev")
    steps = test_steps(str(environment.python), [argument for argument in arguments if argument != "--install-peers"])
    statuses = {name: run_step(name, command, root) for name, command in steps}
    skipped = [name for name, status in statuses.items() if status == NO_NODE_EXIT_CODE and "CI" not in os.environ]
    failed = [name for name, status in statuses.items() if status != 0 and name not in skipped]
    for name in skipped:
        say(f"Skipped: {name}, for there is no Node.js.")
    say(f"Failed: {', '.join(failed)}." if failed else "All checks and tests passed.")
    return statuses[failed[0]] if failed else 0


def test_steps(python: str, pytest_arguments: list[str]) -> list[tuple[str, list[str]]]:
    """The names and commands of the checks and tests, in their order."""
    frontend = [python, "scripts/build_frontend.py"]
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("mypy", [python, "-m", "mypy"]),
        ("mypy scripts", [python, "-m", "mypy", "scripts/bootstrap.py", "scripts/build_frontend.py"]),
        ("front-end types", [*frontend, "check"]),
        ("front-end tests", [*frontend, "test"]),
        ("pytest", [python, "-m", "pytest", *TEST_WORKERS, *pytest_arguments]),
    ]


def run_step(name: str, command: list[str], root: Path) -> int:
    """Runs one step and returns its exit status."""
    say(f"Running {name}.")
    # Tests start many processes of ours, and each would compile all modules anew.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    status = subprocess.run(command, cwd=root, env=kept, stdin=subprocess.DEVNULL, check=False).returncode
    return status if status >= 0 else 128 - status


def install_peers() -> None:
    """Installs the Debian packages that some tests need. Raises BootstrapError elsewhere than on Debian as root."""
    missing = [program for program in PEERS if shutil.which(program) is None]
    if not missing:
        return
    debian = DEBIAN_VERSION.exists() and shutil.which("apt-get") is not None
    if sys.platform == "win32" or not debian or os.geteuid() != 0:
        raise BootstrapError(f"--install-peers works as root on Debian only; missing: {', '.join(missing)}.")
    packages = sorted({PEERS[program] for program in missing})
    say(f"Installing the Debian packages {', '.join(packages)}.")
    with services_kept_off(SERVICE_POLICY):
        apt_get("update")
        apt_get("install", "--yes", "--no-install-recommends", *packages)


def apt_get(*arguments: str) -> None:
    """Runs apt-get without questions. Raises BootstrapError when it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(["apt-get", "-q", *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BootstrapError(f"apt-get {arguments[0]} failed: {last_lines(done.stdout + done.stderr)}")


@contextlib.contextmanager
def services_kept_off(policy: Path) -> Iterator[None]:
    """Keeps Debian from starting the services of packages that are installed meanwhile; `policy` is invoke-rc.d's."""
    before = policy.read_bytes() if policy.exists() else None
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            policy.unlink()
        else:
            policy.write_bytes(before)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Runs a command of this file's docstring and returns the exit status."""
    commands = {"start": start, "test": test}
    if not arguments or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        return commands[arguments[0]](arguments[1:], root)
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE
    except (BootstrapError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
