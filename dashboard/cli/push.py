"""``glass push metrics``, which sends exposition pages by remote write and prints as ``promtool push metrics`` does."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from dashboard.cli.shared import FAILED, duration, existing_files, pairs


def _files(context: click.Context, argument: click.Parameter, names: Sequence[str]) -> tuple[Path, ...]:
    """Return the files, none for standard input, which may also be named ``-``."""
    return () if tuple(names) == ("-",) else existing_files(context, argument, names)


@click.group()
def push() -> None:
    """Send samples to a server."""


@push.command()
@click.argument("url")
@click.argument("metric_files", nargs=-1, callback=_files, metavar="[FILE...|-]")
@click.option(
    "--label",
    "labels",
    multiple=True,
    default=["job=glass"],
    show_default=True,
    callback=pairs,
    metavar="NAME=VALUE",
    help="A label for every series that lacks it; may be given several times. What a series has as job becomes"
    " exported_job.",
)
@click.option(
    "--header", "headers", multiple=True, callback=pairs, metavar="NAME=VALUE", help="A further header of the request."
)
@click.option("--timeout", default="30s", show_default=True, callback=duration, help="How long to wait for the server.")
def metrics(
    *, url: str, metric_files: Sequence[Path], labels: Mapping[str, str], headers: Mapping[str, str], timeout: float
) -> None:
    """Send pages of metrics, in the text format or OpenMetrics, to the remote write URL; without files standard input.

    This is meant for tests and for jobs that cannot be scraped; samples without a time are those of now.
    """
    sender = _Sender(url, labels, headers, timeout)
    if not metric_files:
        click.echo("Parsing standard input")
        done = [sender.send(sys.stdin.buffer.read(), "metrics pushed to remote write.")]
    else:
        done = [sender.send_file(file) for file in metric_files]
    if not all(done):
        sys.exit(FAILED)


class _Sender:
    def __init__(self, url: str, labels: Mapping[str, str], headers: Mapping[str, str], timeout: float) -> None:
        self._url = url
        self._labels = labels
        self._headers = headers
        self._timeout = timeout

    def send_file(self, file: Path) -> bool:
        try:
            body = file.read_bytes()
        except OSError as error:
            click.echo(f"  FAILED: {error}", err=True)
            return False
        click.echo(f"Parsing metrics file {file}")
        return self.send(body, f"metrics file {file} pushed to remote write.")

    def send(self, body: bytes, success: str) -> bool:
        from dashboard.exposition.errors import SyntaxFault
        from dashboard.exposition.parser import parse
        from dashboard.remote.errors import PushError
        from dashboard.remote.write import push as push_request
        from dashboard.remote.write import write_request

        openmetrics = body.rstrip().endswith(b"# EOF")
        try:
            page = parse(body, "application/openmetrics-text" if openmetrics else "")
            request = write_request(page, self._labels, time.time_ns() // 1_000_000)
            push_request(self._url, request, headers=self._headers, timeout=self._timeout)
        except (SyntaxFault, PushError) as error:
            click.echo(f"  FAILED: {error}", err=True)
            return False
        click.echo(f"  SUCCESS: {success}")
        return True
