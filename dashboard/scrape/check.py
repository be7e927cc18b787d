"""Checks the targets that a job lists itself or in files, as ``promtool check config`` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dashboard.config.globs import matching
from dashboard.config.scrape import ScrapeConfig
from dashboard.scrape.discovery import TargetGroup
from dashboard.scrape.discovery.file import read_groups
from dashboard.scrape.errors import DiscoveryError
from dashboard.scrape.target import targets_of


@dataclass(frozen=True, slots=True)
class CheckedTargets:
    """What is wrong with the targets of a job, and what may be."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


def check_targets(job: ScrapeConfig, *, in_files: bool) -> CheckedTargets:
    """Check the targets of a job, and those of the files that it names if ``in_files`` is set."""
    errors = list(_errors(job, [TargetGroup.of(group) for group in job.static_configs]))
    warnings = []
    patterns = [pattern for config in job.file_sd_configs for pattern in config.files] if in_files else []
    for pattern in patterns:
        found = matching(pattern)
        if not found:
            warnings.append(f'file "{pattern}" for file_sd in scrape job "{job.job_name}" does not exist')
        for file in found:
            errors += _errors_of_file(job, file)
    return CheckedTargets(tuple(errors), tuple(warnings))


def _errors_of_file(job: ScrapeConfig, file: Path) -> list[str]:
    try:
        return list(_errors(job, [TargetGroup.of(group) for group in read_groups(file)]))
    except DiscoveryError as error:
        return [f'checking SD file "{file}": {error}']


def _errors(job: ScrapeConfig, groups: list[TargetGroup]) -> Iterator[str]:
    for error in targets_of(job, groups).errors:
        yield f'job "{job.job_name}": {error}'
