"""What several commands share: their options, and how they tell what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


def _named(_: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    if value == "":
        raise click.BadParameter("the folder has no name", param=option)
    return Path(value) if value is not None else None


config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="Prometheus's file (./monitoring/prometheus.yml)."
)
data_dir_option = click.option(
    "--data-dir", type=click.Path(file_okay=False), callback=_named, help="Where the database is kept."
)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Set up logging, and turn what the user can mend into one line and exit code 1."""
    from dashboard.cockpit import STARTING_ERRORS
    from dashboard.logs import set_up_logging

    set_up_logging()
    try:
        yield
    except STARTING_ERRORS as error:
        raise click.ClickException(str(error)) from error
