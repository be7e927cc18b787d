"""The commands of ``glass``, each a few lines over the parts.

Parts are imported where they are used, so that ``glass --version`` and ``--help`` answer at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dashboard import __version__


def _named(_: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    if value == "":
        raise click.BadParameter("the folder has no name", param=option)
    return Path(value) if value is not None else None


_config = click.option(
    "--config", type=click.Path(path_type=Path), help="Prometheus's file (./monitoring/prometheus.yml)."
)
_data_dir = click.option(
    "--data-dir", type=click.Path(file_okay=False), callback=_named, help="Where the database is kept."
)
_port = click.option("--port", type=click.IntRange(0, 65_535), help="The port to listen on (5000).")
_exit_with_stdin = click.option("--exit-with-stdin", is_flag=True, help="Stop when standard input is closed.")


@click.group()
@click.version_option(__version__, prog_name="glass")
def main() -> None:
    """One folder of Prometheus, Alertmanager and Grafana files, run by one Python process."""


@main.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
def init(directory: Path) -> None:
    """Write the folder monitoring/ into DIRECTORY."""
    from dashboard.shipped import write_monitoring

    try:
        folder = write_monitoring(directory)
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"wrote {folder}; start it with: glass serve --config {folder / 'prometheus.yml'}")


@main.command()
@_config
@_data_dir
@click.option("--host", help="The address to listen on (localhost).")
@_port
@click.option("--retention", help="How long samples are kept (30d).")
@click.option("--browser/--no-browser", default=False, help="Open the page in a browser.")
@_exit_with_stdin
def serve(
    *,
    config: Path | None,
    data_dir: Path | None,
    host: str | None,
    port: int | None,
    retention: str | None,
    browser: bool,
    exit_with_stdin: bool,
) -> None:
    """Scrape, store, alert and show what a prometheus.yml names."""
    from dashboard.settings import DEFAULT_CONFIG, load_settings

    with _errors_in_one_line():
        from dashboard.process import run

        settings = load_settings(
            config or DEFAULT_CONFIG, data_dir=data_dir, host=host, port=port, retention=_milliseconds(retention)
        )
        run(settings, browser=browser, exit_with_stdin=exit_with_stdin)


@main.command()
@click.option("--real", default="", metavar="APP,...", help="Apps that run for real and are not simulated.")
@_config
@_data_dir
@_port
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
@_exit_with_stdin
def demo(
    *, real: str, config: Path | None, data_dir: Path | None, port: int | None, browser: bool, exit_with_stdin: bool
) -> None:
    """Run the server beside six simulated apps."""
    from dashboard.demo import UnknownAppError, run_demo, simulated_apps
    from simulators.loopback import PortTakenError

    try:
        apps = simulated_apps([name.strip() for name in real.split(",") if name.strip()])
    except UnknownAppError as error:
        raise click.BadParameter(str(error), param_hint="--real") from error
    try:
        with _errors_in_one_line():
            run_demo(
                apps, config_file=config, data_dir=data_dir, port=port, browser=browser, exit_with_stdin=exit_with_stdin
            )
    except PortTakenError as error:
        raise click.ClickException(f"{error} If that is the app itself, leave it out with --real.") from error


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Set up logging, and turn what the user can mend into one line and exit code 1."""
    from dashboard.cockpit import STARTING_ERRORS
    from dashboard.logs import set_up_logging

    set_up_logging()
    try:
        yield
    except STARTING_ERRORS as error:
        raise click.ClickException(str(error)) from error


def _milliseconds(duration: str | None) -> int | None:
    from dashboard.model.duration import InvalidDurationError, parse_duration

    if duration is None:
        return None
    try:
        milliseconds = parse_duration(duration)
    except InvalidDurationError as error:
        raise click.BadParameter(str(error), param_hint="--retention") from error
    if not milliseconds:
        raise click.BadParameter("nothing would be kept", param_hint="--retention")
    return milliseconds
