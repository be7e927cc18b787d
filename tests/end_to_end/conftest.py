from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Launcher


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    starter = Launcher(tmp_path)
    yield starter
    for server in starter.running:
        server.end(signal.SIGKILL)
