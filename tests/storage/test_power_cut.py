"""A power cut at any moment: what was acknowledged is there, the file is whole, and no value is wrong.

The file operations of a real process are recorded, and the disk is made again as it may be found after each of them.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from dashboard.database import DatabaseError, UnusableDatabaseError
from dashboard.database.backup import back_up, restore
from dashboard.model.matcher import Matcher
from dashboard.storage.migrations import migrations
from tests.storage.conftest import Store
from tests.storage.crash_images import Disk, Operation, Said, Synced, record

ROWS = 600
SERIES = 20
OPTIONS = {"block_length": 20, "raw_rows": 8, "retention": 360}

# Each row holds its own number in every series. Rows are committed a few at a time, become blocks of 20, of which six
# are merged, and go when they are older than the retention. History comes and is deleted again. The log is moved into
# the file often. What is said has happened for good.
WRITER = """
import sys
from pathlib import Path
import numpy as np
from prometheus_client import CollectorRegistry
from dashboard.database import Database, connection, writer
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import SeriesBatch
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations

connection.LOG_BYTES = writer.LOG_BYTES = 200_000
directory, rows, series = Path(sys.argv[1]), *map(int, sys.argv[2:])
say = lambda text: print(text, flush=True)
database = Database.open(directory, [migrations])
storage = Storage(database, registry=CollectorRegistry(), clock=lambda: now, journal_interval=3_600_000,
                  block_length=20, raw_rows=8, retention=360)
storage.open()
ids = np.array([storage.series_id(Labels.of({"__name__": "m", "n": str(n)})) for n in range(series)])
appender = storage.appender()
for now in range(1, rows + 1):
    appender.append(now, ids, np.full(series, float(now)))
    if now % 3 == 0:
        assert storage.flush()
        say(f"row {now}")
    if now % 10 == 0:
        storage.upkeep(now)
    if now % 40 == 0:
        labels = [Labels.of({"__name__": "imported", "turn": str(now), "n": str(n)}) for n in range(3)]
        times = np.arange(now - 30, now)
        storage.import_batches([SeriesBatch(labels, times, np.full((3, 30), float(now)))])
        say(f"imported {now}")
    if now % 80 == 0:
        say(f"deleting {now}")
        storage.delete_series([[Matcher(MatchKind.EQUAL, "turn", str(now))]], 0, rows)
        say(f"deleted {now}")
storage.close()
database.close()
say("closed")
"""


pytestmark = pytest.mark.traced


RESTORER = """
import sys
from pathlib import Path
from dashboard.database.backup import restore
from dashboard.storage.migrations import migrations

