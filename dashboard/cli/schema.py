"""``glass schema``: the tables of the database, and the way from one version's to another's."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from dashboard.cli.shared import FAILED, config_option, data_dir_option, errors_in_one_line, settings_of


@click.group()
def schema() -> None:
    """Show the tables of the database, and bring them to another version's."""


@schema.command()
@config_option
@data_dir_option
def status(*, config: Path | None, data_dir: Path | None) -> None:
    """List the migrations, and what of the tables is not as they say. The server may run.

    It exits with 1 where something is not as this version expects.
    """
    with errors_in_one_line():
        from dashboard.database import Database
        from dashboard.database.schema import read_schema_status
        from dashboard.migrations import MIGRATIONS

        directory = settings_of(config, data_dir).data_dir
        found = read_schema_status(Database.existing_file(directory), MIGRATIONS)
    for told, names in (("applied", found.applied), ("pending", found.pending), ("newer", found.unknown)):
        for name in names:
            click.echo(f"{told}  {name}")
    for difference in found.drift:
        click.echo(f"drift    {difference}")
    if not found.as_expected:
        sys.exit(FAILED)


@schema.command()
@config_option
@data_dir_option
def upgrade(*, config: Path | None, data_dir: Path | None) -> None:
    """Apply what is pending, as the server does when it starts. The server must not run."""
    with errors_in_one_line():
        from dashboard.database import Database
        from dashboard.database.schema import read_schema_status
        from dashboard.migrations import MIGRATIONS

        directory = settings_of(config, data_dir).data_dir
        pending = read_schema_status(Database.existing_file(directory), MIGRATIONS).pending
        Database.open(directory, MIGRATIONS).close()
    for name in pending:
        click.echo(f"applied  {name}")


@schema.command()
@config_option
@data_dir_option
@click.option(
    "--to", "target", default="", metavar="NAME", help="The migration that is to be the last (one step back)."
)
def downgrade(*, config: Path | None, data_dir: Path | None, target: str) -> None:
    """Take back the last migration, for an older version, or all that came after NAME. The server must not run.

    The whole database is copied before. A migration stays where the older version could not read what is stored.
    """
    with errors_in_one_line():
        from dashboard.database import Database, DatabaseError
        from dashboard.database.backup import back_up
        from dashboard.migrations import MIGRATIONS

        directory = settings_of(config, data_dir).data_dir
        file = Database.existing_file(directory)
        database = Database.open(directory, MIGRATIONS, upgrade=False)
        try:
            copy = file.with_name(f"{file.name}{datetime.now(UTC):.before-%Y%m%dT%H%M%S.%f}")
            back_up(directory, copy)
            try:
                names = database.downgrade(target)
            except DatabaseError:
                copy.unlink()
                raise
        finally:
            database.close()
    click.echo(f"copied the database to {copy}")
    for name in names:
        click.echo(f"took back  {name}")
