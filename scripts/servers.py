"""Servers that the benchmarks start on loopback: where they listen, when they answer, and what they use."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Return the seconds of CPU that its processes have used."""
        return sum(sum(each.cpu_times()[:2]) for each in self.tree())

    def memory(self) -> int:
        """Return the bytes that its processes hold."""
        return sum(int(each.memory_info().rss) for each in self.tree())

    def ask(self, query: str) -> list[Any]:
        """Return the result of an instant query."""
        url = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310 - our own server on loopback.
            found: list[Any] = json.load(reply)["data"]["result"]
            return found

    def wait(self, path: str = "/-/ready") -> None:
        """Wait until the server answers."""
        for _ in range(600):
            try:
                urllib.request.urlopen(self.url + path, timeout=5).close()  # noqa: S310 - our own server on loopback.
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
            else:
                return
        sys.exit(f"{self.name} does not answer on {self.url}")

    def tree(self) -> list[psutil.Process]:
        """Return its process and those that this has started."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@contextmanager
def running(name: str, port: int, command: Sequence[str], log: Path) -> Iterator[Server]:
    """Run a server that listens on a port, and tell the end of its log where it does not end well."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield Server(name, port, process)
    finally:
        process.terminate()
        code = process.wait(60)
        if code:
            print(f"{name} ended with {code}: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def glass(config: Path, data: Path, port: int, *options: str) -> list[str]:
    """Return the command that starts Glass Cockpit."""
    command = [sys.executable, "-m", "dashboard", "serve", "--no-browser"]
    return [*command, f"--config={config}", f"--data-dir={data}", f"--port={port}", *options]


def prometheus(config: Path, data: Path, port: int, *options: str, binary: str = "prometheus") -> list[str]:
    """Return the command that starts Prometheus."""
    listen = f"--web.listen-address=127.0.0.1:{port}"
    return [binary, f"--config.file={config}", f"--storage.tsdb.path={data}", listen, *options]
