"""The apps as child processes, each on its own port. What starts them needs nothing but this module and the table."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

from simulators.loopback import check_port, is_listening
from simulators.model import App

PORT_BASE = 8001


def chosen_seed(seed: int | None) -> int:
    """Return the seed, or a random one where none was given."""
    return secrets.randbits(32) if seed is None else seed


class Fleet:
    """Processes of some apps: started all at once, ended together.

    Each child ends by itself when its stdin pipe reaches its end, so none outlives this process however that ends.
    """

    def __init__(self, apps: Sequence[App], *, seed: int | None = None, port_base: int = PORT_BASE) -> None:
        """Take the table's ports, shifted so that 8001 becomes ``port_base``. Without a seed it is a random one."""
        self.apps = tuple(apps)
        self.seed = chosen_seed(seed)
        self.ports = {app.name: app.port - PORT_BASE + port_base for app in self.apps}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each app that was started."""
        return {name: child.pid for name, child in self._children.items()}

    def start(self) -> None:
        """Start all processes, without waiting until they answer; raises ``PortTakenError`` before any is started."""
        for app in self.apps:
            check_port(app.name, self.ports[app.name])
        for app in self.apps:
            self._children[app.name] = self._spawn(app)

    def wait_until_listening(self, timeout: float) -> bool:
        """Wait until every app takes connections; ``False`` where one does not in so many seconds."""
        deadline = time.monotonic() + timeout
        waiting = set(self.ports.values())
        while waiting and time.monotonic() < deadline:
            waiting = {port for port in waiting if not is_listening(port)}
            if waiting:
                time.sleep(0.05)
        return not waiting

    def ended(self) -> dict[str, int]:
        """Return the exit status of each app whose process has ended."""
        statuses = {name: child.poll() for name, child in self._children.items()}
        return {name: status for name, status in statuses.items() if status is not None}

    def stop(self, timeout: float = 2.0) -> None:
        """Ask all processes to end, and end those that have not after ``timeout`` seconds."""
        for child in self._children.values():
            if child.stdin is not None:
                child.stdin.close()
        deadline = time.monotonic() + timeout
        for child in self._children.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def __enter__(self) -> Fleet:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self, app: App) -> subprocess.Popen[bytes]:
        port, seed = str(self.ports[app.name]), str(self.seed)
        options = ["--serve", "--port", port, "--seed", seed, "--exit-with-stdin"]
        command = [sys.executable, "-m", "simulators", app.name, *options]
        # Ctrl-C is for the parent alone, which then ends its children; and no console window may pop up.
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
            return subprocess.Popen(command, stdin=subprocess.PIPE, creationflags=flags)
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
