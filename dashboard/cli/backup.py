"""``glass backup`` and ``glass restore``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from dashboard.cli.shared import config_option, data_dir_option, errors_in_one_line, progress_bar, settings_of

_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@config_option
@data_dir_option
@_file
def backup(*, config: Path | None, data_dir: Path | None, file: Path) -> None:
    """Copy the database into FILE, as it is at one moment. The server may run."""
    with errors_in_one_line():
        from dashboard.database.backup import back_up

        directory = settings_of(config, data_dir).data_dir
        with progress_bar("copying") as progress:
            back_up(directory, file, progress)
    click.echo(f"copied {directory} into {file}")


@click.command()
@config_option
@data_dir_option
@_file
def restore(*, config: Path | None, data_dir: Path | None, file: Path) -> None:
    """Put FILE, made by "glass backup", in the place of the data directory's database. The server must not run.

    FILE is checked before. The old database is not deleted, but moved aside.
    """
    with errors_in_one_line():
        from dashboard.database.backup import restore as put_back
        from dashboard.migrations import MIGRATIONS

        directory = settings_of(config, data_dir).data_dir
        suffix = datetime.now(UTC).strftime(".before-%Y%m%dT%H%M%S.%f")
        with progress_bar("restoring") as progress:
            aside = put_back(file, directory, MIGRATIONS, suffix, progress)
    click.echo(f"restored {file} into {directory}")
    if aside:
        click.echo(f"the old database is {aside}")
