"""What collectors have told, in forms that tests can compare."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.exposition.page import Page
from dashboard.scrape.host.families import Family

Rows = dict[tuple[str, ...], float]


def rows(families: Iterable[Family]) -> dict[str, Rows]:
    """Return the values of each family by the values of its labels, in their order."""
    return {family.name: {labels: float(value) for value, labels in family.rows} for family in families}


def named(page: Page, name: str) -> Rows:
    """Return the values of a metric by the values of its labels, in the order of the labels' names."""
    return {
        tuple(value for _, value in sample.labels.without_name()): sample.value
        for sample in page.samples
        if sample.labels.metric_name == name
    }
