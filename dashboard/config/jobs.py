"""How jobs are read, and take from ``global`` what they leave out (``config/config.go`` of Prometheus)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dashboard.config.decoding import decoder_of, list_decoder, place_of, refuse_unknown
from dashboard.config.foreign_discovery import read_foreign_discovery
from dashboard.config.place import Place
from dashboard.config.scrape import GlobalConfig, NameEscaping, NameValidation, ScrapeConfig
from dashboard.config.yaml_file import Section, load

_INTERVAL = 60_000
_TIMEOUT = 10_000
_VALIDATION = "metric_name_validation_scheme"
_ESCAPING = "metric_name_escaping_scheme"
_NOT_SUPPORTED = ("convert_classic_histograms_to_nhcb", "scrape_native_histograms", "extra_scrape_metrics")
_INHERITED = {field.name for field in dataclasses.fields(GlobalConfig)} & {
    field.name for field in dataclasses.fields(ScrapeConfig)
}


def read_global(section: Any, place: Place) -> GlobalConfig:
    """Read ``global`` and fill in what it leaves out.

    Raises:
        ConfigError: a value cannot be used.
    """
    section = _without_blank(section)
    given: GlobalConfig = decoder_of(GlobalConfig)(section, place)
    interval = given.scrape_interval or _INTERVAL
    if given.scrape_timeout > interval:
        raise place_of(section, "scrape_timeout", place).error("global scrape timeout greater than scrape interval")
    filled = dataclasses.replace(
        given,
        scrape_interval=interval,
        scrape_timeout=given.scrape_timeout or min(_TIMEOUT, interval),
        evaluation_interval=given.evaluation_interval or _INTERVAL,
    )
    if given.metric_name_validation_scheme is NameValidation.LEGACY and _ESCAPING not in (section or ()):
        return dataclasses.replace(filled, metric_name_escaping_scheme=NameEscaping.UNDERSCORES)
    return filled


Placed = tuple[Place, ScrapeConfig]
"""A job, and where it stands."""


def read_jobs(items: Any, place: Place, defaults: GlobalConfig) -> tuple[Placed, ...]:
    """Read a list of jobs and fill in what they leave out.

    Raises:
        ConfigError: a value cannot be used.
    """
    read_all = list_decoder(lambda section, where: (where, _read_job(section, where, defaults)))
    jobs: tuple[Placed, ...] = read_all(items, place)
    return jobs


def read_job_file(file: Path, defaults: GlobalConfig) -> tuple[Placed, ...]:
    """Read a file of ``scrape_config_files``, which has the one key ``scrape_configs``.

    Raises:
        ConfigError: the file cannot be used.
    """
    content = load(file) or Section({}, {})
    place = Place(file)
    refuse_unknown(content, ("scrape_configs",), place)
    return read_jobs(content.get("scrape_configs"), place_of(content, "scrape_configs", place), defaults)


def without_repetition(jobs: Iterable[Placed]) -> tuple[ScrapeConfig, ...]:
    """Return jobs of which no two have the same name.

    Raises:
        ConfigError: two have.
    """
    seen: dict[str, Placed] = {}
    for place, job in jobs:
        first = seen.setdefault(job.job_name, (place, job))
        if first[0] is not place:
            reason = f'found multiple scrape configs with job name "{job.job_name}", first found in'
            raise place.error(f"{reason} {first[0].file}:{first[0].line}")
    return tuple(job for _, job in seen.values())


def _read_job(section: Any, place: Place, defaults: GlobalConfig) -> ScrapeConfig:
    if section is None:
        raise place.error("empty or null scrape config section")
    others, section = read_foreign_discovery(_without_blank(section), place)
    own: ScrapeConfig = decoder_of(ScrapeConfig)(section, place)
    inherited = {name: getattr(defaults, name) for name in _INHERITED if _is_left_out(section, own, name)}
    job = dataclasses.replace(own, other_sd_configs=others, **inherited)
    if "scrape_timeout" in inherited:
        # As Prometheus does: a default timeout that is longer than the interval is cut, one written out is an error.
        job = dataclasses.replace(job, scrape_timeout=min(job.scrape_timeout, job.scrape_interval))
    _check_timeout(job, place_of(section, "scrape_timeout", place))
    _check_schemes(job, place)
    _refuse_unsupported(job, section, place)
    return job


def _is_left_out(section: Section, own: ScrapeConfig, name: str) -> bool:
    """Whether a job takes a value from ``global``: a limit or duration of 0 counts as none, ``false`` does not."""
    value = getattr(own, name)
    return name not in section or not (value or isinstance(value, bool))


def _refuse_unsupported(job: ScrapeConfig, section: Section, place: Place) -> None:
    for name in _NOT_SUPPORTED:
        if getattr(job, name):
            where = place_of(section, name, place) if name in section else Place(place.file, f"global.{name}")
            raise where.error(f'not supported: it would change what is stored of job "{job.job_name}"')


def _check_timeout(job: ScrapeConfig, place: Place) -> None:
    if job.scrape_timeout > job.scrape_interval:
        raise place.error(
            f'scrape timeout greater than scrape interval for scrape config with job name "{job.job_name}"'
        )


def _check_schemes(job: ScrapeConfig, place: Place) -> None:
    utf8 = job.metric_name_validation_scheme is NameValidation.UTF8
    if job.metric_name_escaping_scheme is NameEscaping.ALLOW_UTF8 and not utf8:
        raise place.error("utf8 metric names requested but validation scheme is not set to UTF8")


def _without_blank(section: Any) -> Any:
    """Return a section without what it leaves to its defaults, though it has the key."""
    if not isinstance(section, Section):
        return section
    kept = {key: value for key, value in section.items() if not _is_blank(key, value)}
    return Section(kept, section.lines)


def _is_blank(key: str, value: Any) -> bool:
    return (key in _INHERITED and value is None) or (key in (_VALIDATION, _ESCAPING) and value == "")
