"""``glass init``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
def init(directory: Path) -> None:
    """Write the folder monitoring/ into DIRECTORY."""
    from dashboard.shipped import write_monitoring

    try:
        folder = write_monitoring(directory)
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"wrote {folder}; start it with: glass serve --config {folder / 'prometheus.yml'}")
