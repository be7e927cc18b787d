"""``prometheus.yml``: what to scrape and which rules to evaluate.

The records carry the names and defaults of Prometheus's configuration reference. Keys that Prometheus knows and we do
not serve yet are refused by name, since to ignore them would change what is stored; sections for other servers are
listed in :attr:`PrometheusConfig.ignored`.
"""

from __future__ import annotations

import enum
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from dashboard.config.errors import ConfigError
from dashboard.config.yaml_file import Bytes, Milliseconds, decode, load
from dashboard.model.labels import Labels

_SECTIONS_FOR_OTHERS = ("alerting", "remote_write", "remote_read", "storage", "tracing", "otlp", "runtime")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NOT_SERVED_YET = {
    "always_scrape_classic_histograms",
    "authorization",
    "basic_auth",
    "bearer_token",
    "bearer_token_file",
    "convert_classic_histograms_to_nhcb",
    "enable_compression",
    "enable_http2",
    "fallback_scrape_protocol",
    "follow_redirects",
    "http_headers",
    "keep_dropped_targets",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "metric_name_escaping_scheme",
    "metric_name_validation_scheme",
    "metric_relabel_configs",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "no_proxy",
    "oauth2",
    "proxy_connect_header",
    "proxy_from_environment",
    "proxy_url",
    "query_log_file",
    "relabel_configs",
    "rule_query_offset",
    "scrape_classic_histograms",
    "scrape_config_files",
    "scrape_failure_log_file",
    "scrape_native_histograms",
    "scrape_protocols",
    "target_limit",
    "tls_config",
    "track_timestamps_staleness",
}


_SCRAPE_INTERVAL = Milliseconds(60_000)
_SCRAPE_TIMEOUT = Milliseconds(10_000)
_EVALUATION_INTERVAL = Milliseconds(60_000)


class Scheme(enum.Enum):
    """How a target is reached."""

    HTTP = "http"
    HTTPS = "https"


class StaticConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list of targets that share labels."""

    targets: list[str]
    labels: dict[str, str] = {}


class ScrapeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One job. Interval, timeout and limits are those of ``global`` where the job has none of its own."""

    job_name: str
    scrape_interval: Milliseconds = Milliseconds(0)
    scrape_timeout: Milliseconds = Milliseconds(0)
    metrics_path: str = "/metrics"
    scheme: Scheme = Scheme.HTTP
    params: dict[str, list[str]] = {}
    honor_labels: bool = False
    honor_timestamps: bool = True
    sample_limit: int = 0
    body_size_limit: Bytes = Bytes(0)
    static_configs: list[StaticConfig] = []


class GlobalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The defaults of every job and rule group; as in Prometheus, a duration of 0 is one that was not given."""

    scrape_interval: Milliseconds = Milliseconds(0)
    scrape_timeout: Milliseconds = Milliseconds(0)
    evaluation_interval: Milliseconds = Milliseconds(0)
    external_labels: dict[str, str] = {}
    sample_limit: int = 0
    body_size_limit: Bytes = Bytes(0)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    global_: GlobalConfig = msgspec.field(name="global", default_factory=GlobalConfig)
    scrape_configs: list[ScrapeConfig] = []
    rule_files: list[str] = []


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """A whole ``prometheus.yml``; rule files are absolute paths with their globs resolved, in order."""

    file: Path
    global_config: GlobalConfig
    scrape_configs: tuple[ScrapeConfig, ...]
    rule_files: tuple[Path, ...]
    external_labels: Labels
    ignored: tuple[str, ...]
    """Sections that are meant for other servers, and not served here."""


def load_prometheus_config(file: Path) -> PrometheusConfig:
    """Read and check a ``prometheus.yml``.

    Raises:
        ConfigError: the file cannot be used; the message names the key.
    """
    data = load(file) or {}
    if not isinstance(data, dict):
        raise ConfigError(file, "expected a mapping at the top")
    _refuse_what_is_not_served(file, data)
    ignored = tuple(section for section in _SECTIONS_FOR_OTHERS if section in data)
    content = decode(file, {key: value for key, value in data.items() if key not in ignored}, _File)
    defaults = _with_own_defaults(file, content.global_)
    jobs = tuple(_with_defaults(file, index, job, defaults) for index, job in enumerate(content.scrape_configs))
    _refuse_repeated_jobs(file, jobs)
    return PrometheusConfig(
        file=file.resolve(),
        global_config=defaults,
        scrape_configs=jobs,
        rule_files=_resolve_globs(file, content.rule_files),
        external_labels=Labels.of(
            {name: _expand_environment(value) for name, value in defaults.external_labels.items()}
        ),
        ignored=ignored,
    )


def _refuse_what_is_not_served(file: Path, data: dict[str, Any]) -> None:
    jobs = data.get("scrape_configs") or []
    sections = [("", data), ("global", data.get("global") or {})]
    sections += [(f"scrape_configs[{index}]", job) for index, job in enumerate(jobs)]
    for where, section in sections:
        for key in section if isinstance(section, dict) else ():
            if key in _NOT_SERVED_YET or key.endswith("_sd_configs"):
                path = f"{where}.{key}".lstrip(".")
                raise ConfigError(file, "Prometheus knows this key, Glass Cockpit does not serve it yet", path)


def _with_own_defaults(file: Path, given: GlobalConfig) -> GlobalConfig:
    interval = given.scrape_interval or _SCRAPE_INTERVAL
    if given.scrape_timeout > interval:
        raise ConfigError(file, "global scrape timeout greater than scrape interval", "global.scrape_timeout")
    return msgspec.structs.replace(
        given,
        scrape_interval=interval,
        scrape_timeout=given.scrape_timeout or Milliseconds(min(_SCRAPE_TIMEOUT, interval)),
        evaluation_interval=given.evaluation_interval or _EVALUATION_INTERVAL,
    )


def _with_defaults(file: Path, index: int, job: ScrapeConfig, defaults: GlobalConfig) -> ScrapeConfig:
    where = f"scrape_configs[{index}]"
    if not job.job_name:
        raise ConfigError(file, "job_name is empty", where)
    interval = job.scrape_interval or defaults.scrape_interval
    # As Prometheus does: a default timeout that is longer than the interval is cut, one written out is an error.
    timeout = job.scrape_timeout or Milliseconds(min(defaults.scrape_timeout, interval))
    if timeout > interval:
        reason = f'scrape timeout greater than scrape interval for scrape config with job name "{job.job_name}"'
        raise ConfigError(file, reason, f"{where}.scrape_timeout")
    _check_static_configs(file, where, job)
    return msgspec.structs.replace(
        job,
        scrape_interval=interval,
        scrape_timeout=timeout,
        sample_limit=job.sample_limit or defaults.sample_limit,
        body_size_limit=job.body_size_limit or defaults.body_size_limit,
    )


def _check_static_configs(file: Path, where: str, job: ScrapeConfig) -> None:
    for number, group in enumerate(job.static_configs):
        for target in group.targets:
            if not target or "/" in target:
                raise ConfigError(
                    file, f'"{target}" is not a valid hostname', f"{where}.static_configs[{number}].targets"
                )
        for name in group.labels:
            if not _LABEL_NAME.fullmatch(name):
                raise ConfigError(
                    file, f'"{name}" is not a valid label name', f"{where}.static_configs[{number}].labels"
                )


def _refuse_repeated_jobs(file: Path, jobs: tuple[ScrapeConfig, ...]) -> None:
    seen: set[str] = set()
    for job in jobs:
        if job.job_name in seen:
            raise ConfigError(file, f'found multiple scrape configs with job name "{job.job_name}"', "scrape_configs")
        seen.add(job.job_name)


def _resolve_globs(file: Path, patterns: list[str]) -> tuple[Path, ...]:
    found: list[Path] = []
    for pattern in patterns:
        absolute = Path(pattern) if Path(pattern).is_absolute() else file.resolve().parent / pattern
        if any(sign in absolute.name for sign in "*?["):
            found += sorted(absolute.parent.glob(absolute.name))
        else:
            found.append(absolute)
    return tuple(dict.fromkeys(found))


def _expand_environment(value: str) -> str:
    return re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", _environment_value, value)


def _environment_value(match: re.Match[str]) -> str:
    if match.group() == "$$":
        return "$"
    return os.environ.get(match.group(1) or match.group(2), "")
