from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from dashboard.database import Database, DatabaseError
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import IntArray
from dashboard.storage import Storage
from dashboard.storage.migrations import migrations

Dump = dict[str, list[tuple[int, int]]]

FOREVER = 10**15


class Store:
    """A storage with its database, which can be closed, abandoned and opened again."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.options = {"retention": FOREVER, "journal_interval": 1, "clock": lambda: 0, **options}
        self.open()

    def open(self) -> None:
        self.registry = CollectorRegistry()
        self.database = Database.open(self.directory, [migrations])
        self.storage = Storage(self.database, registry=self.registry, **self.options)
        try:
            self.storage.open()
        except DatabaseError:
            self.database.close()
            raise

    def close(self) -> None:
        self.storage.close()
        self.database.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def ids(self, *names: str) -> IntArray:
        return np.array([self.storage.series_id(Labels.of({"__name__": name})) for name in names], dtype=np.int64)

    def dump(self, start: int = -FOREVER, end: int = FOREVER, *matchers: Matcher) -> Dump:
        """Return timestamps and value bits of each series by name, after checking what a batch promises."""
        found: Dump = {}
        for batch in self.storage.select(matchers, start, end):
            assert batch.values.shape == (len(batch.labels), len(batch.timestamps))
            assert len(batch.timestamps) > 0
            assert (np.diff(batch.timestamps) > 0).all()
            for labels, row in zip(batch.labels, batch.values, strict=True):
                assert labels.metric_name not in found
                bits = np.ascontiguousarray(row).view(np.uint64).tolist()
                found[labels.metric_name] = list(zip(batch.timestamps.tolist(), bits, strict=True))
        return found

    def journal_rows(self) -> int:
        with self.database.read() as connection:
            return int(connection.execute("SELECT count(*) FROM journal").fetchone()[0])

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    made: list[Store] = []

    def make(**options: Any) -> Store:
        made.append(Store(tmp_path / "data", **options))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(make_store: Callable[..., Store]) -> Store:
    return make_store()


@pytest.fixture
def named() -> Callable[[str], Matcher]:
    return lambda name: Matcher(MatchKind.EQUAL, "__name__", name)
