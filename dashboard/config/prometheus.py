"""``prometheus.yml``: what to scrape and which rules to evaluate.

The records carry the names and defaults of Prometheus's configuration reference. Sections for other servers are
checked, and then told in :attr:`PrometheusConfig.warnings`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from dashboard.config.decoding import decoder_of, place_of, refuse_unknown
from dashboard.config.expansion import expand
from dashboard.config.foreign import read_foreign_sections
from dashboard.config.globs import matching
from dashboard.config.jobs import read_global, read_job_file, read_jobs, without_repetition
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Reader, read_path, text_of
from dashboard.config.scrape import GlobalConfig, NameValidation, ScrapeConfig
from dashboard.config.storage import StorageConfig
from dashboard.config.warnings import ConfigWarning, config_warnings
from dashboard.config.yaml_file import Section, load
from dashboard.model.labels import Labels

_PATTERN = re.compile(r"[^*]*(\*[^/]*)?")
_KEYS = ("global", "scrape_configs", "scrape_config_files", "rule_files", "storage")


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
    others, data = read_foreign_sections(_section(load(file), top), top)
    refuse_unknown(data, _KEYS, top)
    defaults = read_global(data.get("global"), place_of(data, "global", top))
    storage: StorageConfig = decoder_of(StorageConfig)(data.get("storage"), place_of(data, "storage", top))
    _check_translation(others, defaults, top)
    rule_patterns, scrape_patterns = _patterns(data, "rule_files", top), _patterns(data, "scrape_config_files", top)
    job_files = _files_at(scrape_patterns) if jobs_elsewhere else ()
    own = read_jobs(data.get("scrape_configs"), place_of(data, "scrape_configs", top), defaults)
    jobs = without_repetition([*own, *(job for found in job_files for job in read_job_file(found, defaults))])
    return PrometheusConfig(
        file=file.resolve(),
        global_config=defaults,
        scrape_configs=jobs,
        rule_files=tuple(dict.fromkeys(_files_at(rule_patterns))),
        external_labels=_external_labels(defaults),
        warnings=tuple(config_warnings(defaults, jobs, storage, rule_patterns, others)),
        files=(file.resolve(), *job_files),
        watched=(*rule_patterns, *scrape_patterns),
        storage=storage,
        rule_patterns=rule_patterns,
        scrape_patterns=scrape_patterns,
        own_scrape_configs=len(own),
        other_sections=others,
    )


def _files_at(patterns: Iterable[str]) -> tuple[Path, ...]:
    return tuple(file for pattern in patterns for file in matching(pattern))


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
