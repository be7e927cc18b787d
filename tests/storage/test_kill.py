"""A kill at any moment: the store opens, is whole, and has what was shown.

The writers are forked from one process that has imported everything, so that a kill costs a moment and not a start.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.model.matcher import Matcher
from tests.storage.conftest import Store

# Each row holds its own number in every series, so that a lost, doubled or mixed row shows. Rows come without end, in
# windows of 20, of which six and then thirty are merged; what is older than the retention goes; and history is imported
# again and again, each time with another value, which may be seen whole or not at all.
WRITER = """
import itertools, os, signal, sys, threading, time
from pathlib import Path
import numpy as np
from prometheus_client import CollectorRegistry
from dashboard.database import Database
from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from dashboard.storage import KeepRule, Retention, Storage
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.storage.migrations import migrations

RETENTION = 6000

def write(directory):
    database = Database.open(Path(directory), [migrations])
    storage = Storage(database, registry=CollectorRegistry(), clock=lambda: now, retention=RETENTION,
                      journal_interval=5, block_length=20, raw_rows=8)
    rule = KeepRule((Matcher(MatchKind.EQUAL, "__name__", "imported"),), 10**12)
    storage.retain(Retention(RETENTION, rules=(rule,)))
    storage.open()
    ids = np.array([storage.series_id(Labels.of({"__name__": "m", "n": str(n)})) for n in range(40)])
    points = np.array([storage.series_id(Labels.of({"__name__": "p", "n": str(n)})) for n in range(3)])
    rows = storage.select([Matcher(MatchKind.EQUAL, "__name__", "m")], 0, 10**12)
    latest = max((int(batch.timestamps[-1]) for batch in rows), default=0)
    appender = storage.appender()
    now = latest
    pause = threading.Event()

    def show():
        while not pause.wait(0.005):
            for batch in storage.select([], max(0, now - 500), 10**12):
                if len(batch.labels) == 40:
                    os.write(1, b"%d\\n" % batch.timestamps[-1])

    def keep_up():
        while not pause.wait(0.005):
            storage.upkeep(now)

    def bring_in():
        for turn in itertools.count(latest):
            labels = [Labels.of({"__name__": "imported", "turn": str(turn), "n": str(n)}) for n in range(3)]
            times = np.arange(0, 1000, 5)
            storage.import_batches([SeriesBatch(labels, times, np.full((3, 200), float(turn)))])
            pause.wait(0.1)

    for work in (show, keep_up, bring_in):
        threading.Thread(target=work, daemon=True).start()
    for now in itertools.count(latest + 1):
        appender.append(now, ids, np.full(40, float(now)))
        if now % 50 == 0:
            storage.append_points(points, np.full(3, now), np.full(3, float(now)))
        storage.flush() if now % 7 == 0 else pause.wait(0.0003)

for line in sys.stdin:
    seconds, directory = line.strip().split(" ", 1)
    child = os.fork()
    if not child:
        write(directory)
    time.sleep(float(seconds))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WTERMSIG(status) == signal.SIGKILL else "died", flush=True)
"""


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[str]]:
    """A process that forks a writer for each directory that it is told."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WRITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def run_and_kill(nursery: subprocess.Popen[str], directory: Path, seconds: float) -> int:
    """Run the writer, kill it so long after its start, and return the latest timestamp that a query has shown."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{seconds} {directory}\n")
    nursery.stdin.flush()
    shown = 0
    for line in nursery.stdout:
        assert line != "died\n"
        if line == "killed\n":
            break
        shown = max(shown, int(line))
    return shown


def check(store: Store, shown: int, kills: int, named: Callable[[str], Matcher], *, whole: bool) -> int:
    """Check that every row is there once with its own value, and return the latest."""
    with store.database.read() as connection:
        pragma = "integrity_check" if whole else "quick_check"
        assert connection.execute(f"PRAGMA {pragma}").fetchall() == [("ok",)]
    latest = shown
    for rows in store.storage.select([named("m")], 0, 10**9):
        # Every row up to the last one, once, and with its own value: timestamps rise by one.
        first, latest = int(rows.timestamps[0]), int(rows.timestamps[-1])
        assert latest >= shown
        assert len(rows.labels) == 40
        assert rows.timestamps.tolist() == list(range(first, latest + 1))
        assert first <= max(1, latest - 6000 + 20)
        assert (rows.values == rows.timestamps).all()
    for batch in store.storage.select([named("p")], 0, 10**9):
        # A kill may fall between the commit of a row and that of the points after it.
        missing = set(range(int(batch.timestamps[0]), latest + 1, 50)) - set(batch.timestamps.tolist())
        assert len(missing) <= kills
        assert (batch.values == batch.timestamps).all()
    for batch in store.storage.select([named("imported")], 0, 10**9):
        assert batch.timestamps.tolist() == list(range(0, 1000, 5))
        for labels, values in zip(batch.labels, batch.values, strict=True):
            assert (values == float(labels.get("turn") or "nan")).all()
    return latest


def kill_often(
    nursery: subprocess.Popen[str],
    make_store: Callable[..., Store],
    directory: Path,
    named: Callable[[str], Matcher],
    *,
    kills: int,
    longest: float,
) -> None:
    chance = random.Random(5)
    merged = latest = 0
    # On a slow machine it takes more and longer turns until blocks are merged.
    for kill in range(1, 2 * kills):
        if kill > kills:
            longest *= 1.1
        shown = run_and_kill(nursery, directory, chance.uniform(0.005, longest))
        began, worked = time.perf_counter(), time.process_time()
        store = make_store(block_length=20, raw_rows=8, retention=6000)
        # Other tests run beside this one: of what the machine gave them nothing is to be concluded.
        assert time.process_time() - worked < 2
        assert time.perf_counter() - began < 10
        latest = check(store, max(shown, latest), kill, named, whole=kill % 10 == 0)
        merged = max(merged, *(block.end - block.start for block in store.storage._blocks.all()), 0)
        store.close()
        if kill >= kills and merged > 20:
            break
    assert latest > 60
    assert merged > 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_fifty_kills_lose_nothing_that_was_shown(
    nursery: subprocess.Popen[str], tmp_path: Path, make_store: Callable[..., Store], named: Callable[[str], Matcher]
) -> None:
    kill_often(nursery, make_store, tmp_path / "data", named, kills=50, longest=0.2)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_thousand_kills_lose_nothing_that_was_shown(
    nursery: subprocess.Popen[str], tmp_path: Path, make_store: Callable[..., Store], named: Callable[[str], Matcher]
) -> None:
    kill_often(nursery, make_store, tmp_path / "data", named, kills=1000, longest=1.5)
