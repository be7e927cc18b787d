"""Exemplars: what points from a sample to a trace, a log line or the like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.model.labels import Labels


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One exemplar of a series; ``timestamp`` (milliseconds) is ``None`` where it is that of the scrape."""

    labels: Labels
    value: float
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class SeriesExemplars:
    """The exemplars of one series, oldest first."""

    series: Labels
    exemplars: Sequence[Exemplar]
