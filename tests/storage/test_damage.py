"""What damage does: the rest stays readable, it is named and set aside, and no value is ever wrong."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dashboard.database import DatabaseError, NewerDatabaseError, UnusableDatabaseError
from dashboard.database.connection import PAGE_SIZE
from dashboard.model.labels import Labels
from dashboard.model.samples import SeriesBatch
from tests.storage.conftest import Dump, Store

MakeStore = Callable[..., Store]
FILE, LOG = "cockpit.db", "cockpit.db-wal"
OPTIONS = {"block_length": 1000, "raw_rows": 8, "clock": lambda: 20_000}


@dataclass(frozen=True)
class Whole:
    """The files of a database as a kill leaves them, and what they hold."""

    files: dict[str, bytes]
    held: Dump
    largest: int
    """How many samples the largest block has."""
    logged: int
    """How many samples are in the log alone."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A database with blocks, runs, rows and points, of which the last are in its log."""
    store = Store(tmp_path_factory.mktemp("whole"), **OPTIONS)
    chance = np.random.default_rng(1)
    labels = [Labels.of({"__name__": f"old{number}", "le": "0.5"}) for number in range(40)]
    values = np.cumsum(chance.poisson(5, (40, 500)), axis=1).astype(float)
    store.storage.import_batches([SeriesBatch(labels, np.arange(0, 10_000, 20), values)])
    append(store, range(10_000, 13_000, 30), chance)
    store.storage.append_points(np.repeat(store.ids("p"), 50), np.arange(10_000, 10_050), chance.normal(size=50))
    store.storage.flush()
    store.storage.upkeep(12_300)
    store.reopen()
    before = samples(store.dump())
    append(store, range(13_000, 13_300, 30), chance)
    files = {name: (store.directory / name).read_bytes() for name in (FILE, LOG)}
    held = store.dump()
    largest = max(block.samples for block in store.storage._blocks.all())
    store.close()
    assert len(held) == 81
    return Whole(files, held, largest, samples(held) - before)


def append(store: Store, times: range, chance: np.random.Generator) -> None:
    appender, names = store.storage.appender(), store.ids(*(f"new{number}" for number in range(40)))
    for time in times:
        appender.append(time, names, chance.normal(size=40))
        if time % 4 == 0:
            store.storage.flush()
    store.storage.flush()


def samples(dump: Dump) -> int:
    return sum(map(len, dump.values()))


def open_damaged(directory: Path, files: dict[str, bytes]) -> Store | None:
    """Open a store over these files; nothing if SQLite finds them so damaged, or us so strange, that it is refused."""
    directory.mkdir(parents=True)
    for name, octets in files.items():
        (directory / name).write_bytes(octets)
    try:
        return Store(directory, **OPTIONS)
    except (UnusableDatabaseError, NewerDatabaseError) as error:
        told = str(error)
    assert "cockpit.db" in told
    assert "\n" not in told
    return None


class Kind(enum.Enum):
    """What happens to a file."""

    FLIP = "one bit is another"
    PAGE = "8 KiB are zeros"
    CUT = "its end is missing"

    def damage(self, octets: bytes, first: int, chance: random.Random) -> bytes:
        """Return the bytes of a file that was damaged behind its first ones."""
        copy = bytearray(octets)
        place = chance.randrange(first, len(copy))
        if self is Kind.FLIP:
            copy[place] ^= 1 << chance.randrange(8)
        elif self is Kind.PAGE:
            page = place // PAGE_SIZE * PAGE_SIZE
            copy[page : page + PAGE_SIZE] = bytes(min(PAGE_SIZE, len(copy) - page))
        else:
            del copy[place:]
        return bytes(copy)


def damage_often(directory: Path, whole: Whole, file: str, kind: Kind, times: int) -> list[int]:
    """Damage a file again and again; check that no value is wrong, and return how many samples were lost each time."""
    chance, lost = random.Random(4), []
    # SQLite refuses a database whose first page is damaged.
    first = PAGE_SIZE if file == FILE else 0
    for number in range(times):
        octets = kind.damage(whole.files[file], first, chance)
        store = open_damaged(directory / str(number), {**whole.files, file: octets})
        if store is None:
            continue
        try:
            found = store.dump()
        except DatabaseError:
            found = {}
        finally:
            store.close()
        for name, of_one in found.items():
            assert set(of_one) <= set(whole.held[name])
        lost.append(samples(whole.held) - samples(found))
    return lost


def check_damage(directory: Path, whole: Whole, times: dict[tuple[str, Kind], int]) -> None:
    for (file, kind), count in times.items():
        lost = damage_often(directory / f"{file}-{kind.name}", whole, file, kind, count)
        if file == LOG:
            # What was moved into the database is all there, and the log is read up to where it is damaged.
            assert len(lost) == count
            assert max(lost) <= whole.logged
        elif kind is Kind.FLIP:
            assert len(lost) > 0.9 * count
            assert max(lost) <= whole.largest
        if kind is not Kind.CUT or file == LOG:
            assert max(lost) > 0


def test_damage_never_makes_a_wrong_value(tmp_path: Path, whole: Whole) -> None:
    check_damage(tmp_path, whole, {(FILE, Kind.FLIP): 60, (FILE, Kind.PAGE): 20, (FILE, Kind.CUT): 5})


def test_a_damaged_log_costs_what_is_in_it_alone(tmp_path: Path, whole: Whole) -> None:
    check_damage(tmp_path, whole, {(LOG, Kind.FLIP): 30, (LOG, Kind.PAGE): 10, (LOG, Kind.CUT): 10})


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_much_damage_never_makes_a_wrong_value(tmp_path: Path, whole: Whole) -> None:
    times = {Kind.FLIP: 500, Kind.CUT: 100, Kind.PAGE: 50}
    check_damage(tmp_path, whole, {(file, kind): count for file in (FILE, LOG) for kind, count in times.items()})


def test_a_series_whose_number_is_damaged_takes_no_other_along(tmp_path: Path, whole: Whole) -> None:
    octets = bytearray(whole.files[FILE])
    # The number of the series stands a few bytes before its labels; the next one's is higher.
    place = octets.index(b'{"__name__":"old3","le":"0.5"}') - 5
    assert octets[place] == 3
    octets[place] += 32
    store = open_damaged(tmp_path / "data", {**whole.files, FILE: bytes(octets)})
    assert store is not None
    found = store.dump()
    assert whole.held.keys() - found.keys() == {"old3", "old35"}
    assert all(samples == whole.held[name] for name, samples in found.items())
    assert store.ids("new series").tolist() == [81]
    store.close()


def test_columns_behind_damaged_ones_get_no_values_of_others(make_store: MakeStore) -> None:
    store = make_store()
    appender = store.storage.appender()
    for time, names in ((10, "a"), (20, "abcd"), (30, "abcdefg")):
        appender.append(time, store.ids(*names), np.array([float(time + ord(name)) for name in names]))
    store.storage.flush()
    held = store.dump()
    store.database.write(
        lambda connection: connection.execute("UPDATE layout_columns SET series = x'070102030405' WHERE first = 1")
    )
    store.reopen()
    assert store.dump() == {"a": held["a"][:1]}


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
