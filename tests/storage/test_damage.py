"""What damage does: the rest stays readable, it is named and set aside, and no value is ever wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dashboard.database import DatabaseError, NewerDatabaseError, UnusableDatabaseError
from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from tests.storage.conftest import Dump, Store

MakeStore = Callable[..., Store]
OPTIONS = {"block_length": 1000, "raw_rows": 8, "clock": lambda: 20_000}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Dump]:
    """The bytes of a database with blocks, runs, rows and points, and what it holds."""
    store = Store(tmp_path_factory.mktemp("whole"), **OPTIONS)
    chance = np.random.default_rng(1)
    labels = [Labels.of({"__name__": f"old{number}", "le": "0.5"}) for number in range(40)]
    values = np.cumsum(chance.poisson(5, (40, 500)), axis=1).astype(float)
    store.storage.import_batches([SeriesBatch(labels, np.arange(0, 10_000, 20), values)])
    appender, names = store.storage.appender(), store.ids(*(f"new{number}" for number in range(40)))
    for time in range(10_000, 13_000, 30):
        appender.append(time, names, chance.normal(size=40))
    store.storage.append_points(np.repeat(store.ids("p"), 50), np.arange(10_000, 10_050), chance.normal(size=50))
    store.storage.flush()
    store.storage.upkeep(12_300)
    held = store.dump()
    store.close()
    assert len(held) == 81
    return store.database.file.read_bytes(), held


def open_damaged(directory: Path, octets: bytes) -> Store | None:
    """Open a store over these bytes; nothing if SQLite finds it so damaged, or us so strange, that it is refused."""
    directory.mkdir()
    (directory / "cockpit.db").write_bytes(octets)
    try:
        return Store(directory, **OPTIONS)
    except (UnusableDatabaseError, NewerDatabaseError) as error:
        told = str(error)
    assert "cockpit.db" in told
    return None


def damages(octets: bytes, chance: random.Random, kind: str) -> bytes:
    copy = bytearray(octets)
    place = chance.randrange(8192, len(copy))
    if kind == "flip":
        copy[place] ^= 1 << chance.randrange(8)
    elif kind == "page":
        page = place // 8192 * 8192
        copy[page : page + 8192] = bytes(8192)
    else:
        del copy[place // 8192 * 8192 :]
    return bytes(copy)


@pytest.mark.parametrize(("kind", "times"), [("flip", 60), ("page", 20), ("cut", 5)])
def test_damage_never_makes_a_wrong_value(tmp_path: Path, whole: tuple[bytes, Dump], kind: str, times: int) -> None:
    octets, held = whole
    chance = random.Random(4)
    opened = lost = 0
    for number in range(times):
        store = open_damaged(tmp_path / str(number), damages(octets, chance, kind))
        if store is None:
            continue
        opened += 1
        try:
            found = store.dump()
        except DatabaseError:
            found = {}
        finally:
            store.close()
        for name, samples in found.items():
            assert set(samples) <= set(held[name])
        lost += sum(map(len, held.values())) - sum(map(len, found.values()))
    # SQLite refuses a file that is shorter than it says.
    assert opened > times / 2 or kind == "cut"
    assert lost > 0 or kind == "cut"


def test_a_damaged_blob_is_set_aside_with_its_reason(make_store: MakeStore) -> None:
    store = make_store(**OPTIONS)
    store.storage.appender().append(10, store.ids("a"), np.array([0.5]))
    store.storage.flush()
    store.storage.upkeep(5000)
    store.database.write(lambda connection: connection.execute("UPDATE block_chunks SET body = X'070102030405'"))
    assert store.dump() == {}
    store.database.write(lambda _: None)
    with store.database.read() as connection:
        rows = connection.execute("SELECT place, body FROM damaged").fetchall()
    assert rows == [("chunk 0 of group 1 of the blocks", bytes.fromhex("070102030405"))]
    store.reopen()
    assert store.metric("glass_storage_damaged_places") == 1


def test_labels_that_were_changed_are_left_out(make_store: MakeStore) -> None:
    store = make_store()
    store.storage.appender().append(10, store.ids("a", "b"), np.array([1.0, 2.0]))
    store.storage.flush()
    store.database.write(
        lambda connection: connection.execute("UPDATE series SET labels = replace(labels, 'a', 'x') WHERE id = 0")
    )
    store.reopen()
    assert store.dump().keys() == {"b"}
    assert store.metric("glass_storage_damaged_places") == 1


def test_a_chunk_in_the_place_of_another_is_left_out(make_store: MakeStore) -> None:
    store = make_store(**OPTIONS)
    for name in "ab":
        store.storage.appender().append(10, store.ids(name), np.array([float(ord(name))]))
    store.storage.flush()
    store.storage.upkeep(5000)
    assert store.dump().keys() == {"a", "b"}
    store.database.write(
        lambda connection: connection.execute(
            "UPDATE block_chunks SET body = (SELECT body FROM block_chunks ORDER BY id LIMIT 1)"
        )
    )
    store.reopen()
    assert store.dump().keys() == {"a"}
