"""``glass check``: the group whose commands check files, as ``promtool check`` does."""

from __future__ import annotations

import click

from dashboard.cli.check_config import check_config
from dashboard.cli.check_metrics import check_metrics
from dashboard.cli.check_rules import check_rules


@click.group("check")
def check() -> None:
    """Check files before a server reads them."""


check.add_command(check_config)
check.add_command(check_metrics)
check.add_command(check_rules)
