"""Scrape jobs, and the values of ``global`` that they take where they have none of their own."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from dashboard.config.decoding import INLINED, SEPARATE, decoder_of
from dashboard.config.discovery import DnsSdConfig, FileSdConfig, HttpSdConfig, StaticConfig
from dashboard.config.http_client import HttpClientConfig
from dashboard.config.place import Place
from dashboard.config.relabel import RelabelConfigs
from dashboard.config.scalars import (
    Bytes,
    FilePath,
    InvalidValueError,
    LabelSet,
    Milliseconds,
    Reader,
    Unsigned,
    read_text,
)


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


def _read_protocols(value: Any, place: Place) -> tuple[ScrapeProtocol, ...]:
    protocols: tuple[ScrapeProtocol, ...] = decoder_of(tuple[ScrapeProtocol, ...])(value, place)
    if not protocols:
        raise InvalidValueError("scrape_protocols cannot be empty")
    if len(set(protocols)) < len(protocols):
        raise InvalidValueError("duplicated protocol in scrape_protocols")
    return protocols


def _read_job_name(value: Any, place: Place) -> str:
    name = read_text(value, place)
    if not name:
        raise InvalidValueError("job_name is empty")
    return name


def _read_text_protocol(value: Any, place: Place) -> ScrapeProtocol | None:
    if value == "":
        return None
    protocol: ScrapeProtocol = decoder_of(ScrapeProtocol)(value, place)
    if protocol is ScrapeProtocol.PROTOBUF:
        raise InvalidValueError("not supported: PrometheusProto is not read here")
    return protocol


Protocols = Annotated[tuple[ScrapeProtocol, ...], Reader(_read_protocols, DEFAULT_PROTOCOLS)]
"""A key that takes protocols, each once, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalConfig:
    """The defaults of every job and rule group; as in Prometheus, a duration of 0 is one that was not given."""

    scrape_interval: Milliseconds = 0
    scrape_timeout: Milliseconds = 0
    scrape_protocols: Protocols = DEFAULT_PROTOCOLS
    evaluation_interval: Milliseconds = 0
    rule_query_offset: Milliseconds = 0
    query_log_file: FilePath = ""
    scrape_failure_log_file: FilePath = ""
    external_labels: LabelSet = field(default_factory=dict)
    body_size_limit: Bytes = 0
    sample_limit: Unsigned = 0
    target_limit: Unsigned = 0
    label_limit: Unsigned = 0
    label_name_length_limit: Unsigned = 0
    label_value_length_limit: Unsigned = 0
    keep_dropped_targets: Unsigned = 0
    metric_name_validation_scheme: NameValidation = NameValidation.UTF8
    metric_name_escaping_scheme: NameEscaping = NameEscaping.ALLOW_UTF8
    convert_classic_histograms_to_nhcb: bool = False
    scrape_native_histograms: bool = False
    extra_scrape_metrics: bool = False
    always_scrape_classic_histograms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeConfig:
    """One job. What it leaves out is filled with the values of ``global``; a limit of 0 is none."""

    job_name: Annotated[str, Reader(_read_job_name)]
    scrape_interval: Milliseconds = 60_000
    scrape_timeout: Milliseconds = 10_000
    scrape_protocols: Protocols = DEFAULT_PROTOCOLS
    fallback_scrape_protocol: Annotated[ScrapeProtocol | None, Reader(_read_text_protocol)] = None
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
    convert_classic_histograms_to_nhcb: bool = False
    scrape_native_histograms: bool = False
    extra_scrape_metrics: bool = False
    always_scrape_classic_histograms: bool = False
    native_histogram_bucket_limit: Unsigned = 0
    native_histogram_min_bucket_factor: float = 0.0
    scrape_failure_log_file: FilePath = ""
    http: HttpClientConfig = field(default_factory=HttpClientConfig, metadata=INLINED)
    static_configs: tuple[StaticConfig, ...] = ()
    file_sd_configs: tuple[FileSdConfig, ...] = ()
    http_sd_configs: tuple[HttpSdConfig, ...] = ()
    dns_sd_configs: tuple[DnsSdConfig, ...] = ()
    relabel_configs: RelabelConfigs = ()
    metric_relabel_configs: RelabelConfigs = ()
    other_sd_configs: Mapping[str, Any] = field(default_factory=dict, metadata=SEPARATE)
    """The kinds of discovery that are checked and not served, as they may be shown."""

    def __post_init__(self) -> None:
        if not self.relabel_configs:
            self._refuse_urls()

    def _refuse_urls(self) -> None:
        for group in self.static_configs:
            for target in group.targets:
                if "/" in target:
                    raise InvalidValueError(f'"{target}" is not a valid hostname', "static_configs")
