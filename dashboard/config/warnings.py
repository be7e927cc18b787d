"""What a configuration says that is valid, and is not served here or has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.config.globs import matching
from dashboard.config.scrape import GlobalConfig, ScrapeConfig, ScrapeProtocol
from dashboard.config.storage import StorageConfig

_NOT_SERVED = "checked, and not served here"


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """A part of the configuration that is valid, and not served here or without effect."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


def config_warnings(
    defaults: GlobalConfig,
    jobs: Sequence[ScrapeConfig],
    storage: StorageConfig,
    rule_patterns: Sequence[str],
    others: Mapping[str, Any],
) -> Iterator[ConfigWarning]:
    """Yield a warning for each part of a configuration that people may expect more of than they get."""
    yield from _section_warnings(others)
    yield from _global_warnings(defaults)
    yield from _storage_warnings(storage)
    yield from _job_warnings(jobs)
    yield from _missing_rule_files(rule_patterns)


def _section_warnings(others: Mapping[str, Any]) -> Iterator[ConfigWarning]:
    for key, section in others.items():
        # There is no Go runtime to tune, and nobody misses it.
        if section and key != "runtime":
            yield ConfigWarning(key, _NOT_SERVED)


def _global_warnings(defaults: GlobalConfig) -> Iterator[ConfigWarning]:
    for key in ("query_log_file", "scrape_failure_log_file"):
        if getattr(defaults, key):
            yield ConfigWarning(f"global.{key}", "no such file is written here")


def _storage_warnings(storage: StorageConfig) -> Iterator[ConfigWarning]:
    if storage.tsdb.out_of_order_time_window:
        yield ConfigWarning("storage.tsdb.out_of_order_time_window", "older samples are dropped here all the same")
    if storage.tsdb.retention.percentage:
        yield ConfigWarning("storage.tsdb.retention.percentage", _NOT_SERVED)


def _job_warnings(jobs: Sequence[ScrapeConfig]) -> Iterator[ConfigWarning]:
    for job in jobs:
        where = f'job "{job.job_name}"'
        for kind in job.other_sd_configs:
            yield ConfigWarning(f"{where}: {kind}", _NOT_SERVED)
        if set(job.scrape_protocols) == {ScrapeProtocol.PROTOBUF}:
            yield ConfigWarning(f"{where}: scrape_protocols", "PrometheusProto is not asked for here, text is")


def _missing_rule_files(patterns: Sequence[str]) -> Iterator[ConfigWarning]:
    for pattern in patterns:
        if "*" not in pattern and not matching(pattern):
            yield ConfigWarning("rule_files", f'"{pattern}" does not point to an existing file')
