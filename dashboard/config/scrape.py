"""Scrape jobs, and the values of ``global`` that they take where they have none of their own."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.config.decoding import INLINED, decoder_of, list_decoder, place_of
from dashboard.config.discovery import DnsSdConfig, FileSdConfig, HttpSdConfig, StaticConfig
from dashboard.config.http_client import HttpClientConfig
from dashboard.config.place import Place
from dashboard.config.relabel import RelabelConfigs
from dashboard.config.scalars import Bytes, FilePath, InvalidValueError, Milliseconds, Unsigned
from dashboard.config.yaml_file import Section


class ScrapeProtocol(enum.Enum):
    """A format of exposition that a target may be asked for."""

    PROTOBUF = "PrometheusProto"
    TEXT_0_0_4 = "PrometheusText0.0.4"
    TEXT_1_0_0 = "PrometheusText1.0.0"
    OPENMETRICS_0_0_1 = "OpenMetricsText0.0.1"
    OPENMETRICS_1_0_0 = "OpenMetricsText1.0.0"


class NameValidation(enum.Enum):
    """Which names of metrics and labels are valid."""

    LEGACY = "legacy"
    UTF8 = "utf8"


class NameEscaping(enum.Enum):
    """How a target is asked to write names that are not plain letters, digits and underscores."""

    ALLOW_UTF8 = "allow-utf-8"
    UNDERSCORES = "underscores"
    DOTS = "dots"
    VALUES = "values"


DEFAULT_PROTOCOLS = (
    ScrapeProtocol.OPENMETRICS_1_0_0,
    ScrapeProtocol.OPENMETRICS_0_0_1,
    ScrapeProtocol.TEXT_1_0_0,
    ScrapeProtocol.TEXT_0_0_4,
)
"""What targets are asked for, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalConfig:
    """The defaults of every job and rule group; as in Prometheus, a duration of 0 is one that was not given."""

    scrape_interval: Milliseconds = 0
    scrape_timeout: Milliseconds = 0
    scrape_protocols: tuple[ScrapeProtocol, ...] = DEFAULT_PROTOCOLS
    evaluation_interval: Milliseconds = 0
    rule_query_offset: Milliseconds = 0
    query_log_file: FilePath = ""
    scrape_failure_log_file: FilePath = ""
    external_labels: Mapping[str, str] = field(default_factory=dict)
    body_size_limit: Bytes = 0
    sample_limit: Unsigned = 0
    target_limit: Unsigned = 0
    label_limit: Unsigned = 0
    label_name_length_limit: Unsigned = 0
    label_value_length_limit: Unsigned = 0
    keep_dropped_targets: Unsigned = 0
    metric_name_validation_scheme: NameValidation = NameValidation.UTF8
    metric_name_escaping_scheme: NameEscaping = NameEscaping.ALLOW_UTF8


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeConfig:
    """One job. What it leaves out is filled with the values of ``global``; a limit of 0 is none."""

    job_name: str
    scrape_interval: Milliseconds = 60_000
    scrape_timeout: Milliseconds = 10_000
    scrape_protocols: tuple[ScrapeProtocol, ...] = DEFAULT_PROTOCOLS
    fallback_scrape_protocol: ScrapeProtocol | None = None
    scheme: str = "http"
    metrics_path: str = "/metrics"
    params: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    enable_compression: bool = True
    body_size_limit: Bytes = 0
    sample_limit: Unsigned = 0
    target_limit: Unsigned = 0
    label_limit: Unsigned = 0
    label_name_length_limit: Unsigned = 0
    label_value_length_limit: Unsigned = 0
    keep_dropped_targets: Unsigned = 0
    metric_name_validation_scheme: NameValidation = NameValidation.UTF8
    metric_name_escaping_scheme: NameEscaping = NameEscaping.ALLOW_UTF8
    scrape_failure_log_file: FilePath = ""
    http: HttpClientConfig = field(default_factory=HttpClientConfig, metadata=INLINED)
    static_configs: tuple[StaticConfig, ...] = ()
    file_sd_configs: tuple[FileSdConfig, ...] = ()
    http_sd_configs: tuple[HttpSdConfig, ...] = ()
    dns_sd_configs: tuple[DnsSdConfig, ...] = ()
    relabel_configs: RelabelConfigs = ()
    metric_relabel_configs: RelabelConfigs = ()

    def __post_init__(self) -> None:
        if not self.job_name:
            raise InvalidValueError("job_name is empty", "job_name")
        if not self.relabel_configs:
            self._refuse_urls()

    def _refuse_urls(self) -> None:
        for group in self.static_configs:
            for target in group.targets:
                if "/" in target:
                    raise InvalidValueError(f'"{target}" is not a valid hostname', "static_configs")


_INTERVAL = 60_000
_TIMEOUT = 10_000
_INHERITED = {field.name for field in dataclasses.fields(GlobalConfig)} & {
    field.name for field in dataclasses.fields(ScrapeConfig)
}
_SCHEMES = ("metric_name_validation_scheme", "metric_name_escaping_scheme")


def read_global(section: Any, place: Place) -> GlobalConfig:
    """Read ``global`` and fill in what it leaves out.

    Raises:
        ConfigError: a value cannot be used.
    """
    given: GlobalConfig = decoder_of(GlobalConfig)(_without_blank(section), place)
    interval = given.scrape_interval or _INTERVAL
    if given.scrape_timeout > interval:
        raise place_of(section, "scrape_timeout", place).error("global scrape timeout greater than scrape interval")
    return dataclasses.replace(
        given,
        scrape_interval=interval,
        scrape_timeout=given.scrape_timeout or min(_TIMEOUT, interval),
        evaluation_interval=given.evaluation_interval or _INTERVAL,
    )


def read_jobs(items: Any, place: Place, defaults: GlobalConfig) -> tuple[ScrapeConfig, ...]:
    """Read a list of jobs and fill in what they leave out.

    Raises:
        ConfigError: a value cannot be used, or two jobs have the same name.
    """
    jobs: tuple[ScrapeConfig, ...] = list_decoder(lambda section, where: _read_job(section, where, defaults))(
        items, place
    )
    seen: set[str] = set()
    for job in jobs:
        if job.job_name in seen:
            raise place.error(f'found multiple scrape configs with job name "{job.job_name}"')
        seen.add(job.job_name)
    return jobs


def _read_job(section: Any, place: Place, defaults: GlobalConfig) -> ScrapeConfig:
    own: ScrapeConfig = decoder_of(ScrapeConfig)(_without_blank(section), place)
    inherited = {name: getattr(defaults, name) for name in _INHERITED if name not in section or not getattr(own, name)}
    job = dataclasses.replace(own, **inherited)
    if "scrape_timeout" in inherited:
        # As Prometheus does: a default timeout that is longer than the interval is cut, one written out is an error.
        job = dataclasses.replace(job, scrape_timeout=min(job.scrape_timeout, job.scrape_interval))
    if job.scrape_timeout > job.scrape_interval:
        reason = f'scrape timeout greater than scrape interval for scrape config with job name "{job.job_name}"'
        raise place_of(section, "scrape_timeout", place).error(reason)
    return job


def _without_blank(section: Any) -> Any:
    """Return a section without the schemes that are written, but left blank."""
    if isinstance(section, Section):
        kept = {key: value for key, value in section.items() if key not in _SCHEMES or value}
        return Section(kept, section.lines)
    return section