restore(Path(sys.argv[1]), Path(sys.argv[2]), [migrations], ".old")
print("restored", flush=True)
"""


def recorded(folder: Path, script: str, *arguments: object) -> list[Operation]:
    return record([sys.executable, "-c", script, *map(str, arguments)], folder / "trace")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Operation]]:
    """What the writer did, and in which directory."""
    folder = tmp_path_factory.mktemp("written")
    return folder / "data", recorded(folder, WRITER, folder / "data", ROWS, SERIES)


def images(
    directory: Path, files: dict[str, bytes], operations: Sequence[Operation], count: int
) -> Iterator[tuple[dict[str, bytes], list[str]]]:
    """Yield what may be found after cuts at moments by chance, and what was said before."""
    chance, disk, said = random.Random(7), Disk(directory, files), list[str]()
    moments = sorted(chance.choices(range(len(operations) + 1), k=count))
    for place in range(len(operations) + 1):
        while moments and moments[0] == place:
            moments.pop(0)
            yield disk.image(chance), said
        if place < len(operations):
            disk.replay(operations[place])
            if isinstance(operation := operations[place], Said):
                said.append(operation.text)


def lay_out(image: dict[str, bytes], directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, octets in image.items():
        (directory / name).write_bytes(octets)
    return directory


def numbers(said: Sequence[str], what: str) -> list[int]:
    return [int(line.split()[1]) for line in said if line.startswith(f"{what} ")]


def check(store: Store, said: Sequence[str], named: Callable[[str], Matcher]) -> None:
    with store.database.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert store.metric("glass_storage_damaged_places") == 0
    acknowledged = max(numbers(said, "row"), default=0)
    rows = store.storage.select([named("m")], 0, 10**9)
    assert len(rows) == (1 if acknowledged else len(rows))
    for batch in rows:
        first, last = int(batch.timestamps[0]), int(batch.timestamps[-1])
        # Up to three rows are in one commit.
        assert acknowledged <= last <= acknowledged + 3
        assert first <= max(1, last - 360 + 20)
        assert batch.timestamps.tolist() == list(range(first, last + 1))
        assert len(batch.labels) == SERIES
        assert (batch.values == batch.timestamps).all()
    check_imports(store, said, named, acknowledged)


def check_imports(store: Store, said: Sequence[str], named: Callable[[str], Matcher], now: int) -> None:
    held: dict[int, int] = {}
    for batch in store.storage.select([named("imported")], 0, 10**9):
        for labels, values in zip(batch.labels, batch.values, strict=True):
            turn = int(labels.get("turn") or "-1")
            assert (values == turn).all()
            held[turn] = held.get(turn, 0) + len(values)
    deleting, deleted = numbers(said, "deleting"), numbers(said, "deleted")
    assert not set(held) & set(deleted)
    kept = set(numbers(said, "imported")) - set(deleting)
    assert {turn for turn in kept if turn > now - 360 + 60} <= set(held)
    assert all(count == 90 for turn, count in held.items() if turn not in deleting and turn > now - 360 + 60)


def go_on(store: Store, named: Callable[[str], Matcher]) -> None:
    """Check that what is stored after the power is back stays, too."""
    series = store.ids("after")
    store.storage.appender().append(ROWS + 1, series, np.array([1.0]))
    assert store.storage.flush()
    store.storage.upkeep(ROWS + 1)
    store.reopen()
    assert [batch.timestamps.tolist() for batch in store.storage.select([named("after")], 0, 10**9)] == [[ROWS + 1]]


def cut_often(folder: Path, written: tuple[Path, list[Operation]], named: Callable[[str], Matcher], count: int) -> None:
    for number, (image, said) in enumerate(images(written[0], {}, written[1], count)):
        store = Store(lay_out(image, folder / "image"), **OPTIONS)
        try:
            check(store, said, named)
            if number % 20 == 0:
                go_on(store, named)
        finally:
            store.close()


def test_a_power_cut_loses_nothing_that_was_acknowledged(
    tmp_path: Path, written: tuple[Path, list[Operation]], named: Callable[[str], Matcher]
) -> None:
    cut_often(tmp_path, written, named, 300)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_ten_thousand_power_cuts_lose_nothing_that_was_acknowledged(
    tmp_path: Path, written: tuple[Path, list[Operation]], named: Callable[[str], Matcher]
) -> None:
    cut_often(tmp_path, written, named, 10_000)


def test_a_disk_that_forgets_syncs_would_be_noticed(
    tmp_path: Path, written: tuple[Path, list[Operation]], named: Callable[[str], Matcher]
) -> None:
    directory, operations = written
    log = str(directory / "cockpit.db-wal")
    forgetful = [each for each in operations if not isinstance(each, Synced) or each.path != log]
    with pytest.raises((AssertionError, DatabaseError)):
        cut_often(tmp_path, (directory, forgetful), named, 100)


def left_open(directory: Path, scratch: Path, rows: int) -> None:
    """Make a data directory with so many rows, as a kill leaves it."""
    store = Store(scratch)
    appender = store.storage.appender()
    for number in range(1, rows + 1):
        appender.append(number, store.ids("m"), np.array([float(number)]))
    store.storage.flush()
    shutil.copytree(scratch, directory)
    store.close()


def test_a_power_cut_while_a_copy_is_restored_leaves_the_old_data_the_new_or_a_refusal(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    left_open(data, tmp_path / "old", 30)
    left_open(tmp_path / "other", tmp_path / "new", 60)
    back_up(tmp_path / "other", copy)
    files = {path.name: path.read_bytes() for path in data.iterdir() if not path.name.endswith("-shm")}
    operations = recorded(tmp_path, RESTORER, copy, data)
    found = set()
    for image, said in images(data, files, operations, 200):
        directory = lay_out(image, tmp_path / "image")
        if not (directory / "cockpit.db").exists():
            with pytest.raises(UnusableDatabaseError, match="it was being restored"):
                Store(directory)
            found.add("refused")
            restore(copy, directory, [migrations], ".again")
        store = Store(directory)
        rows = len(store.dump()["m"])
        assert rows in ([60] if said else [30, 60])
        found.add(str(rows))
        store.close()
    assert found == {"30", "60", "refused"}
