"""Who says how long samples are kept: command line, cockpit.yml, prometheus.yml, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config.errors import ConfigError
from dashboard.config.prometheus import load_prometheus_config
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.retention import retention_of
from dashboard.settings import load_settings
from dashboard.storage import KeepRule, Retention

DAY = 86_400_000
PROMETHEUS = "storage: {tsdb: {retention: {time: 4d, size: 1GB}}}"


def joined(folder: Path, *, prometheus: str = "", cockpit: str = "", **given: object) -> Retention:
    file = folder / "prometheus.yml"
    file.write_text(prometheus or "global: {}\n")
    (folder / "cockpit.yml").write_text(cockpit or "{}\n")
    return retention_of(load_settings(file, **given), load_prometheus_config(file))


def test_thirty_days_where_nobody_says_anything(tmp_path: Path) -> None:
    assert joined(tmp_path) == Retention(30 * DAY)


def test_prometheus_yml_then_cockpit_yml_then_the_command_line(tmp_path: Path) -> None:
    assert joined(tmp_path, prometheus=PROMETHEUS) == Retention(4 * DAY, 1 << 30)
    assert joined(tmp_path, prometheus=PROMETHEUS, cockpit="retention: 5d") == Retention(5 * DAY, 1 << 30)
    cockpit = "{retention: 5d, retention_size: 2GB}"
    assert joined(tmp_path, prometheus=PROMETHEUS, cockpit=cockpit, retention=6 * DAY) == Retention(6 * DAY, 2 << 30)


def test_rules_stand_beside_the_age_that_others_say(tmp_path: Path) -> None:
    cockpit = "retention: [{match: '{job=\"debug\"}', keep: 2d}, {match: up, keep: 1y}]"
    rules = (
        KeepRule((Matcher(MatchKind.EQUAL, "job", "debug"),), 2 * DAY),
        KeepRule((Matcher(MatchKind.EQUAL, "__name__", "up"),), 365 * DAY),
    )
    assert joined(tmp_path, prometheus=PROMETHEUS, cockpit=cockpit) == Retention(4 * DAY, 1 << 30, rules)
    assert joined(tmp_path, cockpit=cockpit, retention=6 * DAY) == Retention(6 * DAY, 0, rules)


@pytest.mark.parametrize("match", ["sum(up)", "up{"])
def test_a_rule_without_a_selector_is_refused(tmp_path: Path, match: str) -> None:
    with pytest.raises(ConfigError, match=r"cockpit\.yml: retention"):
        joined(tmp_path, cockpit=f"retention: [{{match: '{match}', keep: 1d}}]")
