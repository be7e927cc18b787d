"""The section ``storage``: how long and how much is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashboard.config.scalars import Bytes, Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionConfig:
    """What is kept: at most so long, and so many bytes; 0 stands for no limit of its own."""

    time: Milliseconds = 0
    size: Bytes = 0
    percentage: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TsdbConfig:
    """How samples are stored."""

    out_of_order_time_window: Milliseconds = 0
    retention: RetentionConfig = field(default_factory=RetentionConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExemplarsConfig:
    """How many exemplars are kept; none below 1."""

    max_exemplars: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """The whole section."""

    tsdb: TsdbConfig = field(default_factory=TsdbConfig)
    exemplars: ExemplarsConfig = field(default_factory=ExemplarsConfig)
