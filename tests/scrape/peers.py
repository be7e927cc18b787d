"""The real Prometheus, to compare with."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.model.labels import Labels

Stored = dict[Labels, str]


@dataclass(frozen=True)
class Prometheus:
    """A server that runs; ``version`` is its first number."""

    port: int
    version: int

    def ask(self, path: str, **params: str) -> Any:
        """Return the data of an answer of its API."""
        query = urllib.parse.urlencode(params)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until a condition holds; while the server does not answer, it does not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(OSError):
                if condition():
                    return
            time.sleep(0.1)
        raise AssertionError("Prometheus did not get there in time")

    def stored(self) -> Stored:
        """Return the value now of every series."""
        result = self.ask("query", query='{__name__!=""}')["result"]
        return {Labels.of(series["metric"]): repr(float(series["value"][1])) for series in result}


@contextmanager
def prometheus(config: Path, folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus on a configuration; what it writes goes to a folder."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    arguments = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["prometheus", *arguments, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
    try:
        yield Prometheus(port, major_version())
    finally:
        process.terminate()
        process.wait(20)


def major_version() -> int:
    """Return the first number of the version of the Prometheus that is installed."""
    told = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
    return int((told.stdout + told.stderr).split("version ", 1)[1].split(".", 1)[0])
