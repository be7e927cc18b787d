"""``glass export`` and ``glass import``: samples out of the data directory, and into it, as OpenMetrics."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from dashboard.cli.shared import (
    config_option,
    data_dir_option,
    errors_in_one_line,
    no_terminal,
    progress_bar,
    settings_of,
)

if TYPE_CHECKING:
    from dashboard.model.matcher import Matcher
    from dashboard.settings import Settings
    from dashboard.storage import Storage
    from dashboard.storage.openmetrics_import import Imported

_FIRST, _LAST = -(2**63) + 1, 2**63 - 1


@click.command()
@config_option
@data_dir_option
@click.option(
    "--match", "selectors", multiple=True, help="A selector; may be given several times. Without, all series."
)
@click.option("--start", default="", help="When the range begins: seconds since 1970, or RFC 3339.")
@click.option("--end", default="", help="When the range ends.")
@click.argument("file", type=click.File("wb", lazy=True), default="-")
def export(
    *, config: Path | None, data_dir: Path | None, selectors: Sequence[str], start: str, end: str, file: BinaryIO
) -> None:
    """Write samples to FILE, or to standard output, as OpenMetrics with timestamps.

    "glass import" and "promtool tsdb create-blocks-from openmetrics" read it. Staleness markers are left out, since
    OpenMetrics has no form for them. The server must not run.
    """
    with errors_in_one_line():
        from dashboard.storage.openmetrics_export import export_openmetrics

        sets = [_matchers(selector) for selector in selectors]
        first, last = _milliseconds(start, _FIRST, "--start"), _milliseconds(end, _LAST, "--end")
        with _store(settings_of(config, data_dir), existing=True) as storage, progress_bar("exporting") as progress:
            file.writelines(text.encode() for text in export_openmetrics(storage, sets, first, last, progress))


@click.command("import")
@config_option
@data_dir_option
@click.argument("file", type=click.File("rb"))
def import_(*, config: Path | None, data_dir: Path | None, file: BinaryIO) -> None:
    """Store the samples of FILE, or of standard input ("-"): OpenMetrics with a timestamp at each sample.

    They may be of any age, and series may come in any order. What is stored already stays as it is. All samples become
    visible at once; where a line is wrong, or the command is stopped, none does. The server must not run.
    """
    with errors_in_one_line():
        from dashboard.exposition.errors import ExpositionError
        from dashboard.storage.openmetrics_import import import_openmetrics

        settings = settings_of(config, data_dir)
        name = str(getattr(file, "name", "<stdin>"))
        size = Path(name).stat().st_size if Path(name).is_file() else 0
        with (
            _store(settings) as storage,
            click.progressbar(
                length=size or 1, label="importing", file=sys.stderr, hidden=not size or no_terminal()
            ) as bar,
        ):
            try:
                imported = import_openmetrics(storage, file, _now(), bar.update)
            except ExpositionError as error:
                raise click.ClickException(f"{name}: {error}; nothing was imported") from error
    _tell(imported, settings)


def _tell(imported: Imported, settings: Settings) -> None:
    from dashboard.model.duration import format_duration
    from dashboard.settings import DEFAULT_RETENTION

    click.echo(f"imported {imported.samples} new samples of {imported.series} series")
    retention = settings.retention or DEFAULT_RETENTION
    oldest = _now() - retention
    if imported.earliest is not None and imported.earliest < oldest:
        day = datetime.fromtimestamp(oldest / 1000, UTC).date()
        click.echo(
            f"samples from before {day} are older than the retention of {format_duration(retention)}: the "
            "server drops them when it runs, unless it is told to keep them longer (--retention)",
            err=True,
        )


@contextmanager
def _store(settings: Settings, *, existing: bool = False) -> Iterator[Storage]:
    """Open the store of a data directory that no server uses; ``existing`` refuses to make one.

    Raises:
        DatabaseError: the directory is in use, or cannot be used.
    """
    from prometheus_client import CollectorRegistry

    from dashboard.database import Database
    from dashboard.migrations import MIGRATIONS
    from dashboard.settings import DEFAULT_RETENTION
    from dashboard.storage import Storage

    if existing:
        Database.existing_file(settings.data_dir)
    database = Database.open(settings.data_dir, MIGRATIONS)
    try:
        retention = settings.retention or DEFAULT_RETENTION
        storage = Storage(
            database,
            registry=CollectorRegistry(),
            clock=_now,
            retention=retention,
            block_length=settings.block_length,
        )
        storage.open()
        try:
            yield storage
        finally:
            storage.close()
    finally:
        database.close()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _milliseconds(given: str, default: int, option: str) -> int:
    from dashboard.rules.unit_tests.times import InvalidTimeError, parse_time

    try:
        return parse_time(given) if given else default
    except InvalidTimeError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _matchers(text: str) -> tuple[Matcher, ...]:
    from dashboard.promql import ParseError, parse
    from dashboard.promql.ast import VectorSelector

    try:
        selector = parse(text)
    except ParseError as error:
        raise click.BadParameter(str(error), param_hint="--match") from error
    if not isinstance(selector, VectorSelector) or str(selector) != selector.series:
        raise click.BadParameter(f'"{text}" is not a series selector', param_hint="--match")
    return selector.matchers
