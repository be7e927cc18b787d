"""Files that a configuration names, and that must be there when it is used (``promtool check config``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dashboard.config.globs import matching
from dashboard.config.prometheus import PrometheusConfig
from dashboard.config.scrape import ScrapeConfig


def missing_files(config: PrometheusConfig) -> Iterator[str]:
    """Yield a sentence for each file that is named without ``*`` and does not exist."""
    for pattern in config.rule_patterns:
        if "*" not in pattern and not matching(pattern):
            yield f'"{pattern}" does not point to an existing file'
    for job in config.scrape_configs:
        for what, file in _files_of(job):
            if file and not Path(file).exists():
                yield f'job "{job.job_name}": error checking {what} file "{file}": no such file'


def _files_of(job: ScrapeConfig) -> Iterator[tuple[str, str]]:
    http = job.http
    if http.authorization:
        yield "authorization credentials or bearer token", http.authorization.credentials_file
    yield "client cert", http.tls_config.cert_file
    yield "client key", http.tls_config.key_file
