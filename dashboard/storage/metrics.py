"""The store's own metrics, under Prometheus's names where it has the thing."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.storage.blocks import Blocks
from dashboard.storage.compaction import Compactor
from dashboard.storage.damage import Damage
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
        blocks = self._blocks.all()
        gauges = (
            ("prometheus_tsdb_head_series", "Series that have samples.", self._series.live),
            ("prometheus_tsdb_blocks_loaded", "Complete blocks.", len(blocks)),
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
