"""The store equals a dictionary, whatever happens to it.

Any sequence of appends, imports, deletions, restarts, kills, seals, compactions, merges and retention.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.model.samples import ABSENT_BITS, STALE, STALE_BITS, SeriesBatch
from dashboard.storage import AppendResult
from tests.storage.conftest import Store

BLOCK = 50
GRACE = BLOCK // 4
RETENTION = 1000
LONGEST = 6 * BLOCK
APPENDERS = 3

value_bits = st.sampled_from(
    [float(n).hex() for n in range(4)] + ["0x1.999999999999ap-4", "-0x0.0p+0", "nan", "inf", "stale", "absent"]
)
names = st.sampled_from("abcdef")
rows = st.lists(st.tuples(names, value_bits), max_size=6)
points = st.lists(st.tuples(names, st.integers(-40, 40), value_bits), max_size=5)


def bits_of(text: str) -> int:
    special = {"stale": STALE_BITS, "absent": ABSENT_BITS, "nan": 0x7FF8_0000_0000_1234}
    if text in special:
        return special[text]
    return int(np.array([float.fromhex(text)]).view(np.uint64)[0])


def floats(texts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([bits_of(text) for text in texts], dtype=np.uint64).view(np.float64)


class Model:
    """What the store must hold, in dictionaries."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.newest = -(10**9)
        self.samples: dict[str, dict[int, int]] = {}
        self.last: dict[str, tuple[int, int]] = {}
        self.present: list[list[str]] = [[] for _ in range(APPENDERS)]

    def add(self, name: str, time: int, bits: int, *, late: bool = True) -> AppendResult:
        before = self.last.get(name)
        if before is not None and time < before[0]:
            if late and self.window and time >= self.newest - self.window:
                # What was there first is shown.
                self.samples.setdefault(name, {}).setdefault(time, bits)
                return AppendResult()
            return AppendResult(out_of_order=1)
        if before is not None and time == before[0]:
            return AppendResult(duplicates=int(bits != before[1]))
        self.last[name] = (time, bits)
        self.samples.setdefault(name, {})[time] = bits
        return AppendResult()

    def append_points(self, samples: list[tuple[str, int, int]]) -> list[AppendResult]:
        results = [self.add(*sample) for sample in samples]
        self.newest = max([self.newest, *(time for _, time, _ in samples)])
        return results

    def append(self, appender: int, time: int, row: list[tuple[str, int]]) -> AppendResult:
        previous = self.present[appender]
        first: dict[str, int] = {}
        repeated = 0
        for name, bits in row:
            repeated += first.setdefault(name, bits) != bits
        results = [self.add(name, time, bits) for name, bits in first.items()]
        for name in previous:
            if name not in first:
                self.add(name, time, STALE_BITS, late=False)
        self.present[appender] = list(first)
        if first or previous:
            self.newest = max(self.newest, time)
        return AppendResult(
            added=len(set(first) - set(previous)),
            duplicates=repeated + sum(result.duplicates for result in results),
            out_of_order=sum(result.out_of_order for result in results),
        )

    def retain(self, oldest: int, kept: dict[str, list[tuple[int, int]]]) -> None:
        """Go on with what is ``kept``: what is older than ``oldest`` may go, and must if no block reaches beyond it."""
        for name, samples in self.samples.items():
            there = dict(kept.get(name, ()))
            for time in [time for time in samples if time not in there]:
                assert time < oldest
                del samples[time]
            assert not [time for time in samples if time // LONGEST * LONGEST + LONGEST <= oldest]

    def forget(self, known: Callable[[str], bool]) -> None:
        """Forget the series that the store has forgotten, which must have no sample left, and so need no end marked."""
        for name in [name for name in self.last if not known(name)]:
            assert not self.samples.get(name)
            del self.last[name]
            self.present = [[other for other in present if other != name] for present in self.present]

    def dump(self, start: int, end: int) -> dict[str, list[tuple[int, int]]]:
        found = {
            name: sorted((time, bits) for time, bits in samples.items() if start <= time <= end)
            for name, samples in self.samples.items()
        }
        return {name: samples for name, samples in found.items() if samples}

    def delete(self, names: list[str], start: int, end: int) -> None:
        for name in names:
            samples = self.samples.get(name, {})
            self.samples[name] = {time: bits for time, bits in samples.items() if not start <= time <= end}


class StorageMachine(RuleBasedStateMachine):
    """Rows have even timestamps and imports odd ones, so that no two writers meet at one."""

    window = 0

    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.kills = 0
        self.now = 1000
        self.model = Model(self.window)
        self.exact = not self.window
        self.store = self.open(self.directory / "data")

    def open(self, directory: Path) -> Store:
        store = Store(
            directory,
            block_length=BLOCK,
            retention=RETENTION,
            raw_rows=6,
            journal_interval=60_000,
            out_of_order_window=self.window,
        )
        self.appenders = [store.storage.appender() for _ in range(APPENDERS)]
        self.model.present = [[] for _ in range(APPENDERS)]
        return store

    def check(self, start: int = -(10**6), end: int = 10**6) -> None:
        assert self.store.storage.flush()
        assert self.store.dump(start, end) == self.model.dump(start, end)
        if self.exact:
            # What is in two places at once would not show otherwise: equal timestamps are shown once.
            stats = self.store.storage.stats()
            assert stats.head_samples + stats.block_samples == sum(map(len, self.model.samples.values()))

    @rule(appender=st.integers(0, APPENDERS - 1), row=rows, step=st.sampled_from([2, 2, 2, 10, 60, 0, -20]))
    def append_row(self, appender: int, row: list[tuple[str, str]], step: int) -> None:
        self.now += step
        texts = [text for _, text in row]
        result = self.appenders[appender].append(self.now, self.store.ids(*(name for name, _ in row)), floats(texts))
        kept = [(name, bits_of(text)) for name, text in row if text != "absent"]
        assert result == self.model.append(appender, self.now, kept)

    @rule(
        appender=st.integers(0, APPENDERS - 1), count=st.integers(2, 40), names=st.lists(names, unique=True, min_size=1)
    )
    def append_many_rows(self, appender: int, count: int, names: list[str]) -> None:
        ids = self.store.ids(*names)
        for number in range(count):
            self.now += 2
            values = np.full(len(names), float(number))
            self.appenders[appender].append(self.now, ids, values)
            self.model.append(appender, self.now, [(name, int(values.view(np.uint64)[0])) for name in names])

    @rule(appender=st.integers(0, APPENDERS - 1))
    def end_appender(self, appender: int) -> None:
        self.now += 2
        self.appenders[appender].end(self.now)
        self.model.append(appender, self.now, [])

    @rule(points=points)
    def append_points(self, points: list[tuple[str, int, str]]) -> None:
        result = self.store.storage.append_points(
            self.store.ids(*(name for name, _, _ in points)),
            np.array([self.now + 2 * step for _, step, _ in points], dtype=np.int64),
            floats([text for _, _, text in points]),
        )
        results = self.model.append_points(
            [(name, self.now + 2 * step, bits_of(text)) for name, step, text in points if text != "absent"]
        )
        assert result.duplicates == sum(each.duplicates for each in results)
        assert result.out_of_order == sum(each.out_of_order for each in results)

    @rule(names=st.lists(names, unique=True, min_size=1), first=st.integers(-200, 20), count=st.integers(1, 90))
    def import_history(self, names: list[str], first: int, count: int) -> None:
        times = self.now // 2 * 2 + 1 + 2 * (first + np.arange(count))
        fresh = [time for time in times.tolist() if all(time not in self.model.samples.get(n, {}) for n in names)]
        if not fresh:
            return
        values = np.tile(np.array(fresh, dtype=np.float64), (len(names), 1))
        labels = [Labels.of({"__name__": name}) for name in names]
        batch = SeriesBatch(labels, np.array(fresh, dtype=np.int64), values)
        assert self.store.storage.import_batches([batch]) == values.size
        for name in names:
            for time in fresh:
                bits = int(np.array([float(time)]).view(np.uint64)[0])
                self.model.samples.setdefault(name, {})[time] = bits
                self.model.last[name] = max(self.model.last.get(name, (time, bits)), (time, bits))
                self.model.newest = max(self.model.newest, time)

    @rule(ahead=st.sampled_from([0, 0, 0, GRACE, 2 * BLOCK]))
    def upkeep(self, ahead: int) -> None:
        self.check()
        self.store.storage.upkeep(self.now + ahead)
        self.model.retain(self.now + ahead - RETENTION, self.store.dump())
        self.model.forget(lambda name: Labels.of({"__name__": name}) in self.store.storage._series._numbers)
        self.check()

    @rule(names=st.lists(names, unique=True, min_size=1), start=st.integers(-200, 60), length=st.integers(0, 150))
    def delete(self, names: list[str], start: int, length: int) -> None:
        start += self.now
        matcher = Matcher(MatchKind.REGEX, "__name__", "|".join(names))
        self.store.storage.delete_series([[matcher]], start, start + length)
        self.model.delete(names, start, start + length)
        # What is deleted counts in its block until that is rewritten.
        self.exact = False
        self.check()

    @rule()
    def clean(self) -> None:
        self.store.storage.clean_tombstones()
        with self.store.database.read() as connection:
            assert connection.execute("SELECT count(*) FROM tombstones").fetchone() == (0,)
        self.exact = not self.window
        self.check()

    @rule()
    def look(self) -> None:
        self.check()

    @rule(names=st.lists(names, unique=True, min_size=2), rows=st.integers(20, 60))
    def let_windows_pass(self, names: list[str], rows: int) -> None:
        """Scrape for a while, and look after the store in the middle of a window."""
        self.append_many_rows(0, rows, names)
        self.append_points([(names[0], step, "0x1.0p+0") for step in (1, 20, 45)])
        self.upkeep(0)

    @rule(start=st.integers(-300, 100), length=st.integers(0, 300))
    def look_at_a_part(self, start: int, length: int) -> None:
        self.check(self.now + start, self.now + start + length)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.open(self.store.directory)
        self.check()

    @precondition(lambda self: self.kills < 3)
    @rule()
    def kill(self) -> None:
        """Go on with a copy of the files as they are on disk, which is what a kill leaves."""
        self.check()
        self.kills += 1
        copy = self.directory / f"copy-{self.kills}"
        copy.mkdir()
        for name in ("cockpit.db", "cockpit.db-wal"):
            shutil.copy(self.store.directory / name, copy / name)
        self.store.close()
        self.store = self.open(copy)
        self.check()

    def teardown(self) -> None:
        self.check()
        self.store.close()
        shutil.rmtree(self.directory)


StorageMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_the_store_equals_a_dictionary = StorageMachine.TestCase


class LateMachine(StorageMachine):
    """The same with samples that come out of order."""

    window = 60


LateMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
test_the_store_equals_a_dictionary_when_samples_come_late = LateMachine.TestCase
assert STALE != STALE  # noqa: PLR0124 - a NaN: the comparisons above are of bits for this reason.
