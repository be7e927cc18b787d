"""A kill at any moment: the store opens again, and what a query had shown is still there."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from pathlib import Path

from processes import Launcher, Server, Target, free_port

KILLS = 10


class Counter:
    """A page whose one counter tells how often it was served."""

    def __init__(self) -> None:
        self.hits = 0

    def __call__(self, _: str) -> bytes:
        self.hits += 1
        return f"hits {self.hits}\n".encode()


def stored_hits(server: Server) -> list[int]:
    """Return every count that a query shows, oldest first."""
    series = server.query("hits[1h]")
    return [int(value) for _, value in series[0]["values"]] if series else []


def integrity(data: Path) -> str:
    # A plain connection recovers the log of the killed process, as any reader of the file would.
    connection = sqlite3.connect(data / "cockpit.db")
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def test_kills_lose_nothing_that_a_query_has_shown(launcher: Launcher, tmp_path: Path) -> None:
    counter, chance, port, shown = Counter(), random.Random(5), free_port(), set[int]()
    with Target(counter).serving() as target:
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 100ms, scrape_timeout: 100ms}\n"
            f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target.server_port}']}}]}}]\n"
        )
        for _ in range(KILLS):
            server = launcher.glass("--config", str(config), port=port)
            assert shown <= set(stored_hits(server))
            until = time.monotonic() + chance.uniform(0.05, 3.0)
            while time.monotonic() < until:
                shown.update(stored_hits(server))
            server.end(signal.SIGKILL)
            assert integrity(tmp_path / "data") == "ok"
        kept = stored_hits(launcher.glass("--config", str(config), port=port))
    assert len(shown) > KILLS
    assert shown <= set(kept)
    assert len(kept) == len(set(kept)), "a scrape was stored twice"
    assert set(kept) <= set(range(1, counter.hits + 1)), "a sample was stored that was never served"
