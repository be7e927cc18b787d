"""A kill at any moment: the store opens, is whole, and has what was shown."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.model.matcher import Matcher
from tests.storage.conftest import Store

# Each row holds its own number in every series, so that a lost, doubled or mixed row shows.
WRITER = """
import itertools, sys, threading
from pathlib import Path
import numpy as np
from prometheus_client import CollectorRegistry
from dashboard.database import Database
from dashboard.model.labels import Labels
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations

database = Database.open(Path(sys.argv[1]), [migrations])
storage = Storage(database, registry=CollectorRegistry(), clock=lambda: 0, retention=10**12, journal_interval=5,
                  block_length=50, raw_rows=8)
storage.open()
ids = np.array([storage.series_id(Labels.of({"__name__": "m", "n": str(n)})) for n in range(40)])
points = np.array([storage.series_id(Labels.of({"__name__": "p", "n": str(n)})) for n in range(3)])
latest = max((int(batch.timestamps[-1]) for batch in storage.select([], 0, 10**12)), default=0)
appender = storage.appender()
now = latest

def show():
    while True:
        for batch in storage.select([], max(0, now - 500), 10**12):
            if len(batch.labels) == 40:
                print(int(batch.timestamps[-1]), flush=True)

def keep_up():
    while True:
        storage.upkeep(now)

print("open", flush=True)
for work in (show, keep_up):
    threading.Thread(target=work, daemon=True).start()
for now in itertools.count(latest + 1):
    appender.append(now, ids, np.full(40, float(now)))
    if now % 50 == 0:
        storage.append_points(points, np.full(3, now), np.full(3, float(now)))
    storage.flush() if now % 7 == 0 else threading.Event().wait(0.0005)
"""


def run_and_kill(directory: Path, seconds: float) -> int:
    """Run the writer, kill it so long after it has opened, and return the latest timestamp that a query has shown."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    shown = [int(line) for line in process.stdout if line.endswith("\n")]
    process.stdout.close()
    process.wait()
    timer.join()
    assert process.returncode == -signal.SIGKILL
    return max(shown, default=0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_ten_kills_lose_nothing_that_was_shown(
    tmp_path: Path, make_store: Callable[..., Store], named: Callable[[str], Matcher]
) -> None:
    directory = tmp_path / "data"
    chance = random.Random(5)
    blocks = 0
    for kills in range(1, 11):
        shown = run_and_kill(directory, chance.uniform(0.02, 0.4))
        store = make_store(block_length=50, raw_rows=8)
        with store.database.read() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (rows,) = store.storage.select([named("m")], 0, 10**9)
        points = store.storage.select([named("p")], 0, 10**9)
        store.close()
        # Every row up to the last one, once, and with its own value: timestamps rise by one from 1 on.
        latest = int(rows.timestamps[-1])
        assert latest >= shown
        assert len(rows.labels) == 40
        assert rows.timestamps.tolist() == list(range(1, latest + 1))
        assert (rows.values == rows.timestamps).all()
        for batch in points:
            # A kill may fall between the commit of a row and that of the points after it.
            missing = set(range(50, latest + 1, 50)) - set(batch.timestamps.tolist())
            assert len(missing) <= kills
            assert not (batch.timestamps % 50).any()
            assert (batch.values == batch.timestamps).all()
        blocks = max(blocks, store.storage.stats().blocks)
    assert latest > 100
    assert blocks > 2
