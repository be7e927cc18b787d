"""``glass check rules``, which prints and exits as ``promtool check rules`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.cli.shared import FAILED, existing_files

if TYPE_CHECKING:
    from dashboard.rules.check import CheckedFile

LINT_FAILED = 3
"""The exit code where nothing is wrong but for the lint, and ``--lint-fatal`` was given."""

_LINTS = ("all", "duplicate-rules", "none")


@click.command("rules")
@click.argument("rule_files", nargs=-1, callback=existing_files)
@click.option(
    "--lint",
    default="duplicate-rules",
    show_default=True,
    help=f"What to look for beside errors, separated by commas: {', '.join(_LINTS)}.",
)
@click.option("--lint-fatal", is_flag=True, help=f"Exit with {LINT_FAILED} on what the lint finds.")
@click.option("--ignore-unknown-fields", is_flag=True, help="Let files have keys that Prometheus does not know.")
def check_rules(*, rule_files: Sequence[Path], lint: str, lint_fatal: bool, ignore_unknown_fields: bool) -> None:
    """Check rule files; without any, standard input."""
    from dashboard.rules.check import check_file, check_text

    duplicates = _wants_duplicates(lint)
    found: list[CheckedFile] = []
    if not rule_files:
        click.echo("Checking standard input")
        text = sys.stdin.read()
        found.append(check_text(text, duplicates=duplicates, ignore_unknown_fields=ignore_unknown_fields))
        report_rules(found[-1])
    for file in rule_files:
        click.echo(f"Checking {file}")
        found.append(check_file(file, duplicates=duplicates, ignore_unknown_fields=ignore_unknown_fields))
        report_rules(found[-1])
    if any(checked.errors for checked in found):
        sys.exit(FAILED)
    if lint_fatal and any(checked.lint for checked in found):
        sys.exit(LINT_FAILED)


def _wants_duplicates(lint: str) -> bool:
    """Read the option: what stands behind ``none`` does not count."""
    for word in lint.split(","):
        if word == "none":
            return False
        if word in _LINTS:
            return True
        click.echo(f'WARNING: unknown lint option: "{word}"')
    return False


def report_rules(checked: CheckedFile) -> None:
    """Print what a check of a rule file has found, as promtool does."""
    problems = [*checked.errors, *([checked.lint] if checked.lint else [])]
    if problems:
        click.echo("  FAILED:", err=True)
        for problem in problems:
            click.echo(problem, err=True)
    else:
        click.echo(f"  SUCCESS: {checked.rules} rules found")
    if not checked.errors:
        click.echo()
