"""What ``/metrics`` shows of the database."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from dashboard.database.database import Database
from dashboard.database.errors import DatabaseError


class SchemaCollector(Collector):
    """Shows which revision of the tables there is, and which is expected; the shipped alert compares them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[Metric]:
        """Return the revisions, or nothing where the database does not answer."""
        shown = InfoMetricFamily("schema_revision", "Revisions of the tables: the expected and the actual one.")
        try:
            status = self._database.schema_status()
        except DatabaseError:
            return
        shown.add_metric([], {"expected": status.expected, "actual": status.actual})
        yield shown
