"""``glass test rules``, which reads the files of ``promtool test rules``, prints as it does and exits as it does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.cli.shared import FAILED, existing_files

if TYPE_CHECKING:
    from dashboard.rules.unit_tests import FileResult

_junit = click.option(
    "--junit", type=click.Path(dir_okay=False, path_type=Path), help="Also write results as JUnit XML."
)


@click.group("test")
@_junit
@click.pass_context
def test(context: click.Context, *, junit: Path | None) -> None:
    """Test rules with samples made up for it."""
    context.obj = junit


@test.command("rules")
@click.argument("test_files", nargs=-1, required=True, callback=existing_files)
@click.option("--run", multiple=True, metavar="REGEX", help="Only run tests in whose name REGEX is found.")
@click.option("--ignore-unknown-fields", is_flag=True, help="Let rule files have keys that Prometheus does not know.")
@_junit
@click.pass_obj
def test_rules(
    junit_of_group: Path | None,
    *,
    test_files: Sequence[Path],
    run: Sequence[str],
    ignore_unknown_fields: bool,
    junit: Path | None,
) -> None:
    """Run unit tests of rules, in promtool's format."""
    from dashboard.rules.unit_tests import junit_xml, run_file

    pattern = _pattern(run)
    results = []
    for file in test_files:
        results.append(run_file(file, run=pattern, ignore_unknown_fields=ignore_unknown_fields))
        _report(results[-1])
    if report := junit or junit_of_group:
        report.write_bytes(junit_xml(results, datetime.now().astimezone()))
    if any(result.failures for result in results):
        sys.exit(FAILED)


def _pattern(run: Sequence[str]) -> str:
    from dashboard.model.matcher import InvalidRegexError, compiled

    pattern = "|".join(run)
    try:
        compiled(pattern)
    except InvalidRegexError as error:
        raise click.ClickException(str(error)) from error
    return pattern


def _report(result: FileResult) -> None:
    for pattern in result.unmatched:
        click.echo(f"  WARNING: no file match pattern {pattern}", err=True)
    if not result.failures:
        click.echo("  SUCCESS")
    else:
        click.echo("  FAILED:", err=True)
    for failure in result.failures:
        click.echo(failure, err=True)
        click.echo()
    click.echo()
