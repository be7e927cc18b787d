"""A running server whose files change under it: what did not change goes on, what is broken changes nothing."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from processes import Launcher, Server, Target, get_json, wait_for

INTERVAL = 1
CANARY = f"""
global: {{scrape_interval: {INTERVAL}s, scrape_timeout: {INTERVAL}s}}
rule_files: [rules.yml]
scrape_configs:
- job_name: canary
  static_configs: [{{targets: ['ADDRESS']}}]
"""
OTHER = """
- job_name: other
  scrape_interval: {interval}s
  static_configs: [{{targets: ['ADDRESS'], labels: {{turn: "{turn}"}}}}]
"""
BROKEN = (
    "- job_name: canary\n",
    "  unknown: 1\n",
    "  bad\n indent",
    "  relabel_configs: [{action: hashmod, target_label: a}]\n",
)


@pytest.fixture
def target() -> Iterator[Target]:
    with Target(lambda _: b"a 1\n").serving() as target:
        yield target


class Folder:
    """The files of a server that scrapes a target which must miss nothing."""

    def __init__(self, folder: Path, target: Target) -> None:
        self.file = folder / "prometheus.yml"
        self.rules = folder / "rules.yml"
        self._address = f"127.0.0.1:{target.server_port}"
        self.write("")

    def write(self, more: str, rules: str = "groups: []\n") -> None:
        self.rules.write_text(rules, encoding="utf-8")
        self.file.write_text((CANARY + more).replace("ADDRESS", self._address), encoding="utf-8")


def reload(server: Server) -> int:
    request = urllib.request.Request(f"{server.url}/-/reload", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def scrapes(server: Server) -> list[float]:
    """Return when the canary was scraped, in seconds."""
    series = server.query('up{job="canary"}[10m]')
    return [time for each in series for time, value in each["values"] if value == "1"]


def jobs(server: Server) -> dict[str, Any]:
    targets = get_json(f"{server.url}/api/v1/targets")["data"]["activeTargets"]
    return {each["labels"]["job"]: each["labels"] for each in targets}


def test_a_hundred_reloads_cost_no_scrape_and_broken_files_change_nothing(
    launcher: Launcher, target: Target, tmp_path: Path
) -> None:
    folder = Folder(tmp_path, target)
    server = launcher.glass("--config", str(folder.file))
    wait_for(lambda: scrapes(server), "the first scrape")
    for turn in range(100):
        folder.write(OTHER.format(turn=turn, interval=1 + turn % 3))
        assert reload(server) == 200
        assert jobs(server)["other"]["turn"] == str(turn)
        if turn % 10 == 0:
            folder.write(OTHER.format(turn="never", interval=1) + BROKEN[turn // 10 % len(BROKEN)])
            assert reload(server) == 500
            folder.write(OTHER.format(turn="never", interval=1), rules="groups: [{name: g, rules: [{record: a}]}]\n")
            assert reload(server) == 500
            assert jobs(server)["other"]["turn"] == str(turn)
            seen = len(scrapes(server))
            wait_for(lambda seen=seen: len(scrapes(server)) > seen, "the next scrape")  # type: ignore[misc]
    gaps = [later - earlier for earlier, later in pairwise(scrapes(server))]
    assert len(gaps) > 5
    assert max(gaps) < 2 * INTERVAL


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system knows no SIGHUP")
def test_a_storm_of_hangups_ends_with_the_last_files_in_force(
    launcher: Launcher, target: Target, tmp_path: Path
) -> None:
    folder = Folder(tmp_path, target)
    server = launcher.glass("--config", str(folder.file))
    for turn in range(100):
        folder.write(OTHER.format(turn=turn, interval=1))
        os.kill(server.process.pid, signal.SIGHUP)
    wait_for(lambda: jobs(server).get("other", {}).get("turn") == "99", "the last reload")
