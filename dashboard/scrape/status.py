"""What people and the API are told of a target."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from dashboard.exposition.page import Metadata
from dashboard.model.labels import Labels
from dashboard.scrape.target import Target


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
    milliseconds, which the target's labels tell in other words. ``samples`` counts the last page's; ``bad_line``
    belongs to the last page too.
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
    told_interval: str = ""
    told_timeout: str = ""


def first_status(target: Target) -> TargetStatus:
    """Return the status of a target that has not been scraped yet."""
    return TargetStatus(
        id=target.id,
        scrape_pool=target.scrape_pool,
        url=target.url,
        labels=target.labels,
        discovered_labels=target.discovered_labels,
        interval=target.interval,
        timeout=target.timeout,
        told_interval=target.told_interval,
        told_timeout=target.told_timeout,
    )


def renamed(status: TargetStatus, target: Target) -> TargetStatus:
    """Return what is known of a target's last scrape, for a target that takes its place."""
    told = {name: getattr(status, name) for name in _LAST_SCRAPE}
    return dataclasses.replace(first_status(target), **told)


_LAST_SCRAPE = ("health", "last_error", "last_scrape", "last_duration", "samples", "bad_line")


@dataclass(frozen=True, slots=True)
class ScrapePool:
    """The targets of one job.

    Of the ``dropped_count`` targets that relabelling dropped, ``dropped`` holds the discovered labels of as many as
    the job wants to keep. ``errors`` say what cannot be looked up now, and what was found and makes no target.
    """

    name: str
    active: tuple[TargetStatus, ...]
    dropped: tuple[Labels, ...]
    dropped_count: int
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetMetadata:
    """What one target says of one metric."""

    labels: Labels
    metric: str
    metadata: Metadata
