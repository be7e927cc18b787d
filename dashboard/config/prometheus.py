"""``prometheus.yml``: what to scrape and which rules to evaluate.

The records carry the names and defaults of Prometheus's configuration reference. Sections for other servers are
checked and then told in :attr:`PrometheusConfig.warnings`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dashboard.config.decoding import decode, place_of
from dashboard.config.errors import ConfigError
from dashboard.config.place import Place
from dashboard.config.scrape import GlobalConfig, ScrapeConfig, read_global, read_jobs
from dashboard.config.yaml_file import Section, load
from dashboard.model.labels import Labels

_SECTIONS_FOR_OTHERS = ("alerting", "remote_write", "remote_read", "storage", "tracing", "otlp", "runtime")


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """A part of the configuration that is checked and not served here."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """A whole ``prometheus.yml``; rule files are absolute paths with their globs resolved, in order."""

    file: Path
    global_config: GlobalConfig
    scrape_configs: tuple[ScrapeConfig, ...]
    rule_files: tuple[Path, ...]
    external_labels: Labels
    warnings: tuple[ConfigWarning, ...] = ()
    """One for each part that is meant for other servers, and not served here."""
    files: tuple[Path, ...] = ()
    """Every file that was read: this one and those of ``scrape_config_files``."""
    watched: tuple[str, ...] = ()
    """The absolute patterns of ``rule_files`` and ``scrape_config_files``, at which files may appear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    rule_files: tuple[str, ...] = ()


def load_prometheus_config(file: Path) -> PrometheusConfig:
    """Read and check a ``prometheus.yml``.

    Raises:
        ConfigError: the file cannot be used; the message names line and key.
    """
    data = load(file) or Section({}, {})
    if not isinstance(data, Section):
        raise ConfigError(file, "expected a mapping at the top")
    top = Place(file)
    warnings = tuple(
        ConfigWarning(name, "meant for other servers, and not served here")
        for name in _SECTIONS_FOR_OTHERS
        if data.pop(name, None)
    )
    defaults = read_global(data.pop("global", None), place_of(data, "global", top))
    jobs = read_jobs(data.pop("scrape_configs", None), place_of(data, "scrape_configs", top), defaults)
    content = decode(file, data, _File)
    return PrometheusConfig(
        file=file.resolve(),
        global_config=defaults,
        scrape_configs=jobs,
        rule_files=_resolve_globs(file, content.rule_files),
        external_labels=Labels.of(
            {name: _expand_environment(value) for name, value in defaults.external_labels.items()}
        ),
        warnings=warnings,
        files=(file.resolve(),),
        watched=tuple(str(file.resolve().parent / pattern) for pattern in content.rule_files),
    )


def _resolve_globs(file: Path, patterns: Iterable[str]) -> tuple[Path, ...]:
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
