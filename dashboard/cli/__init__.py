"""The commands of ``glass``: one module a group, each command a few lines over the parts.

Parts are imported where they are used, so that ``glass --version`` and ``--help`` answer at once.
"""

from __future__ import annotations

import click

from dashboard import __version__
from dashboard.cli.backup import backup, restore
from dashboard.cli.check import check
from dashboard.cli.data import export, import_
from dashboard.cli.init import init
from dashboard.cli.push import push
from dashboard.cli.query import query
from dashboard.cli.schema import schema
from dashboard.cli.serve import demo, serve
from dashboard.cli.test_rules import test


@click.group()
@click.version_option(__version__, prog_name="glass")
def main() -> None:
    """One folder of Prometheus, Alertmanager and Grafana files, run by one Python process."""


for _command in (init, demo, serve, check, test, query, push, export, import_, backup, restore, schema):
    main.add_command(_command)
