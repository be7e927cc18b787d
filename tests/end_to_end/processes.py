"""The real server as a process of its own, with real targets on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest

Answer = TypeVar("Answer")

PATIENCE = 60.0
"""Seconds after which a wait is given up; nothing is measured by it."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for(question: Callable[[], Answer | None], what: str, patience: float = PATIENCE) -> Answer:
    """Ask until there is an answer that says something."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    pytest.fail(f"gave up waiting for {what}")


def get_json(url: str, **parameters: Any) -> Any:
    if parameters:
        url += "?" + urllib.parse.urlencode(parameters, doseq=True)
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def glass(*arguments: str, cwd: Path, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=cwd,
        # A demo that runs on this machine meanwhile must not be taken for an earlier start.
        env={**os.environ, "GLASS_COCKPIT_PORT": "0"},
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Target(ThreadingHTTPServer):
    """A target on loopback; ``page`` makes the body of the answer to a path."""

    def __init__(self, page: Callable[[str], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.page = page

    @contextmanager
    def serving(self) -> Iterator[Target]:
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        yield self
        self.shutdown()
        self.server_close()
        thread.join()


class _Answer(BaseHTTPRequestHandler):
    server: Target

    def do_GET(self) -> None:
        body = self.server.page(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@dataclass
class Server:
    """A process that answers Prometheus's API at ``url``."""

    url: str
    process: subprocess.Popen[bytes]

    def query(self, expression: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = get_json(f"{self.url}/api/v1/query", query=expression, **parameters)
        return list(answer["data"]["result"])

    def is_ready(self, path: str) -> bool:
        assert self.process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(20)


@dataclass
class Launcher:
    """Starts servers, and ends those that a test leaves running."""

    folder: Path
    running: list[Server] = field(default_factory=list)

    def glass(self, *arguments: str, command: str = "serve", port: int | None = None) -> Server:
        """Start ``glass serve`` or ``glass demo`` on the data of this test, and wait until it is ready."""
        port = port or free_port()
        options = ["--port", str(port), "--data-dir", str(self.folder / "data"), *arguments]
        return self._start([sys.executable, "-m", "dashboard", command, *options], f"http://127.0.0.1:{port}", "/ready")

    def prometheus(self, config: Path, *options: str) -> Server:
        """Start the real Prometheus on a configuration file and wait until it is ready."""
        port = free_port()
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / f'prometheus-{port}'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
            *options,
        ]
        return self._start(command, f"http://127.0.0.1:{port}", "/-/ready")

    def _start(self, command: list[str], url: str, ready: str) -> Server:
        log = (self.folder / f"{Path(command[0]).name}-{len(self.running)}.log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        log.close()
        server = Server(url, process)
        self.running.append(server)
        wait_for(lambda: server.is_ready(ready), f"{command[0]} to be ready")
        return server
