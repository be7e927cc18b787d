"""The store's own metrics, under Prometheus's names where it has the thing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.database import DatabaseError
from dashboard.storage.blocks import Blocks
from dashboard.storage.compaction import Compactor
from dashboard.storage.damage import Damage
from dashboard.storage.forecast import DAY, Forecast
from dashboard.storage.forgetting import Forgetter
from dashboard.storage.ingest import Ingest
from dashboard.storage.journal import Journal
from dashboard.storage.merging import Merger
from dashboard.storage.retention import Retainer
from dashboard.storage.series import SeriesRegistry


class StorageCollector(Collector):
    """Reads the counts that the parts keep for themselves."""

    def __init__(
        self,
        *,
        series: SeriesRegistry,
        ingest: Ingest,
        journal: Journal,
        blocks: Blocks,
        compactor: Compactor,
        merger: Merger,
        damage: Damage,
        forgetter: Forgetter,
        retainer: Retainer,
    ) -> None:
        self._retainer = retainer
        self._forgetter = forgetter
        self._merger = merger
        self._damage = damage
        self._series = series
        self._ingest = ingest
        self._journal = journal
        self._blocks = blocks
        self._compactor = compactor

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now."""
        blocks, retention = self._blocks.all(), self._retainer.retention
        chunks = sum(block.bytes for block in blocks)
        gauges = (
            ("prometheus_tsdb_head_series", "Series that have samples.", self._series.live),
            ("prometheus_tsdb_blocks_loaded", "Complete blocks.", len(blocks)),
            ("prometheus_tsdb_storage_blocks_bytes", "Bytes of the chunks of all blocks.", chunks),
            ("prometheus_tsdb_retention_limit_seconds", "How long samples are kept.", retention.age / 1000),
            ("prometheus_tsdb_retention_limit_bytes", "How many bytes samples may take, 0 for any.", retention.size),
            ("glass_storage_damaged_places", "Places that cannot be read.", len(self._damage.places())),
            ("glass_storage_healthy", "Whether the last commit went well.", self._journal.last_error is None),
        )
        counters = (
            ("prometheus_tsdb_head_samples_appended", "Samples that were accepted.", self._ingest.appended),
            ("prometheus_tsdb_out_of_order_samples", "Samples dropped for being late.", self._ingest.out_of_order),
            ("prometheus_tsdb_duplicate_samples", "Samples dropped for another value.", self._ingest.duplicates),
            ("prometheus_tsdb_compactions", "Windows of time moved into blocks.", self._compactor.compactions),
            (
                "prometheus_tsdb_compactions_failed",
                "Windows of time that could not be moved.",
                self._compactor.failures,
            ),
            ("prometheus_tsdb_head_series_removed", "Series forgotten without samples.", self._forgetter.forgotten),
            ("prometheus_tsdb_time_retentions", "Blocks dropped for their age.", self._retainer.by_age),
            ("prometheus_tsdb_size_retentions", "Blocks dropped for the size of all.", self._retainer.by_size),
            ("glass_storage_retention_samples", "Samples dropped by retention.", self._retainer.samples),
            ("glass_storage_merges", "Blocks made of several.", self._merger.merges),
            ("glass_journal_commits", "Commits of the journal.", self._journal.commits),
            ("glass_journal_commit_failures", "Commits that failed and were tried again.", self._journal.failures),
            ("glass_journal_dropped_records", "Rows dropped after minutes of failures.", self._journal.dropped),
        )
        yield from (GaugeMetricFamily(name, text, value=float(value)) for name, text, value in gauges)
        yield from (CounterMetricFamily(name, text, value=float(value)) for name, text, value in counters)


class ForecastCollector(Collector):
    """Shows the size forecast, as far as it is known; a shipped alert watches it."""

    def __init__(self, forecast: Callable[[], Forecast]) -> None:
        """``forecast`` may raise :class:`DatabaseError`: then there is nothing to show."""
        self._forecast = forecast

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now; what never happens is infinitely far away."""
        try:
            found = self._forecast()
        except DatabaseError:
            return
        yield GaugeMetricFamily("glass_storage_used_bytes", "Bytes of the database in use.", value=found.space.used)
        if found.growth is None:
            return
        growth = found.growth / (DAY / 1000)
        yield GaugeMetricFamily("glass_storage_growth_bytes_per_second", "How fast samples come.", value=growth)
        yield GaugeMetricFamily("glass_storage_peak_bytes", "How many bytes will be in use at most.", value=found.peak)
        text = "When the disk will be full, and when the size limit will be reached."
        until = GaugeMetricFamily("glass_storage_until_full_seconds", text, labels=("limit",))
        for limit, time in (("disk", found.disk_full), ("size", found.size_reached)):
            until.add_metric((limit,), math.inf if time is None else time / 1000)
        yield until
