"""What people and the API are told of a target."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dashboard.exposition.page import Metadata
from dashboard.model.labels import Labels


class TargetHealth(enum.Enum):
    """How a target's last scrape went."""

    UNKNOWN = "unknown"
    """It has not been scraped yet."""
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class BadLine:
    """The first line of a page that is not of its format; ``text`` is bounded and printable."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """A target and its last scrape.

    ``last_scrape`` is milliseconds since 1970 (0: never), ``last_duration`` seconds, ``interval`` and ``timeout``
    milliseconds. ``samples`` counts the last page's; ``bad_line`` belongs to the last page too.
    """

    id: str
    scrape_pool: str
    url: str
    labels: Labels
    discovered_labels: Labels
    interval: int
    timeout: int
    health: TargetHealth = TargetHealth.UNKNOWN
    last_error: str = ""
    last_scrape: int = 0
    last_duration: float = 0.0
    samples: int = 0
    bad_line: BadLine | None = None


@dataclass(frozen=True, slots=True)
class TargetMetadata:
    """What one target says of one metric."""

    labels: Labels
    metric: str
    metadata: Metadata
