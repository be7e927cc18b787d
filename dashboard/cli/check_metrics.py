"""``glass check metrics``, whose lint prints and exits as ``promtool check metrics`` does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashboard.cli.check_rules import LINT_FAILED
from dashboard.cli.shared import FAILED

if TYPE_CHECKING:
    from dashboard.exposition.page import Page
    from dashboard.scrape.fetch import Answer

_TIMEOUT_SECONDS = 10.0
_MOST_NAMED = 10


@click.command("metrics")
@click.argument("page", metavar="URL|FILE|-", default="-")
@click.option("--samples", "show_samples", is_flag=True, help="Print each sample that would be stored.")
def check_metrics(*, page: str, show_samples: bool) -> None:
    """Tell what would be stored of a page of metrics, which line is refused, and what is unusual.

    A page from a file or from standard input is OpenMetrics if it ends with "# EOF".
    """
    from dashboard.exposition.errors import ExpositionError
    from dashboard.exposition.lint import lint
    from dashboard.exposition.parser import parse

    answer = _get(page)
    try:
        read = parse(answer.body, answer.content_type)
    except ExpositionError as error:
        click.echo(f"FAILED: {error}", err=True)
        click.echo("Nothing of the page would be stored.", err=True)
        sys.exit(FAILED)
    _tell(read, show_samples=show_samples)
    problems = lint(read)
    for problem in problems:
        click.echo(f"{problem.metric} {problem.text}", err=True)
    if problems:
        sys.exit(LINT_FAILED)


def _get(page: str) -> Answer:
    from dashboard.scrape.errors import FetchError
    from dashboard.scrape.fetch import Answer

    try:
        if page.startswith(("http://", "https://")):
            return _fetch(page)
        body = sys.stdin.buffer.read() if page == "-" else Path(page).read_bytes()
    except (FetchError, OSError) as error:
        raise click.ClickException(str(error)) from error
    ended = body.endswith((b"# EOF\n", b"# EOF"))
    return Answer(body, "application/openmetrics-text" if ended else "text/plain")


def _fetch(url: str) -> Answer:
    from dashboard.config.scrape import ScrapeConfig
    from dashboard.scrape.fetch import HttpSource

    source = HttpSource(url, _TIMEOUT_SECONDS, ScrapeConfig(job_name="check"))
    try:
        return source.fetch()
    finally:
        source.close()


def _tell(page: Page, *, show_samples: bool) -> None:
    """Print what would be stored: of a series the first sample without a timestamp, and all that have one."""
    stored = set()
    dropped = []
    for sample in page.samples:
        if sample.timestamp is None and sample.labels in stored:
            dropped.append(str(sample.labels))
            continue
        if sample.timestamp is None:
            stored.add(sample.labels)
        if show_samples:
            at = "" if sample.timestamp is None else f" @{sample.timestamp / 1000:.3f}"
            click.echo(f"{sample.labels} {sample.value!r}{at}")
    series = len({sample.labels for sample in page.samples})
    click.echo(f"SUCCESS: {len(page.samples) - len(dropped)} samples of {series} series would be stored")
    if dropped:
        click.echo(f"{len(dropped)} samples would be dropped, since their series come before:", err=True)
        for labels in dropped[:_MOST_NAMED]:
            click.echo(f"  {labels}", err=True)
