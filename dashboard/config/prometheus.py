"""``prometheus.yml``: what to scrape and which rules to evaluate.

The records carry the names and defaults of Prometheus's configuration reference. Sections for other servers are
checked, and then told in :attr:`PrometheusConfig.warnings`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from dashboard.config.decoding import decoder_of, place_of, refuse_unknown
from dashboard.config.expansion import expand
from dashboard.config.foreign import read_foreign_sections
from dashboard.config.globs import matching
from dashboard.config.jobs import read_global, read_job_file, read_jobs, refuse_repeated
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Reader, read_path, text_of
from dashboard.config.scrape import GlobalConfig, NameValidation, ScrapeConfig, ScrapeProtocol
from dashboard.config.storage import StorageConfig
from dashboard.config.yaml_file import Section, load
from dashboard.model.labels import Labels

_PATTERN = re.compile(r"[^*]*(\*[^/]*)?")
_KEYS = ("global", "scrape_configs", "scrape_config_files", "rule_files", "storage")
_NOT_SERVED = "checked, and not served here"


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """A part of the configuration that is valid, and not served here or without effect."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """A whole ``prometheus.yml``, with the jobs of its ``scrape_config_files``; files are absolute paths."""

    file: Path
    global_config: GlobalConfig
    scrape_configs: tuple[ScrapeConfig, ...]
    rule_files: tuple[Path, ...]
    """The files at the patterns of ``rule_files``, in order, each once."""
    external_labels: Labels
    warnings: tuple[ConfigWarning, ...] = ()
    files: tuple[Path, ...] = ()
    """Every file that was read: this one and those of ``scrape_config_files``."""
    watched: tuple[str, ...] = ()
    """The absolute patterns of ``rule_files`` and ``scrape_config_files``, at which files may appear."""
    storage: StorageConfig = field(default_factory=StorageConfig)
    rule_patterns: tuple[str, ...] = ()
    """The absolute patterns of ``rule_files``."""
    scrape_patterns: tuple[str, ...] = ()
    """The absolute patterns of ``scrape_config_files``."""
    own_scrape_configs: int = 0
    """How many of the jobs stand in the file itself; those of ``scrape_config_files`` come after them."""
    other_sections: Mapping[str, Any] = field(default_factory=dict)
    """The sections that are not served, as they may be shown."""

    @property
    def retention_time(self) -> int:
        """How long samples are kept, in milliseconds; 0 where the file does not say."""
        return self.storage.tsdb.retention.time

    @property
    def retention_size(self) -> int:
        """How many bytes samples may take; 0 where the file does not say."""
        return self.storage.tsdb.retention.size

    @property
    def max_exemplars(self) -> int:
        """How many exemplars are kept; none below 1."""
        return self.storage.exemplars.max_exemplars

    @property
    def out_of_order_time_window(self) -> int:
        """How much older than its series' last sample one may be, in milliseconds."""
        return self.storage.tsdb.out_of_order_time_window


def load_prometheus_config(file: Path, *, jobs_elsewhere: bool = True) -> PrometheusConfig:
    """Read and check a ``prometheus.yml``, and with ``jobs_elsewhere`` the files of ``scrape_config_files``.

    Raises:
        ConfigError: the file cannot be used; the message names line and key.
    """
    top = Place(file)
    data = load(file)
    others, data = read_foreign_sections(_section(data, top), top)
    refuse_unknown(data, _KEYS, top)
    defaults = read_global(data.get("global"), place_of(data, "global", top))
    jobs = read_jobs(data.get("scrape_configs"), place_of(data, "scrape_configs", top), defaults)
    storage: StorageConfig = decoder_of(StorageConfig)(data.get("storage"), place_of(data, "storage", top))
    rule_patterns = _patterns(data, "rule_files", top)
    scrape_patterns = _patterns(data, "scrape_config_files", top)
    found = [(file, job) for job in jobs]
    job_files = [path for pattern in scrape_patterns for path in matching(pattern)] if jobs_elsewhere else []
    found += [(path, job) for path in job_files for job in read_job_file(path, defaults)]
    refuse_repeated(found)
    _check_translation(others, defaults, top)
    scrape_configs = tuple(job for _, job in found)
    return PrometheusConfig(
        file=file.resolve(),
        global_config=defaults,
        scrape_configs=scrape_configs,
        rule_files=tuple(dict.fromkeys(path for pattern in rule_patterns for path in matching(pattern))),
        external_labels=_external_labels(defaults),
        warnings=(
            *_section_warnings(others, defaults, storage),
            *_job_warnings(scrape_configs),
            *_missing_rule_files(rule_patterns),
        ),
        files=(file.resolve(), *job_files),
        watched=(*rule_patterns, *scrape_patterns),
        storage=storage,
        rule_patterns=rule_patterns,
        scrape_patterns=scrape_patterns,
        own_scrape_configs=len(jobs),
        other_sections=others,
    )


def _section(data: Any, top: Place) -> Section:
    if data is None:
        return Section({}, {})
    if not isinstance(data, Section):
        raise top.error("expected a mapping at the top")
    return data


def _read_pattern(value: Any, place: Place) -> str:
    text = str(text_of(value))
    if not _PATTERN.fullmatch(text):
        raise InvalidValueError(f'invalid file path "{text}"')
    return read_path(value, place)


def _patterns(data: Section, key: str, top: Place) -> tuple[str, ...]:
    read_all = decoder_of(tuple[Annotated[str, Reader(_read_pattern)], ...])
    patterns: tuple[str, ...] = read_all(data.get(key), place_of(data, key, top))
    return patterns


def _external_labels(defaults: GlobalConfig) -> Labels:
    expanded = {
        name: expand(value, lambda variable: os.environ.get(variable, ""))
        for name, value in defaults.external_labels.items()
    }
    return Labels.of(expanded)


def _check_translation(others: Mapping[str, Any], defaults: GlobalConfig, top: Place) -> None:
    strategy = (others.get("otlp") or {}).get("translation_strategy")
    legacy = defaults.metric_name_validation_scheme is NameValidation.LEGACY
    if legacy and strategy in ("NoTranslation", "NoUTF8EscapingWithSuffixes"):
        reason = f'OTLP translation strategy "{strategy}" is not allowed when UTF8 is disabled'
        raise top.at("otlp").at("translation_strategy").error(reason)


def _section_warnings(
    others: Mapping[str, Any], defaults: GlobalConfig, storage: StorageConfig
) -> Iterator[ConfigWarning]:
    for key, section in others.items():
        # There is no Go runtime to tune, and nobody misses it.
        if section and key != "runtime":
            yield ConfigWarning(key, _NOT_SERVED)
    for key in ("query_log_file", "scrape_failure_log_file"):
        if getattr(defaults, key):
            yield ConfigWarning(f"global.{key}", "no such file is written here")
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
