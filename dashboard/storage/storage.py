"""The store of series: what the rest of the program sees of this package."""

from __future__ import annotations

import functools
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from prometheus_client import CollectorRegistry

from dashboard.database import Database, DatabaseError, ReadError, UnusableDatabaseError, WriteError
from dashboard.model.exemplar import Exemplar, SeriesExemplars
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher
from dashboard.model.samples import BoolArray, FloatArray, IntArray, SeriesBatch
from dashboard.storage.block_writer import BlockWriter
from dashboard.storage.blocks import Block, Blocks, OpenGroup
from dashboard.storage.cache import Cache
from dashboard.storage.cardinality import Cardinality
from dashboard.storage.compaction import Compactor, delete_superseded
from dashboard.storage.damage import Damage
from dashboard.storage.deletion import Deleter, clean
from dashboard.storage.errors import ImportFailedError
from dashboard.storage.exemplars import ExemplarResult, Exemplars
from dashboard.storage.forecast import Arriving, Forecast, Keeping, Space, Stored, forecast
from dashboard.storage.forgetting import Forgetter
from dashboard.storage.head import Head
from dashboard.storage.importing import write_batches
from dashboard.storage.ingest import AppendResult, Ingest, RowAppender
from dashboard.storage.journal import Journal
from dashboard.storage.lookups import Lookups
from dashboard.storage.merging import Merger
from dashboard.storage.metrics import ForecastCollector, StorageCollector
from dashboard.storage.order import NEVER, LastSamples, save_last
from dashboard.storage.pieces import Lookup
from dashboard.storage.points import PointColumns
from dashboard.storage.replay import replay
from dashboard.storage.retention import Removed, Retainer, Retention
from dashboard.storage.scan import is_corrupt
from dashboard.storage.sealing import Sealer
from dashboard.storage.select import Part, members, merge
from dashboard.storage.series import SeriesRegistry
from dashboard.storage.source import Source
from dashboard.storage.tombstones import Cleaned, Tombstones
from dashboard.storage.windows import Windows

log = logging.getLogger(__name__)

_BLOCK_LENGTH = 7_200_000
_CACHE_BYTES = 32 << 20
_RAW_ROWS = 128
_FIRST_TIME, _LAST_TIME = -(2**63) + 1, 2**63 - 1


@dataclass(frozen=True, slots=True)
class StorageStats:
    """How much there is. Samples include staleness markers; times are ``None`` in an empty store."""

    series: int
    head_samples: int
    blocks: int
    block_samples: int
    bytes: int
    earliest: int | None
    latest: int | None


