"""``glass serve`` and ``glass demo``."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.cli.shared import config_option, data_dir_option, errors_in_one_line

_port = click.option("--port", type=click.IntRange(0, 65_535), help="The port to listen on (5000).")
_exit_with_stdin = click.option("--exit-with-stdin", is_flag=True, help="Stop when standard input is closed.")


@click.command()
@config_option
@data_dir_option
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

    with errors_in_one_line():
        from dashboard.process import run

        settings = load_settings(
            config or DEFAULT_CONFIG, data_dir=data_dir, host=host, port=port, retention=_milliseconds(retention)
        )
        run(settings, browser=browser, exit_with_stdin=exit_with_stdin)


@click.command()
@click.option("--real", default="", metavar="APP,...", help="Apps that run for real and are not simulated.")
@config_option
@data_dir_option
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
        with errors_in_one_line():
            run_demo(
                apps, config_file=config, data_dir=data_dir, port=port, browser=browser, exit_with_stdin=exit_with_stdin
            )
    except PortTakenError as error:
        raise click.ClickException(f"{error} If that is the app itself, leave it out with --real.") from error


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
