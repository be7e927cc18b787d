"""What several commands share: their options, and how they tell what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dashboard.settings import Settings


def _named(_: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    if value == "":
        raise click.BadParameter("the folder has no name", param=option)
    return Path(value) if value is not None else None


FAILED = 1
"""The exit code of a command that found, or met, an error."""


def existing_files(_: click.Context, __: click.Parameter, names: Sequence[str]) -> tuple[Path, ...]:
    """Turn arguments into paths; one that does not exist is an error as promtool tells it."""
    for name in names:
        if not Path(name).exists():
            raise click.ClickException(f"path '{name}' does not exist")
        if Path(name).is_dir():
            raise click.ClickException(f"'{name}' is a directory")
    return tuple(Path(name) for name in names)


def pairs(_: click.Context, option: click.Parameter, given: Sequence[str]) -> dict[str, str]:
    """Turn ``NAME=VALUE`` of an option that may be given several times into a mapping."""
    for pair in given:
        if "=" not in pair:
            raise click.BadParameter(f"expected NAME=VALUE, got '{pair}'", param=option)
    return dict(pair.split("=", 1) for pair in given)


def duration(_: click.Context, option: click.Parameter, given: str) -> float:
    """Turn a duration as Go writes it, such as ``1m30s``, into seconds; an empty one is 0."""
    from goduration.go import Duration

    try:
        return float(Duration.parse(given).total_seconds()) if given else 0.0
    except ValueError as error:
        raise click.BadParameter(str(error), param=option) from error


config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="Prometheus's file (./monitoring/prometheus.yml)."
)
data_dir_option = click.option(
    "--data-dir", type=click.Path(file_okay=False), callback=_named, help="Where the database is kept."
)


def settings_of(config: Path | None, data_dir: Path | None) -> Settings:
    """Return the settings of a command that works on the data directory.

    Raises:
        ConfigError: ``cockpit.yml`` or a variable cannot be used.
    """
    from dashboard.settings import DEFAULT_CONFIG, load_settings

    return load_settings(config or DEFAULT_CONFIG, data_dir=data_dir)


def no_terminal() -> bool:
    """Say whether standard error is no terminal, where a progress bar has no place."""
    return not sys.stderr.isatty()


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, and yield what is told how much is done, and of how much."""
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=no_terminal()) as bar:

        def progress(done: int, whole: int) -> None:
            bar.length = whole
            bar.update(done - bar.pos)

        yield progress


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