class Storage:
    """Series and their samples: appended in rows, kept in SQLite, selected by matchers."""

    def __init__(
        self,
        database: Database,
        *,
        registry: CollectorRegistry,
        clock: Callable[[], int],
        retention: int,
        journal_interval: int = 1000,
        block_length: int = _BLOCK_LENGTH,
        raw_rows: int = _RAW_ROWS,
        cache_bytes: int = _CACHE_BYTES,
        out_of_order_window: int = 0,
    ) -> None:
        """Build a closed store; durations are milliseconds. A layout keeps up to ``raw_rows`` rows uncompressed.

        ``retention`` is the age up to which samples are kept, until :meth:`retain` says more. Samples that are older
        than their series' last one are taken if they are not older than the newest of all by more than
        ``out_of_order_window``.
        """
        self._database = database
        self._clock = clock
        self._windows = Windows(block_length, retention // 3)
        self._lock = threading.RLock()
        self._rebuilding = threading.Lock()
        self._series = SeriesRegistry()
        self._lookups = Lookups(self._series)
        self._last = LastSamples()
        self._cache = cache = Cache(cache_bytes)
        self._damage = Damage(database, clock)
        self._exemplars = Exemplars(database, self._series, self._damage)
        self._head = Head(self._lock, raw_rows, cache, self._damage)
        self._blocks = Blocks(database, self._lock, cache, self._damage)
        self._sealer = Sealer(database, self._head, window=block_length)
        self._journal = Journal(
            database, self._series, self._head.publish, self._sealer.run_some, clock=clock, interval=journal_interval
        )
        self._ingest = Ingest(
            self._journal, self._series, self._last, block_length=block_length, window=out_of_order_window
        )
        self._compactor = Compactor(
            database,
            lock=self._lock,
            head=self._head,
            blocks=self._blocks,
            sealing=self._sealer.lock,
            latest=self._is_latest,
            windows=self._windows,
        )
        self._tombstones = Tombstones(database, self._damage)
        self._merger = Merger(database, self._blocks, self._windows, self._tombstones)
        self._retainer = Retainer(self._blocks, self._series, self._merger, Retention(retention))
        self._deleter = Deleter(
            database,
            self._lock,
            head=self._head,
            sealer=self._sealer,
            blocks=self._blocks,
            tombstones=self._tombstones,
        )
        self._forgetter = Forgetter(
            database,
            series=self._series,
            ingest=self._ingest,
            head=self._head,
            blocks=self._blocks,
            exemplars=self._exemplars,
        )
        registry.register(
            StorageCollector(
                series=self._series,
                ingest=self._ingest,
                journal=self._journal,
                blocks=self._blocks,
                compactor=self._compactor,
                merger=self._merger,
                damage=self._damage,
                forgetter=self._forgetter,
                retainer=self._retainer,
            )
        )
        registry.register(ForecastCollector(lambda: self.forecast(clock())))

    def open(self) -> None:
        """Rebuild the head from the journal and start the journal's thread.

        Raises:
            DatabaseError: the database cannot be read.
        """
        try:
            self._load()
        except (ReadError, WriteError) as error:
            if is_corrupt(error):
                raise UnusableDatabaseError(self._database.file, error) from error
            raise
        self._journal.start(self._head.last_record + 1)

    def _load(self) -> None:
        self._damage.load()
        self._blocks.load()
        self._tombstones.load()
        delete_superseded(self._database)
        self._ingest.next_layout = replay(self._database, self._series, self._last, self._head, self._damage)
        self._exemplars.load()

    def close(self) -> None:
        """Commit what was appended and stop the journal's thread."""
        self._journal.stop()
        self._exemplars.close()

    @property
    def healthy(self) -> bool:
        """Whether the last commit went well."""
        return self._journal.last_error is None

    @property
    def last_error(self) -> str | None:
        """Why the last commit failed, if it did."""
        return self._journal.last_error

    @property
    def damaged(self) -> dict[str, str]:
        """The places that could not be read and are left out, each with the reason."""
        return self._damage.places()

    def series_id(self, labels: Labels) -> int:
        """Return the number of a series, and register it if it is new.

        The number is that of this series for ever; once it has no sample left, it gets another one when it comes back.
        """
        return self._series.number(labels)

    def appender(self) -> RowAppender:
        """Return an appender for one writer of rows, such as a target or a rule."""
        return RowAppender(self._ingest)

    def append_points(self, series: IntArray, timestamps: IntArray, values: FloatArray) -> AppendResult:
        """Append samples with timestamps of their own, ``values[i]`` of ``series[i]`` at ``timestamps[i]``.

        A sample must be newer than its series' last one; others are dropped and counted.
        """
        return self._ingest.points(
            np.ascontiguousarray(series, dtype=np.int64),
            np.ascontiguousarray(timestamps, dtype=np.int64),
            np.ascontiguousarray(values, dtype=np.float64),
        )

    def append_exemplars(self, exemplars: Iterable[tuple[int, Exemplar]], timestamp: int) -> ExemplarResult:
        """Keep exemplars, each with the number of its series; those without a timestamp are of ``timestamp``."""
        return self._exemplars.append(exemplars, timestamp)

    def limit_exemplars(self, most: int) -> None:
        """Keep at most ``most`` exemplars, the newest of all series; none below 1."""
        self._exemplars.limit(most)

    def select_exemplars(
        self, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int
    ) -> list[SeriesExemplars]:
        """Return the exemplars between two timestamps, both included, of series that satisfy one of the matcher sets.

        They are sorted by the labels of their series, and the exemplars of a series from the oldest on.
        """
        return self._exemplars.select(matcher_sets, start, end)

    def flush(self) -> bool:
        """Commit what was appended, and return when queries see it; ``False`` if it could not be committed for now."""
        return self._journal.flush()

    def select(
        self, matchers: Iterable[Matcher], start: int, end: int, *, most: int | None = None
    ) -> list[SeriesBatch]:
        """Return the samples between two timestamps, both included, of the series that satisfy every matcher.

        Each series is in exactly one batch; series without a sample are in none. ``most`` is how many samples may be
        read; the gaps in matrices, and what is stored twice, take their place in memory and count too.

        Raises:
            SampleLimitError: there are more samples than ``most``; none of them was read.
        """
        start, end = max(start, _FIRST_TIME), min(end, _LAST_TIME)
        lookup = self._lookups.of(matchers)
        with self._blocks.leases.reading():
            sources, points = self._snapshot(start, end)
            return [
                SeriesBatch(self._series.labels(lookup.wanted[part.places]), part.times, part.samples, part.known)
                for part in merge(lookup, sources, points, start, end, most=most)
            ]

    def series(self, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int) -> list[Labels]:
        """Return the label sets, sorted, of series with samples about that time that satisfy one of the matcher sets.

        Without matcher sets all series are asked about. As in Prometheus, whole chunks decide what is about that time.
        """
        return sorted(self._series.labels(self._active(matcher_sets, start, end)))

    def label_names(self, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int) -> list[str]:
        """Return the label names, sorted, of such series as :meth:`series` returns."""
        found = self._series.labels(self._active(matcher_sets, start, end))
        return sorted({name for labels in found for name, _ in labels})

    def label_values(self, name: str, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int) -> list[str]:
        """Return the values, sorted, that a label has in such series as :meth:`series` returns."""
        found = self._series.labels(self._active(matcher_sets, start, end))
        return sorted({value for labels in found if (value := labels.get(name))})

    def import_batches(self, batches: Iterable[SeriesBatch]) -> int:
        """Store history straight into blocks and return how many samples were new; they become visible all at once.

        Where a series already has a sample at a timestamp, that one stays.

        Raises:
            ImportFailedError: the database could not be written; nothing of it is visible.
        """
        with self._rebuilding:
            writer = BlockWriter(self._database, self._blocks)
            try:
                write_batches(writer, batches, self._numbers, self._held, windows=self._windows, now=self._clock())
                last = writer.last_samples()
                blocks = writer.complete(lambda connection: save_last(connection, *last))
            except DatabaseError as error:
                raise ImportFailedError(f"the import was given up: {error}") from error
            with self._ingest.lock:
                self._last.raise_to(last[0], last[1], last[2].view(np.uint64))
            self._blocks.show(blocks)
        return writer.samples

    def retain(self, retention: Retention) -> None:
        """Keep samples as this says from now on; what is not kept any more goes at the next upkeep."""
        self._retainer.retention = retention

    @property
    def retention(self) -> Retention:
        """How long samples are kept."""
        return self._retainer.retention

    def expiring(self, now: int) -> Removed:
        """Return what the next upkeep will drop in whole blocks."""
        return self._retainer.due(now)

    def delete_series(self, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int) -> None:
        """Delete the samples, between two timestamps, both included, of series that satisfy one of the matcher sets.

        Queries do not see them any more; their space in blocks comes back when those are merged, or by
        :meth:`clean_tombstones`. What is appended or imported later counts.

        Raises:
            DatabaseError: the database could not be written; a part may be deleted.
        """
        start, end = max(start, _FIRST_TIME), min(end, _LAST_TIME)
        with self._rebuilding:
            self._journal.flush()
            numbers = [self._series.select(matchers) for matchers in matcher_sets]
            series = np.unique(np.concatenate([*numbers, np.empty(0, dtype=np.int64)]))
            self._database.write(functools.partial(self._save_last, series=series))
            self._deleter.delete(series, start, end)

    def clean_tombstones(self) -> None:
        """Rewrite the blocks that hold deleted samples, so that their space comes back.

        Raises:
            DatabaseError: the database could not be written; what is left is done by the next call.
        """
        with self._rebuilding:
            clean(self._blocks, self._tombstones, self._merger, self._retainer.erasing(self._clock()))

    def upkeep(self, now: int) -> None:
        """Move complete windows of time into blocks, and drop blocks older than the retention.

        What was remembered for queries and not asked for in ten such calls goes, too.

        Raises:
            DatabaseError: the database could not be written; what was begun is finished or undone by a later call.
        """
        with self._rebuilding:
            try:
                self._sealer.run()
                self._compactor.run(now)
                self._compactor.forget_empty(self._ingest.retire)
                self._merger.run(now, self._retainer.erasing(now))
            finally:
                # A full disk stops compaction, and this is what makes room.
                self._retainer.run(now)
                self._exemplars.forget_before(now - self._retainer.retention.longest)
                self._cache.age()
                self._lookups.age()
            self._tombstones.drop_settled(self._blocks.all())
            self._forgetter.run()

    def stats(self) -> StorageStats:
        """Return how much there is."""
        blocks = self._blocks.all()
        spans = [span for span in [self._head.span()] if span]
        spans += [(group.first, group.last) for block in blocks for group in block.groups]
        return StorageStats(
            series=self._series.live,
            head_samples=self._head.samples(),
            blocks=len(blocks),
            block_samples=sum(block.samples for block in blocks),
            bytes=self._database.size(),
            earliest=min((first for first, _ in spans), default=None),
            latest=max((last for _, last in spans), default=None),
        )

    def stored(self) -> list[Stored]:
        """Return what each block holds, in the order in which they were written."""
        return [_stored(block) for block in self._blocks.all() if block.groups]

    def forecast(self, now: int) -> Forecast:
        """Return when the disk will be full or the size limit reached, if ever.

        Raises:
            DatabaseError: the database or the disk cannot be asked.
        """
        space = Space(self._blocks.used_bytes(), self._database.room(), self.retention.size)
        keeping = Keeping(self._retainer.shares(), self._windows.longest)
        first, last = self._head.span() or (0, 0)
        arriving = Arriving(last - first, self._head.samples())
        return forecast(self.stored(), arriving, space, keeping, now)

    def cardinality(self, limit: int) -> Cardinality:
        """Return which names and labels have the most series and values, ``limit`` of each."""
        return self._series.cardinality(limit)

    def _snapshot(self, start: int, end: int) -> tuple[list[Source], PointColumns]:
        """Return what holds samples between two timestamps, blocks first; they agree with each other."""
        with self._lock:
            blocks = self._blocks.between(start, end)
            head = self._head.sources()
            points = self._head.points.snapshot()
        stored = [
            source for block, groups in blocks for source in self._tombstones.cleaned(block, map(OpenGroup, groups))
        ]
        return stored + [each for each in head if each.times[0] <= end and each.times[-1] >= start], points

    def _active(self, matcher_sets: Sequence[Iterable[Matcher]], start: int, end: int) -> IntArray:
        """Return the series that match, and have samples in that range or, by whole chunks, near it."""
        start, end = max(start, _FIRST_TIME), min(end, _LAST_TIME)
        sets = [self._series.select(matchers) for matchers in matcher_sets or [()]]
        wanted = np.zeros(len(self._series), dtype=np.bool_)
        for numbers in sets:
            wanted[numbers[numbers < len(wanted)]] = True
        active = np.zeros(len(wanted), dtype=np.bool_)
        with self._blocks.leases.reading():
            sources, points = self._snapshot(start, end)
            for source in sources:
                found = members(wanted, source)
                active[np.setdiff1d(found, source.gone()) if isinstance(source, Cleaned) else found] = True
        pointed = points.series[(points.timestamps >= start) & (points.timestamps <= end)]
        active[pointed[pointed < len(active)]] = True
        found = np.flatnonzero(active & wanted)
        with self._ingest.lock:
            return found[self._last.times(found) >= start]

    def _is_latest(self, series: IntArray, times: IntArray) -> BoolArray:
        with self._ingest.lock:
            return self._last.latest(series, times)

    def _save_last(self, connection: sqlite3.Connection, series: IntArray) -> None:
        """Keep what is out of order as it is, though the samples that tell go."""
        with self._ingest.lock:
            times = self._last.times(series)
            known = times > NEVER
            bits = self._last.bits(series[known])
        save_last(connection, series[known], times[known], bits)

    def _held(self, series: IntArray, start: int, end: int) -> Iterator[Part]:
        """Return what there is of some series, places in ``series`` for their numbers."""
        with self._blocks.leases.reading():
            sources, points = self._snapshot(start, end)
            yield from merge(Lookup(series), sources, points, start, end)

    def _numbers(self, batch: SeriesBatch) -> IntArray:
        """Register the series of a batch, and see to it that the table of series has them."""
        numbers = np.fromiter(map(self._series.number, batch.labels), dtype=np.int64)
        if self._series.unsaved() and not self._journal.flush():
            raise ImportFailedError(f"the import was given up: {self._journal.last_error}")
        return numbers


def _stored(block: Block) -> Stored:
    first, last = min(group.first for group in block.groups), max(group.last for group in block.groups)
    return Stored(block.start, block.end, first, last, block.samples, block.bytes)
