"""``glass check config``, which prints and exits as ``promtool check config`` does."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.cli.check_rules import LINT_FAILED, report_rules
from dashboard.cli.shared import FAILED, existing_files
from dashboard.model.duration import format_duration

if TYPE_CHECKING:
    from dashboard.config.prometheus import PrometheusConfig
    from dashboard.rules.check import CheckedFile

_LOOKBACK = 300_000
"""A sample is forgotten after so many milliseconds, so that a longer scrape interval leaves gaps."""

_LINTS = ("all", "duplicate-rules", "none", "too-long-scrape-interval")


@click.command("config")
@click.argument("config_files", nargs=-1, required=True, callback=existing_files)
@click.option("--syntax-only", is_flag=True, help="Leave alone the files that a configuration names.")
@click.option(
    "--lint",
    default="duplicate-rules",
    show_default=True,
    help=f"What to look for beside errors, separated by commas: {', '.join(_LINTS)}.",
)
@click.option("--lint-fatal", is_flag=True, help=f"Exit with {LINT_FAILED} on what the lint finds.")
@click.option("--ignore-unknown-fields", is_flag=True, help="Let rule files have keys that Prometheus does not know.")
def check_config(
    *, config_files: Sequence[Path], syntax_only: bool, lint: str, lint_fatal: bool, ignore_unknown_fields: bool
) -> None:
    """Check configuration files of Prometheus, and the files that they name."""
    lints = _wanted(lint)
    broken = linted = False
    for file in config_files:
        config = _checked(file, syntax_only=syntax_only)
        broken |= config is None
        if config is None or syntax_only:
            continue
        if "too-long-scrape-interval" in lints:
            linted |= _reports_long_interval(config)
        for checked in _checked_rules(file, config, lints, ignore_unknown_fields=ignore_unknown_fields):
            broken |= bool(checked.errors)
            linted |= bool(checked.lint)
    if broken:
        sys.exit(FAILED)
    if linted and lint_fatal:
        sys.exit(LINT_FAILED)


def _checked_rules(
    file: Path, config: PrometheusConfig, lints: frozenset[str], *, ignore_unknown_fields: bool
) -> Iterator[CheckedFile]:
    from dashboard.rules.check import check_file

    folder = config.file.parent
    for rule_file in config.rule_files:
        # As promtool does, a file is told as it is reached from where the user stands.
        shown = file.parent / rule_file.relative_to(folder) if rule_file.is_relative_to(folder) else rule_file
        click.echo(f"Checking {shown}")
        checked = check_file(shown, duplicates="duplicate-rules" in lints, ignore_unknown_fields=ignore_unknown_fields)
        report_rules(checked)
        yield checked


def _wanted(lint: str) -> frozenset[str]:
    words = lint.split(",")
    for word in words:
        if word not in _LINTS:
            click.echo(f'WARNING: unknown lint option: "{word}"')
    if "none" in words:
        return frozenset()
    return frozenset(_LINTS if "all" in words else words)


def _checked(file: Path, *, syntax_only: bool) -> PrometheusConfig | None:
    """Load a file and tell what is wrong with it, or that nothing is; return it in that case."""
    from dashboard.config.errors import ConfigError
    from dashboard.config.prometheus import load_prometheus_config

    click.echo(f"Checking {file}")
    try:
        config = load_prometheus_config(file, jobs_elsewhere=not syntax_only)
    except ConfigError as error:
        _tell_failure([str(error)])
        return None
    for warning in config.warnings:
        click.echo(f"  WARNING: {warning}")
    if errors := list(_errors(config, syntax_only=syntax_only)):
        _tell_failure(f"{file}: {error}" for error in errors)
        return None
    if config.rule_files and not syntax_only:
        click.echo(f"  SUCCESS: {len(config.rule_files)} rule files found")
    click.echo(f" SUCCESS: {file} is valid prometheus config file syntax\n")
    return config


def _tell_failure(reasons: Iterable[str]) -> None:
    for reason in reasons:
        click.echo(f"  FAILED: {reason}", err=True)
    click.echo()


def _errors(config: PrometheusConfig, *, syntax_only: bool) -> Iterator[str]:
    from dashboard.config.referenced import missing_files
    from dashboard.scrape.check import check_targets

    if not syntax_only:
        yield from missing_files(config)
    for job in config.scrape_configs:
        checked = check_targets(job, in_files=not syntax_only)
        for warning in checked.warnings:
            click.echo(f"  WARNING: {warning}")
        yield from checked.errors


def _reports_long_interval(config: PrometheusConfig) -> bool:
    for job in config.scrape_configs:
        if job.scrape_interval >= _LOOKBACK:
            interval = format_duration(job.scrape_interval)
            click.echo(
                "  FAILED: too long scrape interval found, data point will be marked as stale - "
                f"job: {job.job_name}, interval: {interval}",
                err=True,
            )
            return True
    return False
