"""Small databases of every version of the tables, each filled with the same samples by the program of its time.

``versions/<last migration>.db.gz`` holds what :func:`fill` made when that version's store ran it.
"""

from __future__ import annotations

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import STALE, STALE_BITS
from dashboard.storage import Storage

FILES = {
    path.name.removesuffix(".db.gz"): path for path in sorted(Path(__file__).with_name("versions").glob("*.db.gz"))
}
BLOCK_LENGTH = 600_000
RAW_ROWS = 16
_INTERVAL = 15_000
_ROWS = 100
_SPECIAL = (float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 2.0**53, STALE)


def unpacked(version: str, directory: Path) -> Path:
    """Put the database of a version into a new data directory."""
    directory.mkdir()
    with gzip.open(FILES[version]) as packed, (directory / "cockpit.db").open("wb") as file:
        shutil.copyfileobj(packed, file)
    return directory


def row(number: int) -> tuple[int, dict[str, float]]:
    """Return timestamp and values of one row: numbers of all kinds, and series that come late and end early."""
    mixed = (number * 2_654_435_761 + 97) % 2**32
    values = {
        "requests_total": float(number * 7 if number < 60 else (number - 60) * 7),
        "celsius": (2000 + mixed % 300) / 100,
        "constant": 1.0,
        "noise": struct.unpack("<d", struct.pack("<Q", 0x3FF0_0000_0000_0000 | mixed * 1_048_573))[0],
        "strange": _SPECIAL[number % len(_SPECIAL)],
        "bucket_1": float(number * 5),
        "bucket_2": float(number * 9),
    }
    if number >= 30:
        values["late"] = number / 8
    if number < 70:
        values["early"] = number * 1.5
    return number * _INTERVAL, values


def point(number: int) -> tuple[int, float]:
    """Return a sample of the series ``pushed``, which has timestamps of its own."""
    return number * 7_000 + number % 13, number / 10


def fill(storage: Storage) -> None:
    """Store the samples: those of the first windows in blocks, the rest in the journal."""
    appender = storage.appender()
    pushed = np.array([storage.series_id(Labels.of({"__name__": "pushed"}))])
    for number in range(_ROWS):
        time, values = row(number)
        series = np.array([storage.series_id(Labels.of({"__name__": name})) for name in values], dtype=np.int64)
        appender.append(time, series, np.array(list(values.values())))
        when, value = point(number)
        storage.append_points(pushed, np.array([when]), np.array([value]))
    storage.flush()
    storage.upkeep(2 * BLOCK_LENGTH + BLOCK_LENGTH // 2)


def expected() -> dict[str, list[tuple[int, int]]]:
    """Return timestamps and value bits of each series, as :func:`fill` stored them."""
    found: dict[str, list[tuple[int, int]]] = {}
    for time, values in map(row, range(_ROWS)):
        for name, value in values.items():
            found.setdefault(name, []).append((time, _bits(value)))
    found["early"].append((70 * _INTERVAL, STALE_BITS))
    found["pushed"] = [(time, _bits(value)) for time, value in map(point, range(_ROWS))]
    return found


def _bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])
